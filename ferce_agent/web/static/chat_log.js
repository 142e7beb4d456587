import { el } from "./dom.js";
import { confidenceWord, hasText, ownSentence, showsWords, t, termName } from "./texts.js";
import { labelled, onLanguage, translated } from "./translated.js";

/** Manners that have an edge of their own. */
const MANNERS = ["warm", "gentle", "steady", "plain", "any"];
/** Nearer to its end than this, in CSS pixels, the log follows what is added. */
const NEAR_PX = 60;

/** The conversation as it is shown. */
export class ChatLog {
  /** The log, to be put on the page. */
  element = labelled("div", "chat.log", { class: "chat-log", role: "log", tabindex: "0" });

  #replies = [];

  constructor() {
    this.clear();
    onLanguage(() => this.#replies.forEach((reply) => reply.retell()));
  }

  /** Forget everything that was said. */
  clear() {
    this.#replies = [];
    for (const picture of this.element.querySelectorAll("img")) URL.revokeObjectURL(picture.src);
    this.element.replaceChildren(translated("p", "chat.empty", { class: "chat-empty" }));
  }

  /**
   * Show what the user says.
   * @param {string} text
   * @param {Blob|null} photo
   */
  user(text, photo) {
    this.element.querySelector(".chat-empty")?.remove();
    const entry = el("div", { class: "chat-turn chat-user" }, translated("b", "chat.you", { class: "chat-who" }));
    if (photo) entry.append(this.#picture(photo));
    if (text) entry.append(el("p", { class: "chat-words" }, text));
    this.#add(entry);
  }

  /** @returns {ChatReply} A reply that is still to come. */
  reply() {
    const reply = new ChatReply(() => this.#follow());
    this.#replies.push(reply);
    this.#add(reply.element);
    // Words that come piece by piece are read out as a whole at the end.
    this.element.setAttribute("aria-busy", "true");
    return reply;
  }

  /** Let the latest reply be read out. */
  finish() {
    this.element.removeAttribute("aria-busy");
  }

  /**
   * Show what went wrong.
   * @param {string} words
   */
  problem(words) {
    this.#add(el("p", { class: "chat-turn chat-problem" }, words));
  }

  /** A picture has its height only when it is loaded. */
  #picture(photo) {
    const source = URL.createObjectURL(photo);
    return el("img", { src: source, alt: t("chat.photo_sent"), onload: () => this.#end() });
  }

  #add(entry) {
    this.element.append(entry);
    this.#end();
  }

  #end() {
    this.element.scrollTop = this.element.scrollHeight;
  }

  #follow() {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    if (scrollHeight - scrollTop - clientHeight < NEAR_PX) this.element.scrollTop = scrollHeight;
  }
}

/** One reply: its tone, its words, and what was read for it. */
export class ChatReply {
  /** The entry of the log. */
  element;
  /** What was said so far. */
  text = "";
  #words = el("p", { class: "chat-words" });
  #waiting = translated("p", "chat.waiting", { class: "chat-waiting" });
  #changed;
  #told = null;

  /** @param {() => void} changed Called after each change. */
  constructor(changed) {
    this.#changed = changed;
    const who = translated("b", "chat.assistant", { class: "chat-who" });
    this.element = el("div", { class: "chat-turn chat-assistant" }, who, this.#waiting, this.#words);
  }

  /**
   * Show the tone and why it was taken.
   * @param {object} event A tone event: tone, manner, pace, because, photo.
   */
  tone(event) {
    this.#told = event;
    this.element.dataset.manner = MANNERS.includes(event.manner) ? event.manner : "any";
    this.retell();
    this.#changed();
  }

  /** Say the tone in the language in use. */
  retell() {
    if (!this.#told) return;
    this.element.querySelector(".chat-tone")?.remove();
    this.element.querySelector(".chat-who").after(toneLine(this.element.dataset.manner, this.#told));
  }

  /**
   * Add words.
   * @param {string} piece
   */
  add(piece) {
    this.text += piece;
    this.#waiting.hidden = true;
    this.#words.append(piece);
    this.#changed();
  }

  /**
   * Offer the report of the photo that came with the message.
   * @param {() => void} show Shows it.
   */
  offer(show) {
    const button = translated("button", "chat.show_report", { type: "button", class: "chat-show", onclick: show });
    this.element.append(button);
    this.#changed();
  }

  /**
   * Take the whole text, where it differs from the pieces.
   * @param {string} whole
   */
  done(whole) {
    this.#waiting.remove();
    if (whole !== undefined && whole !== this.text) {
      this.text = whole;
      this.#words.textContent = whole;
    }
  }

  /** Say that the reply was stopped; one without a word goes. */
  stopped() {
    this.#waiting.remove();
    if (this.text) this.element.append(translated("p", "chat.stopped", { class: "chat-stopped" }));
    else this.element.remove();
  }
}

function toneLine(manner, event) {
  const name = t(`chat.manner.${manner}`);
  const tone = toneWords(event.tone ?? "");
  const line = el("p", { class: "chat-tone" }, el("b", {}, name));
  if (tone.textContent.toLowerCase() !== name.toLowerCase()) line.append(" · ", tone);
  if (hasText(`chat.pace.${event.pace}`)) line.append(" · ", t(`chat.pace.${event.pace}`));
  if (event.because) line.append(el("span", { class: "chat-because" }, t("chat.because"), " ", whyWords(event)));
  return line;
}

/** A tone in the language of the page; one that it has no words for stays English. */
function toneWords(tone) {
  const known = ownSentence("chat.tone", tone);
  return el("span", { lang: known === null ? "en" : null }, known ?? tone);
}

/** Why the tone was taken, in the language of the page where the server gives it as a code. */
function whyWords({ because, because_code: code, because_values: values }) {
  if (!hasText(`chat.why.${code}`)) return el("span", { lang: "en" }, because);
  const { expression, before, confidence } = values ?? {};
  return t(`chat.why.${code}`, {
    shows: expression ? showsWords(expression) : "",
    before: before ? showsWords(before) : "",
    term: expression ? termName(expression) : "",
    sure: confidenceWord(confidence ?? 0),
  });
}
