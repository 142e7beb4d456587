import { el, fill } from "./dom.js";
import { EXPRESSIONS, colourOf } from "./drawing.js";
import { faceName } from "./face_words.js";
import { clock, lasting, t, termName } from "./texts.js";
import { drawTimeline, stretchAt, timelineHeight } from "./timeline_drawing.js";
import { TIMELINE_S, TimelineLanes } from "./timeline_lanes.js";
import { partWords, summaryWords } from "./timeline_words.js";
import { labelled, onLanguage, translated } from "./translated.js";

/** Least time between two drawings, in milliseconds. */
const DRAW_MS = 100;
/** Least time between two summaries, in milliseconds. */
const SUMMARY_MS = 2000;
/** What the summary is of, in seconds. */
const SUMMARY_S = 10;

/** A running timeline: what each face showed in the last minute. */
export class Timeline {
  /** The timeline, to be put on the page. */
  element;
  #lanes = new TimelineLanes();
  #canvas = labelled("canvas", "timeline.label", {
    class: "timeline-canvas", role: "img", "aria-describedby": "timeline-summary",
  });
  #summary = el("p", { class: "timeline-summary", id: "timeline-summary" });
  #table = labelled("div", "timeline.as_table", { class: "timeline-table", tabindex: "0", role: "region" });
  #legend = el("ul", { class: "legend", "aria-hidden": "true" });
  #drawn = -Infinity;
  #told = -Infinity;
  #waiting = 0;
  #telling = 0;

  constructor() {
    this.#canvas.addEventListener("pointermove", (event) => this.#point(event));
    const again = translated("button", "timeline.refresh", { type: "button", onclick: () => this.#tabulate() });
    const details = el("details", {}, translated("summary", "timeline.as_table"), this.#table, again);
    details.addEventListener("toggle", () => details.open && this.#tabulate());
    this.element = el("div", { class: "timeline-box" },
      translated("h3", "timeline.title"), this.#canvas, this.#legend, this.#summary, details);
    new ResizeObserver(() => this.#draw()).observe(this.#canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
    onLanguage(() => this.#inLanguage());
  }

  /**
   * Take in what a picture shows.
   * @param {object} frame A LiveFrame.
   */
  push(frame) {
    this.#lanes.push(frame);
    const rest = this.#drawn + DRAW_MS - performance.now();
    if (rest <= 0) this.#draw();
    else if (!this.#waiting) this.#waiting = setTimeout(() => this.#draw(), rest);
  }

  /** Forget everything. */
  clear() {
    this.#lanes.clear();
    this.#told = -Infinity;
    clearTimeout(this.#telling);
    this.#telling = 0;
    fill(this.#summary);
    fill(this.#legend);
    fill(this.#table);
    this.#draw();
  }

  #draw() {
    clearTimeout(this.#waiting);
    this.#waiting = 0;
    this.#drawn = performance.now();
    if (!this.#canvas.clientWidth) return;
    const lanes = this.#lanes.all();
    this.#fit(timelineHeight(lanes.length));
    drawTimeline(this.#canvas, lanes, this.#lanes.now);
    this.element.dataset.drawMs = (performance.now() - this.#drawn).toFixed(2);
    if (lanes.length || this.#lanes.now) this.#tell();
  }

  #inLanguage() {
    this.#told = -Infinity;
    fill(this.#table);
    this.#draw();
  }

  #fit(height) {
    const dpr = devicePixelRatio || 1;
    const wanted = [Math.round(this.#canvas.clientWidth * dpr), Math.round(height * dpr)];
    this.#canvas.style.setProperty("height", `${height}px`);
    if (this.#canvas.width !== wanted[0]) this.#canvas.width = wanted[0];
    if (this.#canvas.height !== wanted[1]) this.#canvas.height = wanted[1];
  }

  /** Tell the last seconds in words, now or when it is due. */
  #tell() {
    const rest = this.#told + SUMMARY_MS - performance.now();
    if (rest <= 0) this.#summarise();
    else this.#telling ||= setTimeout(() => this.#summarise(), rest);
  }

  #summarise() {
    clearTimeout(this.#telling);
    this.#telling = 0;
    this.#told = performance.now();
    this.element.dataset.toldS = this.#lanes.now;
    this.#explain();
    const { now } = this.#lanes;
    this.#summary.textContent = summaryWords(this.#lanes.shares(now - SUMMARY_S, now), SUMMARY_S);
  }

  /** Name the colours there are; narrow bands have no room for words. */
  #explain() {
    const stretches = this.#lanes.all().flatMap((lane) => lane.stretches);
    const shown = EXPRESSIONS.filter((term) => stretches.some((one) => one.expression === term));
    fill(this.#legend, shown.map((term) =>
      el("li", {}, el("span", { class: "swatch", style: { "--hue": colourOf(term) } }), termName(term))));
  }

  #point(event) {
    const at = { x: event.offsetX, y: event.offsetY, width: this.#canvas.clientWidth };
    const stretch = stretchAt(this.#lanes.all(), this.#lanes.now, at);
    this.#canvas.title = stretch ? `${partWords(stretch)}, ${lasting(stretch.to - stretch.from)}` : "";
  }

  /** The last minute as a table. It stands still while it is read, and is made anew on request. */
  #tabulate() {
    const heads = ["face", "from", "to", "what"].map((key) => el("th", { scope: "col" }, t(`timeline.${key}`)));
    const first = this.#lanes.now - TIMELINE_S;
    const rows = this.#lanes.all().flatMap((lane) => lane.stretches.map((one) => el("tr", {},
      el("th", { scope: "row" }, faceName(lane.track)), el("td", {}, clock(Math.max(0, first, one.from))),
      el("td", {}, clock(one.to)), el("td", {}, partWords(one)))));
    const caption = el("caption", {}, t("timeline.caption", { time: clock(this.#lanes.now) }));
    fill(this.#table, el("table", {}, caption, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows)));
  }
}
