import { liveSocket } from "./api.js";
import { CameraError, closeCamera, isMirror, openCamera } from "./camera.js";
import { announce, el } from "./dom.js";
import { errorLine } from "./error_words.js";
import { JpegMaker } from "./jpeg.js";
import { EventList } from "./live_events.js";
import { FaceList } from "./live_faces.js";
import { LiveLink } from "./live_link.js";
import { LiveMeter } from "./live_meter.js";
import { setLiveNow } from "./live_now.js";
import { Overlay } from "./overlay.js";
import { t } from "./texts.js";
import { Timeline } from "./timeline.js";
import { labelled, onLanguage, translated } from "./translated.js";

/** A hidden tab ends the camera after so many milliseconds. */
const HIDDEN_MS = 20_000;
/** Rules that have not answered after so many milliseconds are told to be the reason why the camera waits. */
const RULES_MS = 400;
/** The report after the end is waited for so many milliseconds: a busy computer may need a minute for its moments. */
const ANSWER_MS = 120_000;
/** A picture that its camera calls older than so many milliseconds has a clock that is not ours. */
const OLDEST_MS = 1000;
/** Least time between two looks at what is to be told beside the video, in milliseconds. */
const TICK_MS = 250;

/**
 * Put the live view on the page. Nothing is requested, opened or sent before the user presses start.
 * @param {HTMLElement} section Where.
 * @param {object} services What the page shares: use, policy, onPolicy, answers, show.
 */
export function mountLive(section, services) {
  new LiveView(section, services);
}

/** The camera, the connection and what is shown of both; off, starting, on or stopping. */
class LiveView {
  #section;
  #services;
  #parts = liveParts();
  #faces = new FaceList();
  #events = new EventList();
  #timeline = new Timeline();
  #overlay;
  #jpeg = new JpegMaker();
  #meter = new LiveMeter();
  #run = null;
  #hidden = 0;
  #unallowed = 0;
  #drawing = 0;
  #unshown = [];

  constructor(section, services) {
    this.#section = section;
    this.#services = services;
    this.#overlay = new Overlay(this.#parts.overlay);
    this.#build();
    this.#listen();
    this.#state("off");
    this.#rules();
  }

