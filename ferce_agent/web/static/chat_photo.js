import { el } from "./dom.js";
import { isLiveNow, liveNowPicture, onLiveNow } from "./live_now.js";
import { t } from "./texts.js";
import { translated } from "./translated.js";

/** The picture that goes with the next message: chosen, pasted, dropped, or what the camera shows now. */
export class ChatPhoto {
  /** Buttons and the small picture, to be put on the page. */
  element;
  /** Largest picture in bytes. */
  most = Infinity;
  #file = null;
  #input = el("input", { type: "file", accept: "image/*", class: "unseen", tabindex: "-1", "aria-hidden": "true" });
  #shown = el("div", { class: "chat-photo", hidden: true });
  #live = el("input", { type: "checkbox", id: "chat-live" });
  #complain;

  /** @param {(words: string) => void} complain Called with what is wrong with a picture. */
  constructor(complain) {
    this.#complain = complain;
    const choose = translated("button", "chat.attach", { type: "button", onclick: () => this.#input.click() });
    const live = el("label", { for: "chat-live", class: "chat-live" }, this.#live, " ",
      translated("span", "chat.send_live"));
    this.#input.addEventListener("change", () => this.take(this.#input.files[0]));
    this.element = el("div", { class: "chat-attach" }, this.#input, choose, live, this.#shown);
    const follow = (on) => {
      live.hidden = !on;
      if (!on) this.#live.checked = false;
    };
    onLiveNow(follow);
    follow(isLiveNow());
  }

  /**
   * Take a picture for the next message.
   * @param {File|undefined} file
   * @returns {boolean} Whether it is one.
   */
  take(file) {
    this.#input.value = "";
    if (!file?.type.startsWith("image/")) return false;
    if (file.size > this.most) {
      this.#complain(t("chat.photo_too_large", { most: Math.floor(this.most / 2 ** 20) }));
      return false;
    }
    this.#file = file;
    this.#show();
    return true;
  }

  /**
   * Return the picture for the message that is being sent, and forget it.
   * @returns {Promise<Blob|null>}
   */
  async taken() {
    const file = this.#file ?? (this.#live.checked ? await liveNowPicture() : null);
    this.#file = null;
    this.#show();
    return file;
  }

  /**
   * Take back a picture that could not be sent; what the camera shows is taken anew.
   * @param {Blob|null} photo
   */
  giveBack(photo) {
    if (!photo || this.#file || this.#live.checked) return;
    this.#file = photo;
    this.#show();
  }

  #show() {
    const old = this.#shown.querySelector("img");
    if (old) URL.revokeObjectURL(old.src);
    this.#shown.hidden = this.#file === null;
    if (this.#file === null) return this.#shown.replaceChildren();
    const remove = translated("button", "chat.remove_photo", { type: "button", onclick: () => this.#remove() });
    const picture = el("img", { src: URL.createObjectURL(this.#file), alt: t("chat.photo_to_send") });
    this.#shown.replaceChildren(picture, remove);
  }

  #remove() {
    this.#file = null;
    this.#show();
    this.element.querySelector("button").focus();
  }
}

/**
 * Return a picture as a data URL.
 * @param {Blob} blob
 * @returns {Promise<string>}
 */
export function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}
