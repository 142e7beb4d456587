import { colourOf, inkOn } from "./drawing.js";
import { faceName } from "./face_words.js";
import { t } from "./texts.js";
import { TIMELINE_S } from "./timeline_lanes.js";
import { partWords } from "./timeline_words.js";

/** Height of a lane, of the band in it, and of the axis, in CSS pixels. */
const LANE_PX = 58;
const BAND_PX = 26;
const AXIS_PX = 20;
/** Points of the valence line further apart than this, in seconds, are not joined. */
const JOIN_S = 1;

/** Colours of everything but the expressions, by the page's scheme. */
const LIGHT = {
  ink: "#1d2126", soft: "#59616b", line: "#c8cdd3", track: "#e8eaed", accent: "#0b5c8a", hatch: "#8a6207",
};
const DARK = {
  ink: "#e8eaec", soft: "#a4adb6", line: "#454c54", track: "#2c3237", accent: "#7cc0ea", hatch: "#d8a12a",
};

/** @param {number} lanes How many faces. @returns {number} Height of the timeline in CSS pixels. */
export function timelineHeight(lanes) {
  return Math.max(1, lanes) * LANE_PX + AXIS_PX;
}

/** @param {number} width Width of the canvas in CSS pixels. @returns {number} Width of the names at its left. */
export function gutterOf(width) {
  return width < 480 ? 64 : 76;
}

/**
 * Draw the timeline.
 * @param {HTMLCanvasElement} canvas As many pixels as the screen has there.
 * @param {object[]} lanes See `TimelineLanes`.
 * @param {number} now Time at the right edge, in seconds.
 */
export function drawTimeline(canvas, lanes, now) {
  const dpr = devicePixelRatio || 1;
  const size = { width: canvas.width / dpr, height: canvas.height / dpr };
  const pen = canvas.getContext("2d");
  pen.setTransform(dpr, 0, 0, dpr, 0, 0);
  pen.clearRect(0, 0, size.width, size.height);
  const colours = matchMedia("(prefers-color-scheme: dark)").matches ? DARK : LIGHT;
  const left = gutterOf(size.width);
  const x = (time) => left + Math.max(0, 1 - (now - time) / TIMELINE_S) * (size.width - left);
  const view = { pen, colours, x, left, width: size.width };
  drawAxis(view, size.height, now);
  lanes.forEach((lane, place) => drawLane(view, lane, place * LANE_PX));
}

function drawAxis({ pen, colours, x, width }, height, now) {
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "alphabetic";
  pen.strokeStyle = colours.line;
  pen.lineWidth = 1;
  const step = width < 480 ? 20 : 10;
  for (let ago = 0; ago <= TIMELINE_S; ago += step) {
    const at = Math.round(x(now - ago)) - 0.5;
    line(pen, at, 0, at, height - AXIS_PX);
    pen.fillStyle = colours.soft;
    pen.textAlign = ago === 0 ? "right" : ago === TIMELINE_S ? "left" : "center";
    pen.fillText(ago === 0 ? t("timeline.now") : t("timeline.ago", { seconds: ago }), at, height - 5);
  }
  pen.textAlign = "left";
}

function drawLane(view, lane, top) {
  const { pen, colours, left, width } = view;
  pen.font = "600 12px system-ui, sans-serif";
  pen.textBaseline = "middle";
  pen.fillStyle = colours.ink;
  pen.fillText(faceName(lane.track), 0, top + 4 + BAND_PX / 2, left - 6);
  pen.fillStyle = colours.track;
  pen.fillRect(left, top + 4, width - left, BAND_PX);
  for (const stretch of lane.stretches) drawStretch(view, stretch, top + 4);
  drawValence(view, lane.valence, top + 4 + BAND_PX + 3, LANE_PX - BAND_PX - 12);
}

function drawStretch({ pen, colours, x }, stretch, top) {
  const from = x(stretch.from);
  const wide = Math.max(1.5, x(stretch.to) - from);
  const colour = colourOf(stretch.expression);
  if (stretch.state === "not_read") hatch(pen, colours, from, top, wide);
  else if (stretch.state === "shown") {
    pen.fillStyle = colour;
    pen.fillRect(from, top, wide, BAND_PX);
    // Keeps black visible on a dark page, and yellow on a light one.
    pen.strokeStyle = colours.soft;
    pen.lineWidth = 1;
    if (wide > 3) pen.strokeRect(from + 0.5, top + 0.5, wide - 1, BAND_PX - 1);
  } else dots(pen, colours, from, top, wide);
  word(pen, partWords(stretch), from, top, wide, stretch.state === "shown" ? inkOn(colour) : colours.ink);
}

function word(pen, text, from, top, wide, colour) {
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "middle";
  const needed = pen.measureText(text).width;
  if (needed + 10 > wide) return;
  pen.fillStyle = colour;
  pen.fillText(text, from + 5, top + BAND_PX / 2 + 0.5);
}

function hatch(pen, colours, from, top, wide) {
  pen.save();
  pen.beginPath();
  pen.rect(from, top, wide, BAND_PX);
  pen.clip();
  pen.strokeStyle = colours.hatch;
  pen.globalAlpha = 0.55;
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (let at = Math.floor(from / 8) * 8 - BAND_PX; at < from + wide; at += 8) {
    pen.moveTo(at, top + BAND_PX);
    pen.lineTo(at + BAND_PX, top);
  }
  pen.stroke();
  pen.restore();
}

/** An expression that is not clear, or not inferred by rule: a thin line, neither a colour nor hatched. */
function dots(pen, colours, from, top, wide) {
  pen.strokeStyle = colours.soft;
  pen.lineWidth = 1.5;
  pen.setLineDash([2, 4]);
  line(pen, from, top + BAND_PX - 2, from + wide, top + BAND_PX - 2);
  pen.setLineDash([]);
}

function drawValence({ pen, colours, x, left, width }, points, top, height) {
  pen.strokeStyle = colours.line;
  pen.lineWidth = 1;
  line(pen, left, Math.round(top + height / 2) + 0.5, width, Math.round(top + height / 2) + 0.5);
  pen.strokeStyle = colours.accent;
  pen.lineWidth = 2;
  pen.beginPath();
  points.forEach((point, place) => {
    const y = top + ((1 - point.value) / 2) * height;
    const joined = place && point.time - points[place - 1].time <= JOIN_S;
    if (joined) pen.lineTo(x(point.time), y);
    else pen.moveTo(x(point.time), y);
  });
  pen.stroke();
  pen.font = "11px system-ui, sans-serif";
  pen.fillStyle = colours.soft;
  pen.textBaseline = "middle";
  pen.fillText(t("timeline.valence"), 0, top + height / 2, left - 6);
}

function line(pen, fromX, fromY, toX, toY) {
  pen.beginPath();
  pen.moveTo(fromX, fromY);
  pen.lineTo(toX, toY);
  pen.stroke();
}

/**
 * Return the stretch at a place of the canvas.
 * @param {object[]} lanes See `TimelineLanes`.
 * @param {number} now Time at the right edge, in seconds.
 * @param {{x: number, y: number, width: number}} at In CSS pixels.
 * @returns {object|null}
 */
export function stretchAt(lanes, now, at) {
  const lane = lanes[Math.floor(at.y / LANE_PX)];
  const left = gutterOf(at.width);
  const time = now - (1 - (at.x - left) / (at.width - left)) * TIMELINE_S;
  return lane?.stretches.find((one) => one.from <= time && time <= one.to) ?? null;
}
