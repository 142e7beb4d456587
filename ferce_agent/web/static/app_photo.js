/** The panel in which a user takes a photo for the assistant, or chooses one, and decides whether it is read. */

import { el, fill, announce } from "./dom.js";
import { t } from "./texts.js";
import { cameraFailure, cameraPossible, closeCamera, openCamera } from "./app_camera.js";
import { pictureOfCamera, pictureOfFile } from "./app_camera.js";

/** One panel; `element` is what to show of it. */
export class PhotoPanel {
  #read;
  #why;
  #stream = null;
  #picture = null;
  #problem = "";
  #busy = false;
  #opening = false;
  #closed = false;
  #video = el("video", { class: "camera", autoplay: true, playsinline: true });

  /**
   * @param {(picture: string) => Promise<void>} read Reads a picture, given as a data URL.
   * @param {string} why What the assistant says the photo is for; may be empty.
   */
  constructor(read, why) {
    this.element = el("section", { class: "photo-panel", "aria-labelledby": "panel-title" });
    this.#video.muted = true; // a property: as an attribute it has no effect on an element made in code
    [this.#read, this.#why] = [read, why];
    this.paint();
  }

  /** End the panel: the camera is closed and does not open any more. */
  close() {
    this.#closed = true;
    this.#closeCamera();
  }

  /** Show the panel as it stands, in the language in use. */
  paint() {
    this.#video.setAttribute("aria-label", t("panel.camera_picture"));
    fill(
      this.element,
      el("h2", { id: "panel-title", tabindex: "-1" }, t("panel.title")),
      this.#why ? el("p", { class: "why" }, t("panel.why", { why: this.#why })) : null,
      el("p", {}, t("panel.what_happens")),
      this.#problem ? el("p", { class: "trouble", role: "alert" }, this.#problem) : null,
      this.#picture ? el("img", { class: "taken", src: this.#picture, alt: t("panel.photo") }) : null,
      this.#stream ? this.#video : null,
      el("div", { class: "buttons" }, this.#buttons()),
    );
  }

  #buttons() {
    if (this.#busy) return el("p", { class: "soft" }, t("panel.reading"));
    const again = () => this.#again();
    if (this.#picture) return [this.#button("read", () => this.#send()), this.#button("another", again)];
    if (this.#stream) return [this.#button("take", () => this.#take()), this.#button("close_camera", again)];
    const possible = cameraPossible();
    return [
      possible ? this.#button("open_camera", () => this.#open()) : el("p", {}, t("panel.no_camera_here")),
      this.#fileButton(),
    ];
  }

  #button(key, act) {
    return el("button", { type: "button", id: `panel-${key}`, onclick: act }, t(`panel.${key}`));
  }

  #fileButton() {
    const input = el("input", { type: "file", accept: "image/*", hidden: true });
    input.addEventListener("change", () => this.#choose(input.files?.[0]));
    return [this.#button("choose_file", () => input.click()), input];
  }

  #show(changes, focus) {
    if ("problem" in changes) this.#problem = changes.problem;
    if ("picture" in changes) this.#picture = changes.picture;
    if ("busy" in changes) this.#busy = changes.busy;
    this.paint();
    if (focus) this.element.querySelector(focus)?.focus();
  }

  #closeCamera() {
    closeCamera(this.#stream);
    this.#stream = null;
  }

  async #open() {
    if (this.#opening) return;
    this.#opening = true;
    try {
      this.#stream = await openCamera(this.#video);
      // The user may have answered the browser's question after the panel was gone.
      if (this.#closed) return void this.#closeCamera();
      // An unplugged camera, or one that the browser takes back, must not leave a frozen picture.
      this.#stream.getVideoTracks()[0]?.addEventListener("ended", () => this.#again());
      this.#show({ problem: "" }, "#panel-take");
      announce(t("panel.camera_open"));
    } catch (error) {
      this.#show({ problem: t(cameraFailure(error)) }, "#panel-choose_file");
    } finally {
      this.#opening = false;
    }
  }

  #take() {
    const picture = pictureOfCamera(this.#video);
    this.#closeCamera();
    this.#show({ picture, problem: "" }, "#panel-read");
    announce(t("panel.taken"));
  }

  async #choose(file) {
    if (!file) return;
    const picture = await pictureOfFile(file);
    if (picture) this.#show({ picture, problem: "" }, "#panel-read");
    else this.#show({ problem: t("panel.no_picture") }, "#panel-choose_file");
  }

  #again() {
    this.#closeCamera();
    this.#show({ picture: null, problem: "" }, "#panel-open_camera, #panel-choose_file");
  }

  async #send() {
    this.#show({ busy: true, problem: "" });
    announce(t("panel.reading"));
    try {
      await this.#read(this.#picture);
      this.#show({ busy: false, picture: null });
    } catch (error) {
      this.#show({ busy: false, problem: error.message }, "#panel-another");
    }
  }
}
