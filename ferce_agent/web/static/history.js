/** The answers of this tab as a list: shown again, saved, deleted. */

import { page } from "./api.js";
import { announce, el, fill, saveBlob } from "./dom.js";
import { answerLine } from "./report.js";
import { languageCode, t } from "./texts.js";

/** The list of answers, with what can be done with the one that is shown. */
export class History {
  /**
   * @param {HTMLElement} section Where the list goes.
   * @param {object} answers The answers of this tab.
   * @param {{show: (answer: object|null) => void, fail: (error: Error) => void}} to Shows an answer, takes errors.
   */
  constructor(section, answers, to) {
    this.section = section;
    this.answers = answers;
    this.to = to;
    this.shown = null;
    answers.onChange(() => this.draw());
  }

  /** Draw the list anew, newest first. */
  draw() {
    const held = this.#held();
    const items = this.answers.all().reverse().map((answer) => this.#item(answer));
    fill(this.section, el("h2", { id: "history-title" }, t("history.title")),
      el("p", { class: "soft" }, t(items.length ? "history.lead" : "history.empty")),
      items.length ? el("ol", { id: "answers", class: "answers" }, items) : null);
    held();
  }

  /** Return what gives the focus back to the button that has it now, where the list is drawn anew around it. */
  #held() {
    const buttons = () => [...this.section.querySelectorAll(".answers button")];
    const place = buttons().indexOf(document.activeElement);
    // New answers come first, so places are counted from the end.
    const fromEnd = buttons().length - place;
    return () => place >= 0 && buttons().at(-fromEnd)?.focus();
  }

  #item(answer) {
    const name = answerName(answer);
    const button = el("button", {
      type: "button", class: "plain", "data-answer": answer.kind,
      "aria-current": this.shown === answer ? "true" : null, onclick: () => this.to.show(answer),
    }, t("history.show", { name, what: answerLine(answer) }));
    const remove = el("button", {
      type: "button", class: "small delete", "aria-label": `${t("history.delete")}: ${name}`,
      onclick: () => this.#remove(answer),
    }, t("history.delete"));
    return el("li", {}, button, remove);
  }

  #remove(answer) {
    const place = this.answers.all().reverse().indexOf(answer);
    this.answers.remove(answer);
    if (this.shown === answer) this.to.show(null);
    announce(t("history.deleted"));
    const left = this.section.querySelectorAll(".answers .delete");
    (left[Math.min(place, left.length - 1)] ?? document.getElementById("choose"))?.focus();
  }

  /**
   * Return the buttons to save an answer.
   * @param {object} answer The answer.
   */
  saving(answer) {
    const button = (id, key, act) => el("button", { id, type: "button", onclick: act }, t(key));
    return el("div", { class: "buttons" }, button("save-json", "history.save_json", () => saveJson(answer)),
      button("save-page", "history.save_page", () => this.#savePage(answer)));
  }

  async #savePage(answer) {
    try {
      const html = await page(answer.report, answer.picture, answer.pictures);
      saveBlob(html, `${fileName(answer)}.html`);
    } catch (error) {
      this.to.fail(error);
    }
  }
}

function saveJson(answer) {
  const text = JSON.stringify(answer.report ?? answer.brief, null, 2);
  saveBlob(new Blob([text], { type: "application/json" }), `${fileName(answer)}.json`);
}

function answerName(answer) {
  const time = answer.at.toLocaleTimeString(languageCode(), { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return t(`history.${answer.kind}`, { time });
}

function fileName(answer) {
  const stamp = answer.at.toISOString().slice(0, 19).replace(/[:T]/g, "-");
  return `ferce-${answer.kind}-${stamp}`;
}
