/** Records a voice message: the microphone is asked for on a press only, and nothing is kept. */

import { announce, el, fill } from "./dom.js";
import { clock, t } from "./texts.js";

/** Longest message in seconds. */
const MOST_SECONDS = 120;
/** What the browser may record, the first that it can. */
const KINDS = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
/** What the browser calls it, and the key of our words for it. */
const REASONS = { NotAllowedError: "refused", SecurityError: "refused", NotFoundError: "missing" };

/** A button that records, with the light that says so, and one that stops. */
export class VoiceRecorder {
  element = el("div", { id: "recorder", class: "recorder" });
  #state = "off";
  #recorder = null;
  #stream = null;
  #timer = 0;
  #trouble = "";
  #asked = 0;

  /** @param {(file: File) => void} take Takes a finished message. */
  constructor(take) {
    this.take = take;
    addEventListener("pagehide", () => this.#drop());
  }

  /** Whether this browser can record. */
  static get possible() {
    return Boolean(globalThis.MediaRecorder && navigator.mediaDevices?.getUserMedia && globalThis.isSecureContext);
  }

  /** Draw it anew, in the language in use. */
  draw() {
    const on = this.#state === "on";
    const button = (id, key, act, look = "") =>
      el("button", { id, type: "button", class: look, "data-needs-use": on ? null : true, onclick: act }, t(key));
    fill(this.element,
      on ? [el("p", { class: "recording" }, el("span", { class: "dot", "aria-hidden": "true" }), t("voice.recording"),
        " ", el("span", { id: "recorded", role: "timer" }, clock(0, 0))),
      el("div", { class: "buttons" }, button("record-stop", "voice.stop", () => this.#recorder?.stop(), "first"),
        button("record-discard", "voice.discard", () => this.#discard()))]
        : el("div", { class: "buttons" }, button("record", "voice.record", () => this.#start())),
      this.#trouble ? el("p", { class: "doubt", role: "alert" }, t(`voice.microphone.${this.#trouble}`))
        : el("p", { class: "soft" }, t("voice.record_note")));
    this.element.dataset.state = this.#state;
  }

  async #start() {
    if (this.#state !== "off") return;
    const asked = ++this.#asked;
    [this.#state, this.#trouble] = ["asking", ""];
    this.element.dataset.state = this.#state;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      if (asked !== this.#asked) return void release(stream);
      this.#stream = stream; // first, so that it is let go of if recording fails
      this.#record(stream);
    } catch (error) {
      this.#drop();
      this.#trouble = REASONS[error?.name] ?? "failed";
      this.draw();
    }
  }

  #record(stream) {
    const kind = KINDS.find((one) => MediaRecorder.isTypeSupported(one));
    const [recorder, parts] = [new MediaRecorder(stream, kind ? { mimeType: kind } : {}), []];
    [this.#recorder, this.#state] = [recorder, "on"];
    recorder.addEventListener("dataavailable", (event) => { if (event.data.size) parts.push(event.data); });
    recorder.addEventListener("stop", () => this.#finish(recorder, parts));
    recorder.start(1000);
    this.draw();
    document.getElementById("record-stop")?.focus({ preventScroll: true });
    announce(t("voice.recording"));
    const begun = performance.now();
    this.#timer = setInterval(() => this.#tick((performance.now() - begun) / 1000), 500);
  }

  #tick(seconds) {
    const shown = document.getElementById("recorded");
    if (shown) shown.textContent = clock(seconds, 0);
    if (seconds >= MOST_SECONDS) this.#recorder?.stop();
  }

  #finish(recorder, parts) {
    const kept = this.#recorder === recorder;
    this.#drop();
    this.draw();
    document.getElementById("record")?.focus({ preventScroll: true });
    if (!kept || !parts.length) return;
    this.take(new File(parts, t("voice.recorded_name"), { type: recorder.mimeType || parts[0].type }));
  }

  #discard() {
    this.#drop();
    this.draw();
    document.getElementById("record")?.focus({ preventScroll: true });
    announce(t("voice.discarded"));
  }

  /** Let go of the microphone, so that its light goes out; what was recorded is forgotten. */
  #drop() {
    this.#asked += 1;
    clearInterval(this.#timer);
    const recorder = this.#recorder;
    [this.#recorder, this.#state] = [null, "off"];
    if (recorder && recorder.state !== "inactive") recorder.stop();
    release(this.#stream);
    this.#stream = null;
  }
}

function release(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
