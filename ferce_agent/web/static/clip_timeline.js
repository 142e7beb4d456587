/** The time axis of one face of a clip: curves, named expressions, stretches that could not be read, cuts, moments. */

import { el, svg } from "./dom.js";
import { EXPRESSIONS, PALETTE, colourOf, inkOn } from "./drawing.js";
import { clock, codeText, movementName, numberOf, t, termName } from "./texts.js";

/** Units of the square in which curves are drawn; the page stretches it. */
const SIDE = 1000;
/** Expressions from the bottom of a stack to its top; calm is what is left. */
const STACKED = [...EXPRESSIONS.filter((term) => term !== "neutral"), "neutral"];
/** An expression whose probability is never above this is not drawn. */
const LEAST_SHARE = 0.02;
/** Distances of ticks in seconds. */
const TICK_STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
const MOST_TICKS = 6;
/** So many movements are drawn where expressions are not. */
const MOST_MOVEMENTS = 4;
/** Colours of those, as for expressions: told apart with any colour vision. */
const MOVEMENT_COLOURS = [PALETTE.sadness, PALETTE.anger, PALETTE.disgust, PALETTE.fear];

/**
 * Draw the timeline of one face. It is one picture to a screen reader; tables beside it say the same.
 * @param {object} track The track.
 * @param {{first: number, last: number, cuts: number[], moments: object[], speech: Function}} film Seconds read, cuts,
 *   moments of the face, and what makes the row of its turns of speech.
 * @returns {HTMLElement} The drawing with its legend.
 */
export function clipTimeline(track, film) {
  const at = (seconds) => fractionOf(seconds, film.first, film.last);
  const curves = track.samples.some((point) => point.distribution) ? stackOf(track, at) : linesOf(track, at);
  const drawing = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, preserveAspectRatio: "none", class: "curves" },
    curves.shapes, film.cuts.map((cut) => markLine(at(cut), "cut")),
    film.moments.map((moment) => markLine(at(moment.time_s), "look")));
  const chart = el("div", {
    class: "timeline", role: "img", "data-track": track.id,
    "aria-label": t("clip.timeline_of", { number: numberOf(track.id) }),
  }, drawing, namedRow(track, at), gapRow(track, at), film.speech?.(at) ?? null, tickRow(film, at));
  return el("div", { class: "chart" }, chart, legend(curves.names));
}

/**
 * Return where a time lies, 0 to 1.
 * @param {number} seconds The time.
 * @param {number} first Seconds at the left end.
 * @param {number} last Seconds at the right end.
 */
export function fractionOf(seconds, first, last) {
  return last > first ? Math.min(Math.max((seconds - first) / (last - first), 0), 1) : 0;
}

function stackOf(track, at) {
  const read = track.samples.filter((point) => point.distribution);
  const shown = STACKED.filter((term) => read.some((point) => point.distribution[term] > LEAST_SHARE));
  const shapes = shown.map((term, index) => svg("path", {
    d: stackPath(track.samples, shown.slice(0, index), term, at), fill: colourOf(term), class: "band",
  }));
  return { shapes, names: shown.map((term) => [termName(term), colourOf(term)]) };
}

/** The area of one expression above those below it; interrupted where there is no reading. */
function stackPath(samples, below, term, at) {
  return runsOf(samples, (point) => point.distribution).map((run) => {
    const low = run.map(({ distribution }) => below.reduce((sum, one) => sum + distribution[one], 0));
    const upper = run.map((point, index) => [at(point.time_s), low[index] + point.distribution[term]]);
    const lower = run.map((point, index) => [at(point.time_s), low[index]]).reverse();
    return `${polyline([...upper, ...lower])}z`;
  }).join("");
}

function linesOf(track, at) {
  const ids = [...new Set(track.samples.flatMap((point) => Object.keys(point.movements)))];
  const most = (id) => Math.max(...track.samples.map((point) => point.movements[id] ?? 0));
  const chosen = ids.sort((one, other) => most(other) - most(one)).slice(0, MOST_MOVEMENTS);
  const path = (id) => runsOf(track.samples, (point) => id in point.movements)
    .map((run) => polyline(run.map((point) => [at(point.time_s), point.movements[id]]))).join("");
  const shapes = chosen.map((id, index) =>
    svg("path", { d: path(id), class: "line", stroke: MOVEMENT_COLOURS[index], fill: "none" }));
  return { shapes, names: chosen.map((id, index) => [movementName(id), MOVEMENT_COLOURS[index]]) };
}

function runsOf(samples, there) {
  const runs = [];
  let before = false;
  for (const point of samples) {
    const now = Boolean(there(point));
    if (now && !before) runs.push([]);
    if (now) runs.at(-1).push(point);
    before = now;
  }
  return runs;
}

function polyline(points) {
  const corners = points.map(([x, share]) => `${Math.round(x * SIDE)} ${Math.round((1 - Math.min(share, 1)) * SIDE)}`);
  // One reading between two gaps is a thin column, not nothing.
  return points.length > 2 ? `M${corners.join("L")}` : `M${corners.join("L")}h3`;
}

function markLine(at, look) {
  const x = Math.round(at * SIDE);
  return svg("path", { d: `M${x} 0V${SIDE}`, class: look });
}

function namedRow(track, at) {
  const named = track.episodes.filter((one) => one.expression);
  return spanRow("named", named.map((one) => {
    const colour = colourOf(EXPRESSIONS.includes(one.expression) ? one.expression : null);
    return { from: at(one.onset_s), to: at(one.offset_s), text: termName(one.expression), colour };
  }));
}

function gapRow(track, at) {
  return spanRow("unread", track.gaps.map((gap) =>
    ({ from: at(gap.from_s), to: at(gap.to_s), text: codeText("gap", gap.reason), colour: null })));
}

/**
 * Return a row of a timeline.
 * @param {string} look Its class.
 * @param {object[]} spans Each {from, to, text, colour}; ends from 0 to 1.
 */
export function spanRow(look, spans) {
  return el("div", { class: `row ${look}` }, spans.map(({ from, to, text, colour }) => {
    const style = { left: `${from * 100}%`, width: `${Math.max(to - from, 0.004) * 100}%` };
    if (colour) Object.assign(style, { "background-color": colour, color: inkOn(colour) });
    return el("span", { title: text, style }, text);
  }));
}

/**
 * Return the row of times below a timeline.
 * @param {{first: number, last: number}} film Seconds at both ends.
 * @param {(seconds: number) => number} at Where a time lies, 0 to 1.
 */
export function tickRow(film, at) {
  const length = film.last - film.first;
  const step = TICK_STEPS.find((one) => length / one <= MOST_TICKS - 1) ?? (length / (MOST_TICKS - 1) || 1);
  const ticks = [];
  for (let time = Math.ceil(film.first / step - 1e-6) * step; time <= film.last + 1e-6; time += step) ticks.push(time);
  return el("div", { class: "row ticks" }, ticks.map((time) => {
    const look = at(time) > 0.94 ? "last" : "";
    return el("span", { class: look, style: { left: `${at(time) * 100}%` } }, clock(time, step < 1 ? 1 : 0));
  }));
}

function legend(names) {
  const items = names.map(([name, colour]) =>
    el("li", {}, el("span", { class: "swatch", "aria-hidden": "true", style: { "--hue": colour } }), name));
  return names.length ? el("ul", { class: "legend", "aria-label": t("clip.legend") }, items) : null;
}
