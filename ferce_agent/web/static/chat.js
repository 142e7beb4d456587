import { about, chat } from "./api.js";
import { dataUrl, ChatPhoto } from "./chat_photo.js";
import { ChatLog } from "./chat_log.js";
import { ChatReadings } from "./chat_readings.js";
import { announce, el } from "./dom.js";
import { errorLine } from "./error_words.js";
import { t } from "./texts.js";
import { onLanguage, translated } from "./translated.js";

/** Most messages that are sent; older ones stay on the page only. */
const MOST_MESSAGES = 40;

/**
 * Put the chat on the page. The server keeps nothing: each message brings the conversation and the readings along.
 * @param {HTMLElement} section Where.
 * @param {object} services What the page shares: use, policy, onPolicy, answers, show.
 */
export function mountChat(section, services) {
  new ChatPanel(section, services);
}

class ChatPanel {
  #services;
  #parts = chatParts();
  #log = new ChatLog();
  #readings;
  #photo = new ChatPhoto((words) => this.#say(words));
  #messages = [];
  #running = null;

  constructor(section, services) {
    this.#services = services;
    this.#readings = new ChatReadings(services.answers);
    const { title, model, note, form, row, message } = this.#parts;
    form.insertBefore(this.#photo.element, row);
    section.hidden = false;
    section.setAttribute("aria-labelledby", title.id);
    section.append(title, model, note, this.#readings.element, this.#log.element, message, form);
    this.#listen(section);
    this.#introduce();
    onLanguage(() => this.#introduce());
    services.onPolicy(() => this.#rules());
    this.#rules();
  }

  #listen(section) {
    const { form, area, stop, forget } = this.#parts;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    area.addEventListener("keydown", (event) => this.#key(event));
    stop.addEventListener("click", () => this.#running?.abort());
    forget.addEventListener("click", () => this.#forget());
    section.addEventListener("paste", (event) => this.#taken(event, event.clipboardData));
    section.addEventListener("dragover", (event) => this.#over(event));
    section.addEventListener("drop", (event) => this.#taken(event, event.dataTransfer));
  }

  /** Name the chat model, and say whether it runs elsewhere. */
  async #introduce() {
    try {
      const { chat: told, limits } = await about();
      this.#parts.model.textContent = t(`chat.${modelKind(told)}`, { model: told.model });
      this.#parts.model.classList.toggle("chat-remote", Boolean(told.remote));
      if (limits?.chat_characters) this.#parts.area.maxLength = limits.chat_characters;
      if (limits?.photo_bytes) this.#photo.most = limits.photo_bytes;
    } catch (error) {
      this.#parts.model.textContent = errorLine(error);
    }
  }

  /** Say where the rules forbid to tell the assistant about faces. */
  #rules() {
    const policy = this.#services.policy();
    this.#parts.note.hidden = policy?.infer !== false;
  }

  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#send();
  }

  #over(event) {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Take a picture that was pasted or dropped here; anything else goes its usual way. */
  #taken(event, data) {
    const file = [...(data?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    if (this.#photo.take(file)) this.#say(t("chat.photo_taken"));
    this.#parts.area.focus();
  }

  async #send() {
    const { area } = this.#parts;
    const text = area.value.trim();
    if (this.#running) return;
    const running = new AbortController();
    this.#busy(running);
    const photo = await this.#photo.taken().catch(() => null);
    if (!text && !photo) {
      this.#busy(null);
      return area.focus();
    }
    area.value = "";
    this.#say("");
    this.#log.user(text, photo);
    await this.#turn(text, photo, running);
    this.#busy(null);
  }

  async #turn(text, photo, running) {
    const message = { role: "user", text };
    const reply = this.#log.reply();
    try {
      const body = await this.#body(message, photo);
      const end = await chat(body, (event) => this.#event(event, reply, photo), running.signal);
      reply.done(end.text);
      this.#keep(message, { text: reply.text, face: end.face }, running);
    } catch (error) {
      if (error.code === "cancelled") this.#stopped(message, reply, running);
      else this.#failed(error, { text, photo }, reply);
    } finally {
      this.#log.finish();
    }
  }

  async #body(message, photo) {
    const last = photo ? { ...message, photo: await dataUrl(photo) } : message;
    const messages = [...this.#messages, last].slice(-MOST_MESSAGES);
    return { messages, ...this.#readings.chosen(), use: this.#services.use() };
  }

  #event(event, reply, photo) {
    if (event.event === "tone") reply.tone(event);
    else if (event.event === "words") reply.add(event.text);
    else if (event.event === "answer") {
      const kept = this.#services.answers.add(event, photo) ?? event;
      reply.offer(() => this.#services.show(kept));
    }
  }

  /**
   * Keep what was said, unless the conversation was forgotten meanwhile.
   *
   * An answer that was given in knowledge of a face says so: the rules may forbid to tell it on.
   */
  #keep(message, { text, face = true }, running) {
    if (running.forgotten) return;
    this.#messages.push(message, { role: "assistant", text, face });
    this.#readings.markTold();
  }

  #stopped(message, reply, running) {
    reply.stopped();
    if (reply.text) this.#keep(message, { text: reply.text }, running);
    if (!running.forgotten) announce(t("chat.stopped"));
  }

  #failed(error, { text, photo }, reply) {
    reply.stopped();
    this.#log.problem(errorLine(error));
    // What could not be sent is not lost.
    if (!this.#parts.area.value) this.#parts.area.value = text;
    this.#photo.giveBack(photo);
  }

  /** Begin a new conversation; an answer under way is called off. */
  #forget() {
    if (this.#running) this.#running.forgotten = true;
    this.#running?.abort();
    this.#messages = [];
    this.#readings.forget();
    this.#log.clear();
    this.#parts.area.focus();
    this.#say(t("chat.forgotten"));
  }

  #busy(running) {
    const { send, stop, area } = this.#parts;
    const hadFocus = [send, stop].includes(document.activeElement);
    this.#running = running;
    send.hidden = running !== null;
    stop.hidden = running === null;
    if (hadFocus) area.focus();
  }

  #say(words) {
    this.#parts.message.textContent = words;
    if (words) announce(words);
  }
}

function modelKind({ remote, by_rule: byRule }) {
  if (byRule) return "model_rule";
  return remote ? "model_remote" : "model_here";
}

function chatParts() {
  const area = el("textarea", { id: "chat-text", rows: "2", "aria-describedby": "chat-keys" });
  const send = translated("button", "chat.send", { type: "submit", class: "chat-send" });
  const stop = translated("button", "chat.stop", { type: "button", class: "chat-stop", hidden: true });
  const forget = translated("button", "chat.forget", { type: "button", class: "chat-forget" });
  const row = el("div", { class: "chat-row" }, area, send, stop);
  const label = translated("label", "chat.your_message", { for: "chat-text" });
  const keys = translated("p", "chat.keys", { class: "chat-keys soft", id: "chat-keys" });
  return {
    area, send, stop, row, forget,
    title: translated("h2", "chat.title", { id: "chat-title" }),
    model: el("p", { class: "chat-model soft" }),
    note: translated("p", "chat.faces_not_told", { class: "chat-note", hidden: true }),
    message: el("p", { class: "chat-message" }),
    form: el("form", { class: "chat-form" }, label, row, keys, forget),
  };
}