  #build() {
    const { intro, message, panel, side, after, title } = this.#parts;
    this.#section.hidden = false;
    this.#section.setAttribute("aria-labelledby", title.id);
    side.append(this.#faces.element);
    after.append(this.#timeline.element, this.#events.element);
    this.#section.append(intro, message, panel, after);
  }

  #listen() {
    const { start, stop, mirror } = this.#parts;
    start.addEventListener("click", () => this.#start());
    stop.addEventListener("click", () => this.#stop());
    mirror.addEventListener("change", () => this.#mirror(mirror.checked));
    this.#services.onPolicy(() => this.#rules());
    addEventListener("pagehide", () => this.#breakOff());
    document.addEventListener("visibilitychange", () => this.#visibility());
    onLanguage(() => this.#state(this.#section.dataset.state));
    setInterval(() => this.#tick(), TICK_MS);
  }

  /** Show one of the states; the words and buttons follow by style. */
  #state(state) {
    const { start, stop, panel, after, light } = this.#parts;
    this.#section.dataset.state = state;
    const running = state === "starting" || state === "on";
    start.hidden = running || state === "stopping";
    stop.hidden = !running;
    panel.hidden = !running;
    after.hidden = after.hidden && state !== "on";
    light.textContent = t(`live.light.${state}`);
    light.dataset.state = state;
  }

  /** Open the camera only where the rules allow it; a reading ends where another use is chosen than it began with. */
  #rules() {
    const { start, waits } = this.#parts;
    start.disabled = !this.#services.policy();
    clearTimeout(this.#unallowed);
    if (start.disabled) this.#unallowed = setTimeout(() => (waits.hidden = false), RULES_MS);
    else waits.hidden = true;
    if (this.#run && JSON.stringify(this.#services.use()) !== this.#run.use) this.#stop(t("live.use_changed"));
  }

  async #start() {
    if (this.#run) return undefined;
    this.#clear();
    this.#state("starting");
    this.#section.scrollIntoView({ block: "start", behavior: "instant" });
    this.#parts.stop.focus({ preventScroll: true });
    const use = JSON.stringify(this.#services.use());
    const run = { stream: null, link: null, use, began: null, busy: false, words: "", answered: false };
    this.#run = run;
    // The server is asked at the same time as the user.
    run.link = this.#connect(run);
    try {
      const stream = await openCamera();
      if (this.#run !== run) return closeCamera(stream);
      this.#begin(run, stream);
    } catch (error) {
      if (this.#run === run) this.#fail(cameraWords(error));
    }
    return undefined;
  }

  #connect(run) {
    const mine = (act) => (...given) => this.#run === run && act(...given);
    return new LiveLink(liveSocket(), this.#services.use(), {
      ready: mine(() => this.#lit(run)),
      frame: mine((frame, sentAt) => this.#take(frame, sentAt)),
      event: mine((event) => this.#events.push(event)),
      answer: mine((answer) => this.#answer(answer)),
      end: mine((error) => this.#ended(run, error)),
    });
  }

  async #begin(run, stream) {
    const { video } = this.#parts;
    run.stream = stream;
    run.link ??= this.#connect(run);
    for (const track of stream.getTracks()) track.addEventListener("ended", () => this.#unplugged(run));
    this.#mirror(isMirror(stream));
    video.srcObject = stream;
    await video.play().catch(() => {});
    if (this.#run !== run) return;
    this.#lit(run);
    this.#watch(run);
  }

  /** Say that the camera is on once there are pictures and somebody to read them. */
  #lit(run) {
    if (!run.stream || !run.link?.ready || this.#section.dataset.state !== "starting") return;
    this.#state("on");
    setLiveNow(() => this.#jpeg.make(this.#parts.video));
    announce(t("live.light.on"));
  }

  #watch(run) {
    const { video } = this.#parts;
    const next = video.requestVideoFrameCallback
      ? (act) => video.requestVideoFrameCallback(act)
      : (act) => requestAnimationFrame(act);
    const step = (_, seen) => {
      if (this.#run !== run || !run.stream) return;
      next(step);
      this.#redraw();
      this.#send(run, seen?.captureTime);
    };
    next(step);
  }

  /** Send what the video shows now, unless two pictures are still to be answered or one is just being made. */
  async #send(run, capturedAt) {
    if (this.#section.dataset.state !== "on" || !this.#parts.video.videoWidth) return;
    this.#meter.seen();
    if (run.busy || !run.link.free) return;
    run.busy = true;
    try {
      const at = performance.now();
      const jpeg = await this.#jpeg.make(this.#parts.video);
      run.began ??= at;
      if (this.#run === run && run.stream) run.link.send(jpeg, at - run.began, takenAt(capturedAt, at));
    } catch {
      // A picture that could not be made is one that is not sent; the next one is there in a moment.
    } finally {
      run.busy = false;
    }
  }

  #take(frame, sentAt) {
    if (this.#section.dataset.state !== "on") return;
    this.#overlay.take(frame, sentAt);
    this.#unshown.push(sentAt);
    this.#redraw();
    this.#faces.push(frame);
    this.#timeline.push(frame);
  }

  /** Draw at the browser's next turn; what was read counts as shown from then on. */
  #redraw() {
    this.#drawing ||= requestAnimationFrame(() => {
      this.#drawing = 0;
      const now = performance.now();
      if (this.#section.dataset.state === "on") this.#overlay.draw(now);
      for (const sentAt of this.#unshown.splice(0)) this.#meter.read(now, sentAt);
    });
  }

  /** End the camera at once, and ask for the report. */
  #stop(words = "") {
    const run = this.#run;
    const was = this.#section.dataset.state;
    // A second wish to stop must not break off the report that the first one asked for.
    if (!run || was === "stopping") return;
    this.#dark(run);
    if (was !== "on") return this.#close(words);
    this.#state("stopping");
    this.#say(words || t("live.summing_up"), Boolean(words));
    run.words = words;
    run.link.stop();
    run.waiting = setTimeout(() => this.#run === run && this.#fail(t("live.no_answer")), ANSWER_MS);
  }

  #answer(answer) {
    this.#services.show(this.#services.answers.add(answer) ?? answer);
    this.#run.answered = true;
  }

  #ended(run, error) {
    // A server that waited too long for the user to allow the camera is asked anew when there are pictures.
    if (!run.stream && run.link?.ready && this.#section.dataset.state === "starting") return void (run.link = null);
    if (error) return this.#fail(`${t("live.ended")} ${errorLine(error)}`);
    return this.#close(run.words || t(run.answered ? "live.done" : "live.ended"), Boolean(run.words));
  }

  #unplugged(run) {
    if (this.#run === run && run.stream) this.#stop(t("live.camera.unplugged"));
  }

  #fail(words) {
    this.#close(words, true);
  }

  #breakOff() {
    if (this.#run) this.#close(t("live.ended"));
  }

  /** End everything; what was read so far stays on the page. */
  #close(words, isProblem = false) {
    const run = this.#run;
    this.#run = null;
    this.#dark(run);
    clearTimeout(run.waiting);
    run.link?.close();
    const hadFocus = [document.body, this.#parts.stop].includes(document.activeElement);
    this.#state("off");
    this.#say(words, isProblem);
    if (hadFocus) this.#parts.start.focus({ preventScroll: true });
  }

  #dark(run) {
    closeCamera(run.stream);
    run.stream = null;
    this.#parts.video.srcObject = null;
    this.#overlay.clear();
    this.#faces.hush();
    setLiveNow(null);
  }

  #clear() {
    this.#faces.clear();
    this.#events.clear();
    this.#timeline.clear();
    this.#meter = new LiveMeter();
    this.#say("", false);
  }

  #say(words, isProblem) {
    this.#parts.message.textContent = words;
    if (words) announce(words);
    this.#parts.message.classList.toggle("problem", isProblem);
  }

  #mirror(on) {
    this.#parts.mirror.checked = on;
    this.#parts.video.classList.toggle("mirrored", on);
    this.#overlay.mirrored = on;
  }

  #visibility() {
    clearTimeout(this.#hidden);
    if (document.hidden && this.#run) this.#hidden = setTimeout(() => this.#stop(t("live.hidden")), HIDDEN_MS);
  }

  #tick() {
    if (this.#section.dataset.state !== "on") return;
    const now = performance.now();
    const { fps, delay, skipped } = this.#meter.numbers(now);
    Object.assign(this.#section.dataset, { fps: fps.toFixed(1), delayMs: Math.round(delay) });
    this.#parts.meter.textContent = t("live.meter", { fps: Math.round(fps), delay: Math.round(delay), skipped });
    this.#redraw();
  }
}

function liveParts() {
  const part = {
    start: translated("button", "live.start", { type: "button", class: "live-start" }),
    stop: translated("button", "live.stop", { type: "button", class: "live-stop" }),
    waits: translated("p", "live.waits", { class: "soft", hidden: true }),
    message: el("p", { class: "live-message" }),
    light: el("p", { class: "live-light" }),
    video: labelled("video", "live.video", { playsinline: true, muted: true }),
    overlay: el("canvas", { class: "live-overlay", "aria-hidden": "true" }),
    mirror: el("input", { type: "checkbox", id: "live-mirror" }),
    meter: el("p", { class: "live-meter soft" }),
    title: translated("h2", "live.title", { id: "live-title" }),
  };
  part.video.muted = true;
  part.side = el("div", { class: "live-side" }, translated("h3", "live.faces"));
  part.after = el("div", { class: "live-after", hidden: true });
  part.intro = el("div", { class: "live-intro" }, part.title, translated("p", "live.promise"), part.start, part.waits);
  part.panel = livePanel(part);
  return part;
}

function livePanel({ video, overlay, mirror, meter, light, stop, side }) {
  const label = el("label", { class: "live-mirror", for: "live-mirror" }, mirror, " ",
    translated("span", "live.mirror"));
  const left = el("div", { class: "live-left" },
    el("div", { class: "live-stage" }, video, overlay), el("div", { class: "live-below" }, meter, label));
  const bar = el("div", { class: "live-bar" }, light, stop);
  return el("div", { class: "live-panel", hidden: true }, bar, left, side);
}

/** When a picture was taken: some cameras say so, and what they say is believed where it can be true. */
function takenAt(capturedAt, now) {
  return capturedAt <= now && capturedAt > now - OLDEST_MS ? capturedAt : now;
}

function cameraWords(error) {
  return t(`live.camera.${error instanceof CameraError ? error.reason : "failed"}`);
}
