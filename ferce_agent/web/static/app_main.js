/** The app's beginning: says hello to the assistant, and shows what it tells of the call of a tool. */

import { APP_KEYS, APP_LANGUAGE, APP_TEXTS, APP_VERSION } from "./app_facts.js";
import { el, fill, announce } from "./dom.js";
import { setTexts, t } from "./texts.js";
import { showAnswer } from "./report.js";
import { anObject, HostBridge } from "./app_bridge.js";
import { pictureIn, readingIn, wholeReading, wordsIn } from "./app_reports.js";
import { PhotoPanel } from "./app_photo.js";
import { PhotoTalk } from "./app_talk.js";

const ASK_SECONDS = 30;

/** Everything the document shows, and what of the assistant it depends on. */
class AppPage {
  #main = document.getElementById("app");
  #bridge = new HostBridge(window.parent);
  #capabilities = {};
  #context = {};
  #input = {};
  #paint = () => this.#say("assistant.connecting");
  #panel = null;
  #calls = 0;

  /** Say hello, then show what comes. */
  async start() {
    this.#useLanguage();
    this.#paint();
    this.#listen();
    try {
      const appInfo = { name: "ferce-agent", version: APP_VERSION };
      const host = await this.#bridge.connect(appInfo, { availableDisplayModes: ["inline", "fullscreen"] });
      this.#capabilities = host.capabilities;
      this.#take(host.context);
      // The assistant may have told the call while it said hello.
      if (this.#calls === 0) this.#show(() => this.#say("assistant.waiting"));
      this.#watchSize();
    } catch (error) {
      this.#show(() => this.#say(`assistant.not_connected.${error.reason ?? "refused"}`, { reason: error.message }));
    }
  }

  #listen() {
    const bridge = this.#bridge;
    bridge.onTold("ui/notifications/tool-input-partial", (params) => this.#called(params.arguments));
    bridge.onTold("ui/notifications/tool-input", (params) => this.#called(params.arguments));
    bridge.onTold("ui/notifications/tool-result", (result) => this.#answered(result));
    bridge.onTold("ui/notifications/tool-cancelled", ({ reason }) => this.#cancelled(reason));
    bridge.onTold("ui/notifications/host-context-changed", (context) => this.#take(context));
    bridge.onAsked("ui/resource-teardown", () => this.#end());
    window.addEventListener("pagehide", () => this.#closePanel());
  }

  #end() {
    this.#closePanel();
    return {};
  }

  /** Close the camera of the panel, which is about to be out of sight. */
  #closePanel() {
    this.#panel?.close();
    this.#panel = null;
  }

  #show(paint) {
    this.#paint = paint;
    paint();
  }

  #say(key, values) {
    const text = t(key, values);
    fill(this.#main, el("p", { class: "soft" }, text));
    announce(text);
  }

  #take(context) {
    const before = this.#language();
    this.#context = { ...this.#context, ...context };
    const { theme } = this.#context;
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    this.#useInsets(anObject(this.#context.safeAreaInsets));
    if (this.#language() !== before) this.#useLanguage();
    if (this.#language() !== before || "displayMode" in context || "availableDisplayModes" in context) this.#paint();
  }

  #useInsets(insets) {
    for (const side of ["top", "right", "bottom", "left"]) {
      const width = Number(insets[side]);
      if (width >= 0 && width < 200) document.body.style.setProperty(`--inset-${side}`, `${width}px`);
    }
  }

  #language() {
    const code = String(this.#context.locale ?? "").toLowerCase().split(/[-_]/)[0];
    return Object.hasOwn(APP_TEXTS, code) ? code : APP_LANGUAGE;
  }

  #useLanguage() {
    document.documentElement.lang = this.#language();
    const words = APP_TEXTS[this.#language()];
    const keys = Object.entries(APP_KEYS)
      .flatMap(([table, names]) => names.split(" ").map((name) => `${table}.${name}`));
    setTexts(Object.fromEntries(keys.map((key, index) => [key, words[index]])));
    document.getElementById("app-title").textContent = t("assistant.title");
  }

  #called(given) {
    this.#calls += 1;
    this.#input = anObject(given);
    if (this.#isPanel()) return;
    const key = "clip" in this.#input ? "assistant.reading_clip" : "assistant.reading_photo";
    this.#show(() => this.#say(key));
  }

  #host() {
    return { bridge: this.#bridge, capabilities: this.#capabilities };
  }

  #isPanel() {
    return this.#main.dataset.view === "photo";
  }

  #answered(result) {
    this.#calls += 1;
    this.#closePanel();
    if (result.isError) this.#show(() => this.#failed(wordsIn(result)));
    else if (this.#isPanel()) this.#openPanel();
    else this.#showReading(result, pictureIn(this.#input));
  }

  #cancelled(reason) {
    this.#calls += 1;
    this.#closePanel();
    const why = typeof reason === "string" && reason ? reason.slice(0, 200) : "";
    this.#show(() => this.#say(why ? "assistant.cancelled_because" : "assistant.cancelled", { reason: why }));
  }

  #failed(words) {
    fill(this.#main, el("h2", {}, t("assistant.failed")), el("p", { class: "trouble", role: "alert" }, words));
  }

  async #showReading(result, picture, above = () => null) {
    const call = this.#calls;
    let reading = readingIn(result);
    let complete = reading.report !== null;
    const paint = () => fill(this.#main, above(reading), this.#sizeButton(), this.#view(reading, picture, complete));
    this.#show(paint);
    if (complete) return;
    reading = await wholeReading(reading, this.#host());
    complete = true;
    if (this.#calls === call && this.#paint === paint) this.#keepingFocus(paint);
  }

  #keepingFocus(paint) {
    const { id } = document.activeElement ?? {};
    paint();
    if (id) document.getElementById(id)?.focus({ preventScroll: true });
  }

  #view(reading, picture, complete) {
    if (!complete) return [el("p", { class: "soft" }, t("assistant.loading_report")), wordsOf(reading)];
    try {
      return showAnswer(reading, { picture });
    } catch (error) {
      // What a host passed on may have been changed on its way; the words are still there.
      console.warn("ferce-agent: report", error);
      return [el("p", { class: "soft" }, t("assistant.brief_only")), wordsOf(reading)];
    }
  }

  #sizeButton() {
    const { displayMode, availableDisplayModes } = this.#context;
    const mode = displayMode === "fullscreen" ? "inline" : "fullscreen";
    if (!Array.isArray(availableDisplayModes) || !availableDisplayModes.includes(mode)) return null;
    const ask = () => this.#bridge.request("ui/request-display-mode", { mode }, ASK_SECONDS).catch(() => null);
    const key = mode === "inline" ? "assistant.smaller" : "assistant.larger";
    return el("p", { class: "size" }, el("button", { type: "button", onclick: ask }, t(key)));
  }

  #watchSize() {
    let last = "";
    const tell = () => {
      const { width, height } = document.documentElement.getBoundingClientRect();
      const size = { width: Math.ceil(width), height: Math.ceil(height) };
      if (JSON.stringify(size) === last) return;
      last = JSON.stringify(size);
      this.#bridge.tell("ui/notifications/size-changed", size);
    };
    new ResizeObserver(tell).observe(document.documentElement);
    tell();
  }

  #openPanel() {
    if (!this.#capabilities.serverTools) return this.#show(() => this.#say("panel.no_tools"));
    const why = typeof this.#input.why === "string" ? this.#input.why.slice(0, 200) : "";
    const panel = new PhotoPanel((picture) => this.#readPhoto(panel, picture), why);
    this.#panel = panel;
    this.#show(() => {
      panel.paint();
      fill(this.#main, panel.element);
    });
  }

  async #readPhoto(panel, picture) {
    const talk = new PhotoTalk(this.#host());
    const result = await talk.read(picture);
    if (this.#panel !== panel) return;
    this.#calls += 1;
    this.#showReading(result, picture, (reading) => {
      panel.paint();
      return [panel.element, talk.part(reading)];
    });
    this.#main.querySelector("#panel-send")?.focus();
    announce(talk.words);
  }
}

/** Return what the assistant was told, as it was told. */
function wordsOf(reading) {
  return el("pre", { class: "brief", lang: "en", tabindex: "0" }, reading.brief_text);
}

new AppPage().start();
