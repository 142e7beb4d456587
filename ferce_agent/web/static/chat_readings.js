import { el, fill } from "./dom.js";
import { answerLine } from "./report.js";
import { languageCode, t } from "./texts.js";
import { onLanguage } from "./translated.js";

/** Most readings that are sent with a message: the latest ones that are switched on. */
const MOST_READINGS = 8;
/** Longest summary beside a switch, in characters. */
const SUMMARY_LENGTH = 90;

/** Which of the tab's readings the assistant is told of; each can be switched off. */
export class ChatReadings {
  /** The list with its heading, to be put on the page. */
  element;
  #answers;
  #off = new WeakSet();
  #told = new WeakSet();
  #heading = el("summary", {});
  #list = el("ul", { class: "chat-readings" });

  /** @param {object} answers The tab's answers: all, onChange. */
  constructor(answers) {
    this.#answers = answers;
    this.element = el("details", { class: "chat-known", open: true }, this.#heading, this.#list);
    answers.onChange(() => this.#show());
    onLanguage(() => this.#show());
    this.#show();
  }

  /**
   * Return what the assistant is told of with the next message.
   * @returns {{readings: object[], new: number}} The reports, oldest first, and how many of the last ones are news to it.
   */
  chosen() {
    const chosen = this.#chosen();
    const known = chosen.findLastIndex((answer) => this.#told.has(answer));
    return { readings: chosen.map((answer) => answer.report), new: chosen.length - 1 - known };
  }

  /** Keep in mind that the assistant has been told of all that is chosen now. */
  markTold() {
    for (const answer of this.#chosen()) this.#told.add(answer);
  }

  /** Begin anew: the assistant has been told of nothing. */
  forget() {
    this.#told = new WeakSet();
  }

  #chosen() {
    return this.#answers.all().filter((answer) => !this.#off.has(answer)).slice(-MOST_READINGS);
  }

  #show() {
    const all = this.#answers.all();
    this.#head();
    if (all.length) fill(this.#list, all.map((answer) => el("li", {}, this.#switch(answer))));
    else fill(this.#list, el("li", {}, t("chat.no_readings")));
  }

  #head() {
    const values = { known: this.#chosen().length, all: this.#answers.all().length };
    this.#heading.textContent = t("chat.known", values);
  }

  #switch(answer) {
    const box = el("input", { type: "checkbox" });
    box.checked = !this.#off.has(answer);
    box.addEventListener("change", () => {
      if (box.checked) this.#off.delete(answer);
      else this.#off.add(answer);
      this.#head();
    });
    return el("label", {}, box, " ", readingWords(answer));
  }
}

function readingWords(answer) {
  const time = answer.at ? answer.at.toLocaleTimeString(languageCode()) : "";
  const head = t(`history.${answer.kind}`, { time });
  return [`${head} `, el("small", {}, shortened(answerLine(answer)))];
}

function shortened(text) {
  return text.length > SUMMARY_LENGTH ? `${text.slice(0, SUMMARY_LENGTH - 1)}…` : text;
}
