import { announce, el } from "./dom.js";
import { faceName, stateWords, strongestMovements } from "./face_words.js";
import { t } from "./texts.js";
import { labelled } from "./translated.js";

/** Least time between two announcements, in milliseconds. */
const ANNOUNCE_MS = 3000;
/** Least time between two changes of the list, in milliseconds. */
const REDRAW_MS = 250;

/** The faces of a live reading as a list; what changes is read out, seldom. */
export class FaceList {
  /** The list, to be put on the page. */
  element = labelled("ul", "live.faces", { class: "live-faces" });
  #announced = 0;
  #said = null;
  #waiting = 0;
  #drawn = 0;

  /**
   * Show what a picture shows.
   * @param {object} frame A LiveFrame.
   */
  push(frame) {
    const now = performance.now();
    if (now - this.#drawn >= REDRAW_MS || this.#changed(frame)) {
      this.#drawn = now;
      this.#show(frame);
    }
    this.#tell(frame, now);
  }

  /** Forget everything. */
  clear() {
    this.hush();
    this.element.replaceChildren();
    this.#said = null;
  }

  /** Announce nothing of what was to be said a little later. */
  hush() {
    clearTimeout(this.#waiting);
  }

  #changed(frame) {
    const items = this.element.children;
    if (items.length !== Math.max(1, frame.faces.length)) return true;
    return frame.faces.some((face, place) => items[place].dataset.key !== keyOf(face));
  }

  #show(frame) {
    while (this.element.children.length > Math.max(1, frame.faces.length)) this.element.lastChild.remove();
    frame.faces.forEach((face, place) => this.#item(place, face, frame.time_s));
    if (frame.faces.length === 0) this.#nobody();
  }

  #nobody() {
    const item = el("li", {}, t("live.nobody"));
    item.dataset.key = "";
    this.element.replaceChildren(item);
  }

  #item(place, face, now) {
    const item = this.element.children[place] ?? this.element.appendChild(el("li", {}));
    item.dataset.key = keyOf(face);
    item.dataset.expression = face.expression ?? "";
    item.dataset.state = face.state;
    const movements = strongestMovements(face, 3);
    item.replaceChildren(
      el("b", {}, faceName(face.track)), ": ", stateWords(face),
      " ", el("small", {}, sinceWords(face, now)),
      ...(movements.length ? [el("span", { class: "live-movements" }, movements.join(", "))] : []),
    );
  }

  #tell(frame, now) {
    const words = frame.faces.map((face) => `${faceName(face.track)}: ${stateWords(face)}`).join(". ")
      || t("live.nobody");
    clearTimeout(this.#waiting);
    if (words === this.#said) return;
    const rest = this.#announced + ANNOUNCE_MS - now;
    // Said a little later where something was said just now, if it still holds then.
    if (rest > 0) this.#waiting = setTimeout(() => this.#say(words), rest);
    else this.#say(words);
  }

  #say(words) {
    this.#said = words;
    this.#announced = performance.now();
    announce(words);
  }
}

function keyOf(face) {
  return `${face.track} ${face.state} ${face.expression ?? ""} ${face.reasons[0] ?? ""}`;
}

function sinceWords(face, now) {
  const seconds = face.since_s === null ? 0 : Math.floor(now - face.since_s);
  return seconds < 1 ? "" : t("live.since", { duration: t("unit.seconds", { number: seconds }) });
}
