/** The page: puts its parts together. */

import { about, takeToken } from "./api.js";
import { Answers } from "./answers.js";
import { announce, el, fill } from "./dom.js";
import { History } from "./history.js";
import { answerLine, showAnswer } from "./report.js";
import { SourcePanel } from "./source.js";
import { codeText, hasText, languageCode, languagesThere, loadTexts, t } from "./texts.js";
import { UseForm } from "./use_form.js";
import { Work } from "./work.js";

const LANGUAGE_KEY = "ferce.language";

/** Parts that are loaded after the page itself: where they go, and what puts them there. */
const PARTS = [
  ["live", async () => (await import("./live.js")).mountLive],
  ["chat", async () => (await import("./chat.js")).mountChat],
];

const place = (id) => document.getElementById(id);

/** The page and everything on it. */
class Page {
  answers = new Answers();
  form = new UseForm(place("use"));
  source = new SourcePanel(place("source"), {
    take: (items) => this.work.take(items),
    fail: (error) => this.fail(error),
    webcam: () => this.goToLive(),
  });
  work = new Work(place("work"), {
    use: () => this.form.use(),
    done: (answer, item) => this.done(answer, item),
    fail: (error) => this.fail(error),
  });
  history = new History(place("history"), this.answers, {
    show: (answer) => this.show(answer, true),
    fail: (error) => this.fail(error),
  });
  server = null;
  /** The answer that is drawn, and what went wrong with the card that says so. */
  drawn = null;
  troubles = new Map();

  /** What the live view and the chat are given. */
  services = {
    use: () => this.form.use(),
    policy: () => this.form.policy(),
    onPolicy: (listener) => this.form.onChange(listener),
    answers: this.answers,
    show: (answer) => this.show(answer),
  };

  async start() {
    await loadTexts(sessionStorage.getItem(LANGUAGE_KEY) ?? navigator.language);
    const known = takeToken();
    this.form.onChange(() => this.followRules());
    place("language").addEventListener("change", (event) => this.changeLanguage(event.target.value));
    this.draw();
    if (!known) return this.fail(new Error(t("page.no_token")));
    await Promise.all([this.askServer(), this.form.ask()]);
    return this.mountParts();
  }

  async askServer() {
    try {
      this.server = await about();
      this.source.allow(this.server);
      this.form.operator = this.server.use;
      this.draw();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Draw everything in the language in use. */
  draw() {
    document.documentElement.lang = languageCode();
    document.title = `ferce: ${t("page.title")}`;
    for (const one of document.querySelectorAll("[data-t]")) one.textContent = t(one.dataset.t);
    this.drawLanguages();
    this.drawServer();
    this.form.draw();
    this.source.draw();
    this.work.draw();
    this.history.draw();
    this.retell();
    this.drawReport();
  }

  drawLanguages() {
    const options = languagesThere().map(([code, name]) =>
      el("option", { value: code, lang: code, selected: code === languageCode() }, name));
    fill(place("language"), options);
  }

  drawServer() {
    place("where").textContent = whereWords(this.server).join(" ");
    place("version").textContent = this.server ? t("page.version", { version: this.server.version }) : "";
  }

  async changeLanguage(code) {
    sessionStorage.setItem(LANGUAGE_KEY, code);
    await loadTexts(code);
    this.draw();
  }

  /** The source is open only where the rules have answered and do not refuse. */
  followRules() {
    this.source.follow(this.form.allows, this.form.refuses);
  }

  /** Show a new answer, unless the user is busy with the one that is shown. */
  done(answer, item) {
    const kept = this.answers.add(answer, item.kind === "photo" ? item.file : null);
    if (place("report").matches(":has(:focus)")) announce(t("history.added", { what: answerLine(kept) }));
    else this.show(kept);
  }

  /**
   * Show an answer as the report.
   * @param {object|null} answer The answer; null shows none.
   * @param {boolean} [focus] Whether the user asked for it and goes on there.
   */
  show(answer, focus = false) {
    this.history.shown = answer && this.answers.add(answer);
    this.history.draw();
    this.drawReport();
    if (!answer) return;
    announce(answerLine(answer));
    place("report").scrollIntoView({ block: "start", behavior: "instant" });
    if (focus) place("report").focus({ preventScroll: true });
  }

  drawReport() {
    const answer = this.history.shown;
    const details = () => [...place("report").querySelectorAll("details")];
    const unfolded = answer === this.drawn ? details().map((one) => one.open) : [];
    this.drawn = answer;
    const heading = el("h2", { id: "report-title" }, t("report.title"));
    if (!answer) fill(place("report"), heading, el("p", { class: "soft" }, t("report.empty")));
    else fill(place("report"), heading, showAnswer(answer, { picture: answer.picture }), this.history.saving(answer));
    // The same answer in another language has the same parts in the same order.
    details().forEach((one, at) => { one.open = unfolded[at] ?? one.open; });
  }

  /** Say what went wrong as a sentence, with what to do about it and its code. */
  fail(error) {
    if (error.code === "cancelled") return announce(t("work.cancelled"));
    const card = el("div", { class: "trouble", role: "alert", "data-code": error.code ?? "" });
    this.troubles.set(card, error);
    this.fillTrouble(card, error);
    place("trouble").append(card);
    return card.scrollIntoView({ block: "nearest", behavior: "instant" });
  }

  fillTrouble(card, error) {
    const away = () => {
      card.remove();
      this.troubles.delete(card);
    };
    fill(card, el("h2", {}, t("error.title")), ...errorWords(error),
      el("button", { type: "button", class: "small", onclick: away }, t("work.dismiss")));
  }

  /** Say in the language in use what went wrong before. */
  retell() {
    for (const [card, error] of this.troubles) this.fillTrouble(card, error);
  }

  goToLive() {
    const section = place("live");
    section.scrollIntoView({ block: "start", behavior: "instant" });
    section.querySelector("button")?.focus({ preventScroll: true });
  }

  /** Put the live view and the chat on the page. Each is a part of its own: without one the rest still works. */
  async mountParts() {
    for (const [id, load] of PARTS) {
      const section = place(id);
      try {
        const mount = await load();
        mount(section, this.services);
      } catch (error) {
        console.error(error);
      }
    }
  }
}

/** Where pictures and words go: to this computer or another one, and from there to models elsewhere. */
function whereWords(server) {
  const near = ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);
  const words = [near ? t("page.local") : t("page.elsewhere", { name: location.hostname })];
  if (server?.vlm_remote) words.push(t("page.remote_vlm", { name: server.vlm }));
  if (server?.chat.remote) words.push(t("page.remote_chat", { name: server.chat.model }));
  return [...words, t("page.kept")];
}

/** The kind of error in the user's language, then the server's own sentence, which says what exactly was wrong. */
function errorWords(error) {
  // What the page itself found wrong, before anything was sent, is said in its own words already.
  if (!error.code || error.code.startsWith("page_")) return [el("p", {}, error.words?.() ?? error.message)];
  const kind = hasText(`error.${error.code}`) ? el("p", {}, el("strong", {}, codeText("error", error.code))) : null;
  const told = [error.message, error.hint].filter(Boolean).map((words) => el("p", { lang: "en" }, words));
  return [kind, ...told, el("p", { class: "soft" }, t("work.code", { code: error.code }))];
}

const whole = new Page();
whole.start().catch((error) => {
  // Without words of its own the page still says something.
  const plain = "The page could not be started. Is “ferce web” still running?";
  const words = [hasText("page.failed") ? t("page.failed") : plain, error.message];
  place("trouble").append(el("div", { class: "trouble", role: "alert" }, words.map((one) => el("p", {}, one))));
});
