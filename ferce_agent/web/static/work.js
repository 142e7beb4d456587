/** Files read one after another: how far it is, what was found so far, a button that calls it off. */

import { ApiError, clip, photo, voice } from "./api.js";
import { announce, el, fill } from "./dom.js";
import { clock, codeText, confidenceWord, lasting, movementName, numberOf, t, tCount, termName } from "./texts.js";

/** Lines of what was found so far; older ones go. */
const MOST_LINES = 40;
/** So often a file is sent again that the server did not take yet. */
const MOST_TRIES = 20;

/** The files that wait, and the one being read. */
export class Work {
  #waiting = [];
  #current = null;
  #cancel = null;
  #events = [];
  #progressNow = null;
  #pause = 0;

  /**
   * @param {HTMLElement} section Where progress is shown.
   * @param {{use: () => object, done: (answer: object, item: object) => void, fail: (error: Error) => void}} to Gives
   *   the use; takes each answer and each error.
   */
  constructor(section, to) {
    this.section = section;
    this.to = to;
  }

  /** Return whether a file is being read. */
  get busy() {
    return this.#current !== null;
  }

  /**
   * Read these files after those that wait already.
   * @param {object[]} items Each {file, name, kind, line}.
   */
  take(items) {
    this.#waiting.push(...items);
    if (this.busy) this.#tellWaiting();
    else this.#next();
  }

  /** Call off the file being read and those that wait. */
  cancel() {
    this.#waiting = [];
    this.#cancel?.abort();
  }

  /** Draw what is being read anew, in the language in use. */
  draw() {
    if (!this.busy) return;
    const focused = this.section.contains(document.activeElement) ? document.activeElement.id : "";
    this.#draw(this.#current);
    for (const event of this.#events) this.#tell(event);
    if (this.#progressNow) this.#progress(this.#progressNow);
    document.getElementById(focused)?.focus({ preventScroll: true });
  }

  async #next() {
    this.#current = this.#waiting.shift() ?? null;
    if (this.#current === null) return this.#end();
    this.#cancel = new AbortController();
    [this.#events, this.#progressNow, this.#pause] = [[], null, 0];
    const item = this.#current;
    this.#draw(item);
    this.section.scrollIntoView({ block: "nearest", behavior: "instant" });
    announce(t(`work.${item.kind}`, { name: item.name }));
    try {
      this.to.done(await this.#readPatiently(item), item);
    } catch (error) {
      this.to.fail(error);
    }
    return this.#next();
  }

  /** Many files at once are more than the server takes a minute: it says when the next may come. */
  async #readPatiently(item) {
    const { signal } = this.#cancel;
    for (let left = MOST_TRIES; ; left -= 1) {
      try {
        return await this.#read(item);
      } catch (error) {
        if (error.code !== "too_many_requests" || !error.wait || !left) throw error;
        this.#pause = error.wait;
        this.#tellWaiting();
        await elapsed(error.wait, signal);
        this.#pause = 0;
        this.#tellWaiting();
      }
    }
  }

  #read(item) {
    const line = { ...item.line, use: this.to.use() };
    if (item.kind === "photo") return photo(item.file, line, this.#cancel.signal);
    if (item.kind === "voice") return voice(item.file, line, this.#cancel.signal);
    return clip(item.file, line, (event) => this.#event(event), this.#cancel.signal);
  }

  #end() {
    const focused = this.section.contains(document.activeElement);
    this.section.hidden = true;
    fill(this.section);
    // The button that had the focus is gone: go on where the result is.
    if (focused) document.getElementById("report")?.focus({ preventScroll: true });
  }

  #draw(item) {
    this.bar = el("progress", { id: "progress", "aria-label": t("work.title") });
    this.count = el("p", { class: "soft", id: "progress-words" });
    this.waiting = el("p", { class: "soft", id: "waiting" });
    this.lines = el("ol", { class: "lines", id: "found", tabindex: "0", "aria-labelledby": "found-title" });
    const found = el("div", { hidden: item.kind !== "clip" },
      el("h3", { id: "found-title" }, t("work.found")), this.lines);
    fill(this.section, el("h2", { id: "work-title" }, t("work.title")),
      el("p", {}, t(`work.${item.kind}`, { name: item.name })), this.bar, this.count, this.waiting,
      el("button", { id: "cancel", type: "button", onclick: () => this.cancel() }, t("work.cancel")), found);
    this.#tellWaiting();
    this.section.hidden = false;
  }

  #tellWaiting() {
    const count = this.#waiting.length;
    const words = [this.#pause ? t("work.pause", { duration: lasting(this.#pause) }) : "",
      count ? tCount("work.waiting", count) : ""];
    this.waiting.textContent = words.filter(Boolean).join(" ");
  }

  #event(event) {
    if (event.event === "progress") return this.#progress(event);
    if (!eventWords(event)) return null;
    this.#events = [...this.#events, event].slice(-MOST_LINES);
    return this.#tell(event);
  }

  #tell(event) {
    this.lines.append(el("li", {}, eventWords(event)));
    while (this.lines.children.length > MOST_LINES) this.lines.firstChild.remove();
    this.lines.scrollTop = this.lines.scrollHeight;
  }

  #progress(event) {
    this.#progressNow = event;
    const { time_s: time, frames, of } = event;
    if (of) [this.bar.max, this.bar.value] = [of, Math.min(frames, of)];
    this.count.textContent = t(of ? "work.frames_of" : "work.frames", { frames, of, time: clock(time) });
  }
}

/** Wait so many seconds, or until it is called off. */
function elapsed(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new ApiError({ code: "cancelled", message: "" }));
    });
  });
}

/**
 * Return what an event of a clip says in a line, or null where there is nothing to say.
 * @param {object} event One of the events of a clip.
 */
export function eventWords(event) {
  const time = event.time_s === undefined ? "" : clock(event.time_s);
  if (event.event === "cut") return t("work.cut", { time });
  if (event.event === "episode") return episodeLine(event.track, event.episode);
  if (event.event === "moment") return momentLine(event.moment);
  if (event.event === "degraded") return t("work.degraded", { what: codeText("degraded", event.degraded.code) });
  if (!["track_begins", "track_ends"].includes(event.event)) return null;
  return t(`work.${event.event}`, { time, track: numberOf(event.track) });
}

function momentLine(moment) {
  return t("work.moment", { time: clock(moment.time_s), why: codeText("moment", moment.why) });
}

function episodeLine(track, episode) {
  const values = { from: clock(episode.onset_s), to: clock(episode.offset_s), track: numberOf(track) };
  if (episode.status) return t("work.micro", values);
  const what = episode.expression ? termName(episode.expression) : movementName(episode.movement);
  return t("work.episode", { ...values, what, sure: confidenceWord(episode.confidence) });
}
