/** Where pictures come from: dropped, chosen, pasted, the sample; checked before anything is sent. */

import { isAnimated } from "./animation.js";
import { ApiError } from "./api.js";
import { el, fill } from "./dom.js";
import { decimal, t } from "./texts.js";
import { VoiceRecorder } from "./voice_recorder.js";

const PHOTO_ENDINGS = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "heic", "heif", "avif", "mpo"];
const CLIP_ENDINGS = ["mp4", "m4v", "mov", "webm", "mkv", "avi", "mpg", "mpeg", "ts", "3gp", "y4m"];
const VOICE_ENDINGS = ["wav", "mp3", "m4a", "ogg", "oga", "opus", "flac", "aac"];
const SAMPLE = "/static/sample.jpg";

/** The panel in which a user gives pictures. */
export class SourcePanel {
  #limits = { photo_bytes: Infinity, clip_bytes: Infinity, voice_bytes: Infinity };
  #recorder = new VoiceRecorder((file) => this.#give([file]));
  #voice = false;
  #open = false;
  #refused = false;

  /**
   * @param {HTMLElement} section Where the panel goes.
   * @param {{take: (items: object[]) => void, fail: (error: Error) => void, webcam: () => void}} to Takes what can be
   *   read as {file, name, kind, line}, what went wrong, and the wish to use the webcam.
   */
  constructor(section, to) {
    this.section = section;
    this.to = to;
    this.#listen();
  }

  /**
   * Keep what the server allows.
   * @param {object} about Its answer to `/api/about`.
   */
  allow(about) {
    this.#limits = about.limits;
    this.#voice = Boolean(about.voice);
  }

