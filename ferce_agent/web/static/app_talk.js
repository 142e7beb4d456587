/** What the panel asks of the assistant: to read a photo, to know the reading, and a message if the user wants one. */

import { el } from "./dom.js";
import { t } from "./texts.js";
import { wordsIn } from "./app_reports.js";

const READ_SECONDS = 600;
const TELL_SECONDS = 30;

/** The way of one photo to the assistant. */
export class PhotoTalk {
  #bridge;
  #capabilities;
  #state = "untold";

  /**
   * @param {Host} host The assistant.
   */
  constructor({ bridge, capabilities }) {
    [this.#bridge, this.#capabilities] = [bridge, capabilities];
  }

  /** How far the assistant is told, in words. */
  get words() {
    return t(`panel.${this.#state}`);
  }

  /**
   * Have a photo read, and the assistant told what was read.
   * @param {string} picture The photo as a data URL.
   * @returns {Promise<object>} The tool's answer.
   * @throws {Error} It was not read; the message says why.
   */
  async read(picture) {
    const asked = { name: "analyze_expression", arguments: { image: picture } };
    const result = await this.#bridge.request("tools/call", asked, READ_SECONDS).catch((error) => {
      throw new Error(t(error.reason === "late" ? "panel.late" : "panel.not_read", { reason: error.message }));
    });
    if (result.isError) throw new Error(wordsIn(result));
    this.#state = (await this.#tell(wordsIn(result))) ? "told" : "untold";
    return result;
  }

  async #tell(brief) {
    if (!this.#capabilities.updateModelContext) return false;
    const content = [{ type: "text", text: brief }];
    return this.#bridge.request("ui/update-model-context", { content }, TELL_SECONDS).then(() => true, () => false);
  }

  /**
   * Return what the user is told of it, with the button that sends a message.
   * @param {{brief_text: string}} reading What was read.
   * @returns {Node[]} The elements.
   */
  part(reading) {
    const state = el("p", { class: "soft", role: "status" }, this.words);
    if (!this.#capabilities.message || this.#state === "sent") return [state];
    const button = el("button", { type: "button", id: "panel-send" }, t("panel.send"));
    button.addEventListener("click", () => this.#send(reading, button, state));
    return [state, el("div", { class: "buttons" }, button)];
  }

  async #send(reading, button, state) {
    button.disabled = true;
    const words = t("panel.message");
    const text = this.#state === "told" ? words : `${words}\n\n${reading.brief_text}`;
    const message = { role: "user", content: [{ type: "text", text }] };
    const asked = this.#bridge.request("ui/message", message, TELL_SECONDS);
    const sent = await asked.then((answer) => !answer.isError, () => false);
    if (sent) this.#state = "sent";
    button.disabled = sent;
    state.textContent = t(sent ? "panel.sent" : "panel.not_sent");
  }
}
