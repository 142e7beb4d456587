import { colourOf, inkOn } from "./drawing.js";
import { stateWords, strongestMovements } from "./face_words.js";
import { lasting, t, termName } from "./texts.js";

/** From this age on a reading is told without its certainty, in milliseconds. */
const AGEING_MS = 500;
/** From this age on it fades, and says how old it is. */
const OLD_MS = 1000;
/** From this age on nothing is told of it any more. */
const GONE_MS = 5000;
/** Time in which a drawn box covers most of the way to where the face was read, in milliseconds. */
const EASE_MS = 60;
const LINE_PX = 17;
const PAD_PX = 5;

/** Draws over a video what its faces show: boxes, words, doubt, and how old the reading is. */
export class Overlay {
  /** Whether left and right are swapped, as in a mirror; words never are. */
  mirrored = true;
  #canvas;
  #context;
  #frame = null;
  #taken = 0;
  #drawn = 0;
  #boxes = new Map();
  #still = matchMedia("(prefers-reduced-motion: reduce)");

  /** @param {HTMLCanvasElement} canvas It lies over the video and is as large. */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    new ResizeObserver(() => this.#fit()).observe(canvas);
  }

  /**
   * Take in what a picture shows.
   * @param {object} frame A LiveFrame.
   * @param {number} takenAt When the picture was taken, by `performance.now()`.
   */
  take(frame, takenAt) {
    this.#frame = frame;
    this.#taken = takenAt;
    const tracks = new Set(frame.faces.map((face) => face.track));
    for (const track of this.#boxes.keys()) if (!tracks.has(track)) this.#boxes.delete(track);
  }

  /** Forget everything. */
  clear() {
    this.#frame = null;
    this.#boxes.clear();
    this.#context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  /**
   * Draw. A box moves towards where the face was read, and never beyond.
   * @param {number} now By `performance.now()`.
   */
  draw(now) {
    const context = this.#context;
    const dpr = devicePixelRatio || 1;
    context.setTransform(dpr, 0, 0, dpr, 0, 0);
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    const age = now - this.#taken;
    if (this.#frame && age < GONE_MS) this.#faces(age, now - this.#drawn);
    else if (this.#frame) this.#nothing();
    this.#drawn = now;
  }

  #nothing() {
    const lines = [t("live.no_reading")];
    this.#label(lines, colourOf(null), { left: 8, top: 8, ...this.#measure(lines) });
  }

  #fit() {
    const dpr = devicePixelRatio || 1;
    this.#canvas.width = Math.max(1, Math.round(this.#canvas.clientWidth * dpr));
    this.#canvas.height = Math.max(1, Math.round(this.#canvas.clientHeight * dpr));
    this.draw(performance.now());
  }

  #faces(age, passed) {
    const context = this.#context;
    context.globalAlpha = age > OLD_MS ? 0.5 : 1;
    const taken = [];
    for (const face of this.#frame.faces) {
      const box = this.#eased(face, passed);
      this.#box(face, box);
      const lines = labelLines(face, age, this.#canvas.clientWidth < 480 ? 1 : 2);
      taken.push(this.#place(lines, colourOf(face.expression), box, taken));
    }
    context.globalAlpha = 1;
  }

  #eased(face, passed) {
    const wanted = this.#onScreen(face.box);
    const last = this.#boxes.get(face.track);
    const share = last && !this.#still.matches ? 1 - Math.exp(-Math.max(passed, 0) / EASE_MS) : 1;
    const box = last ? wanted.map((value, place) => last[place] + (value - last[place]) * share) : wanted;
    this.#boxes.set(face.track, box);
    return box;
  }

  #onScreen(box) {
    const scale = this.#canvas.clientWidth / this.#frame.width;
    const left = this.mirrored ? this.#frame.width - box.x - box.width : box.x;
    return [left * scale, box.y * scale, box.width * scale, box.height * scale];
  }

  #box(face, [x, y, width, height]) {
    const context = this.#context;
    const colour = colourOf(face.expression);
    // A line of the opposite lightness below keeps the box visible on any picture.
    for (const [stroke, thick] of [[inkOn(colour), 5], [colour, 3]]) {
      context.setLineDash(face.state === "shown" || stroke !== colour ? [] : [8, 5]);
      context.strokeStyle = stroke;
      context.lineWidth = thick;
      context.strokeRect(x, y, width, height);
    }
    context.setLineDash([]);
  }

  /** Put a label above the face, below it or within it, where it covers no other. */
  #place(lines, colour, [x, y, , height], taken) {
    const size = this.#measure(lines);
    const left = Math.max(0, Math.min(x, this.#canvas.clientWidth - size.width));
    const bottom = this.#canvas.clientHeight - size.height;
    const places = [y - size.height - 3, y + height + 3, y + 3, bottom].filter((top) => top >= 0 && top <= bottom);
    const free = (top) => !taken.some((one) => overlaps(one, { left, top, ...size }));
    const place = { left, top: places.find(free) ?? Math.max(0, Math.min(y, bottom)), ...size };
    this.#label(lines, colour, place);
    return place;
  }

  #measure(lines) {
    const context = this.#context;
    const most = this.#canvas.clientWidth - 2 * PAD_PX;
    const widths = lines.map((line, place) => {
      context.font = fontOf(place);
      return Math.min(most, context.measureText(line).width);
    });
    return { width: Math.max(...widths) + 2 * PAD_PX, height: lines.length * LINE_PX + PAD_PX };
  }

  #label(lines, colour, { left, top, width, height }) {
    const context = this.#context;
    context.fillStyle = colour;
    context.fillRect(left, top, width, height);
    context.fillStyle = inkOn(colour);
    context.textBaseline = "top";
    lines.forEach((line, place) => {
      context.font = fontOf(place);
      context.fillText(line, left + PAD_PX, top + PAD_PX / 2 + 1 + place * LINE_PX, width - 2 * PAD_PX);
    });
  }
}

/**
 * Return what stands at a face, in lines; the older the reading, the less is claimed.
 * @param {object} face A live face.
 * @param {number} age Age of the reading in milliseconds.
 * @param {number} most How many movements at most.
 * @returns {string[]}
 */
export function labelLines(face, age, most) {
  const named = face.state === "shown";
  const title = named && age > AGEING_MS ? t("live.lately", { expression: termName(face.expression) })
    : stateWords(face);
  const movements = strongestMovements(face, most);
  if (age > OLD_MS) return [t("live.aged", { what: title, age: lasting(age / 1000) })];
  return movements.length ? [title, movements.join(" · ")] : [title];
}

function fontOf(place) {
  return `${place ? "400 12px" : "600 14px"} system-ui, sans-serif`;
}

function overlaps(one, other) {
  return one.left < other.left + other.width && other.left < one.left + one.width
    && one.top < other.top + other.height && other.top < one.top + one.height;
}