  /**
   * Open or close the panel.
   * @param {boolean} open Whether something may be read for the use that is chosen.
   * @param {boolean} refused Whether it is known that nothing may be.
   */
  follow(open, refused) {
    [this.#open, this.#refused] = [open, refused];
    for (const one of this.section.querySelectorAll("[data-needs-use]")) one.disabled = !open;
    this.section.classList.toggle("closed", !open);
    const note = this.section.querySelector("#source-refused");
    if (note) note.hidden = !refused;
  }

  /** Draw the panel anew, in the language in use. */
  draw() {
    const kept = this.#fields();
    fill(this.section, el("h2", { id: "source-title" }, t("source.title")),
      el("p", { id: "source-refused", class: "doubt", hidden: true }, t("source.refused")),
      this.#target(), this.#more(kept));
    this.follow(this.#open, this.#refused);
  }

  #target() {
    const input = el("input", {
      id: "file", type: "file", multiple: true, class: "unseen", tabindex: "-1", "aria-hidden": "true",
      accept: this.#accepted(), "data-needs-use": true,
      onchange: () => { this.#give([...input.files]); input.value = ""; },
    });
    const button = (id, text, act, look = "") =>
      el("button", { id, type: "button", class: look, "data-needs-use": true, onclick: act }, text);
    return el("div", { id: "drop", class: "drop" },
      el("p", { class: "large" }, t("source.drop")),
      el("div", { class: "buttons" },
        button("choose", t("source.choose"), () => input.click(), "first"),
        button("webcam", t("source.webcam"), () => this.to.webcam()),
        button("sample", t("source.sample"), () => this.#sample())),
      this.#recording(),
      el("p", { class: "soft" }, t("source.paste"), " ", this.#kinds()), input);
  }

  #recording() {
    if (!this.#voice || !VoiceRecorder.possible) return null;
    this.#recorder.draw();
    return this.#recorder.element;
  }

  #kinds() {
    const { photo_bytes: photo, clip_bytes: clip, voice_bytes: voice } = this.#limits;
    if (!Number.isFinite(photo)) return "";
    return t("source.kinds", { photo: megabytes(photo), clip: megabytes(clip), voice: megabytes(voice) });
  }

  #accepted() {
    const endings = [...PHOTO_ENDINGS, ...CLIP_ENDINGS, ...(this.#voice ? VOICE_ENDINGS : [])];
    return ["image/*", "video/*", ...(this.#voice ? ["audio/*"] : []), ...endings.map((one) => `.${one}`)].join(",");
  }

  #more(kept) {
    const text = (id, extra) =>
      el("input", { id, type: "text", maxlength: 2000, autocomplete: "off", value: kept[id] ?? "", ...extra });
    const number = (id) => text(id, { type: "number", min: 0, step: "any", inputmode: "decimal" });
    const field = (id, key, input) => el("label", { class: "field", for: id }, el("span", {}, t(key)), input);
    const micro = el("input", { id: "micro", type: "checkbox", checked: Boolean(kept.micro) });
    return [
      el("details", { class: "more", id: "photo-details" }, el("summary", {}, t("source.details")),
        el("div", { class: "fields" },
          field("context", "source.context", text("context", { placeholder: t("source.context_hint") })),
          field("labels", "source.labels", text("labels", { placeholder: t("source.labels_hint") })))),
      el("details", { class: "more", id: "clip-details" }, el("summary", {}, t("source.clip_details")),
        el("div", { class: "fields" }, field("start", "source.start", number("start")),
          field("end", "source.end", number("end")),
          el("label", { class: "check", for: "micro" }, micro, " ", t("source.micro")))),
    ];
  }

  #fields() {
    const value = (id) => this.section.querySelector(`#${id}`)?.value ?? "";
    const micro = this.section.querySelector("#micro")?.checked ?? false;
    return { context: value("context"), labels: value("labels"), start: value("start"), end: value("end"), micro };
  }

  /** What is asked beside the file, without what was left empty. */
  #line(kind) {
    const { context, labels, start, end, micro } = this.#fields();
    const words = labels.split(",").map((one) => one.trim()).filter(Boolean);
    const line = {};
    if (kind !== "clip" && context.trim()) line.context = context.trim();
    if (kind === "photo" && words.length) line.labels = words;
    if (kind === "clip" && start !== "") line.start_s = Number(start);
    if (kind === "clip" && end !== "") line.end_s = Number(end);
    if (kind === "clip" && micro) line.micro = true;
    return line;
  }

  #listen() {
    // A file dropped beside the target must not replace the page.
    for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
    document.addEventListener("dragover", (event) => this.#hover(event.target));
    document.addEventListener("dragleave", (event) => event.relatedTarget || this.#hover(null));
    document.addEventListener("drop", (event) => this.#dropped(event));
    document.addEventListener("paste", (event) => this.#pasted(event));
  }

  #hover(target) {
    const inside = target instanceof Element && target.closest("#drop") !== null;
    this.section.querySelector("#drop")?.classList.toggle("over", inside && this.#open);
  }

  #dropped(event) {
    this.#hover(null);
    if (!this.#open) return;
    const files = [...(event.dataTransfer?.files ?? [])];
    // Browsers list a folder as if it were a file; what it is can be asked only during the event.
    const entries = [...(event.dataTransfer?.items ?? [])].filter((one) => one.kind === "file");
    const isFolder = (at) => entries[at]?.webkitGetAsEntry?.()?.isDirectory ?? false;
    const folders = files.filter((_, at) => isFolder(at));
    for (const folder of folders) this.#refuse("page_folder", () => ({ name: folder.name }));
    this.#give(files.filter((one) => !folders.includes(one)));
  }

  #pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!this.#open || (!files.length && isField(event.target))) return;
    event.preventDefault();
    if (files.length) this.#give(files);
    else this.#refuse("page_paste", () => ({}));
  }

  async #sample() {
    try {
      const response = await fetch(SAMPLE);
      if (!response.ok) throw new Error();
      this.#give([new File([await response.blob()], t("source.sample_name"), { type: "image/jpeg" })]);
    } catch {
      this.#refuse("page_sample", () => ({}));
    }
  }

  /** Pass on what can be read; say of the rest why not. */
  async #give(files) {
    const items = [];
    for (const file of files) {
      const kind = await kindOf(file);
      if (this.#isUsable(file, kind)) {
        items.push({ file, kind, name: file.name || t("source.pasted"), line: this.#line(kind) });
      }
    }
    if (items.length) this.to.take(items);
  }

  #isUsable(file, kind) {
    const wrong = (code, values = () => ({})) => this.#refuse(code, () => ({ name: file.name, ...values() }));
    if (kind === null) return wrong("page_kind");
    if (!file.size) return wrong("page_empty");
    const most = this.#limits[`${kind}_bytes`];
    if (file.size <= most) return true;
    return wrong(`page_${kind}_too_large`, () => ({ size: megabytes(file.size), most: megabytes(most) }));
  }

  /** Say what is wrong with what was given; again when the page changes its language. */
  #refuse(code, values) {
    const words = () => t(`error.${code}`, values());
    this.to.fail(Object.assign(new ApiError({ code, message: words() }), { words }));
    return false;
  }
}

/** Text is pasted into fields; that is none of ours. */
function isField(target) {
  return target instanceof Element && target.closest("input, textarea, [contenteditable]") !== null;
}

/**
 * Return what a file is by its kind or its ending: `photo`, `clip`, `voice`, or null.
 * @param {File} file The file.
 * @returns {Promise<string|null>}
 */
export async function kindOf(file) {
  const ending = (file.name ?? "").toLowerCase().split(".").at(-1);
  const [type, form] = (file.type ?? "").split("/");
  // An animation is a film to the server, although browsers call it an image.
  if (["gif", "webp"].includes(form ?? ending)) return (await isAnimated(file)) ? "clip" : "photo";
  if (type === "audio") return "voice";
  if (type === "video" || CLIP_ENDINGS.includes(ending)) return "clip";
  if (type === "image" || PHOTO_ENDINGS.includes(ending)) return "photo";
  return VOICE_ENDINGS.includes(ending) ? "voice" : null;
}

function megabytes(bytes) {
  const number = bytes / 1e6;
  return t("unit.megabytes", { number: decimal(number, number < 10 && number % 1 ? 1 : 0) });
}
