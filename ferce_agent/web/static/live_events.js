import { el } from "./dom.js";
import { labelled, onLanguage, translated } from "./translated.js";
import { eventWords } from "./work.js";

/** Most events that are kept. */
const MOST_EVENTS = 60;

/** What happened during a live reading, the latest first. */
export class EventList {
  /** The list with its heading, to be put on the page. */
  element;
  #events = [];
  #list = labelled("ol", "live.events", { class: "live-events", tabindex: "0" });

  constructor() {
    this.element = el("div", { class: "live-happened" }, translated("h3", "live.events"), this.#list);
    this.clear();
    onLanguage(() => this.#inLanguage());
  }

  /**
   * Take in an event.
   * @param {object} event A ClipEvent.
   */
  push(event) {
    if (eventWords(event) === null) return;
    this.#events = [event, ...this.#events].slice(0, MOST_EVENTS);
    if (this.#list.querySelector(".live-nothing")) this.#list.replaceChildren();
    this.#list.prepend(eventItem(event));
    while (this.#list.children.length > MOST_EVENTS) this.#list.lastChild.remove();
  }

  /** Forget everything. */
  clear() {
    this.#events = [];
    this.#list.replaceChildren(translated("li", "live.no_events", { class: "live-nothing" }));
  }

  #inLanguage() {
    if (this.#events.length) this.#list.replaceChildren(...this.#events.map(eventItem));
  }
}

function eventItem(event) {
  const item = el("li", {}, eventWords(event));
  if (event.event === "degraded") item.title = event.degraded.message;
  item.dataset.event = event.event;
  item.classList.toggle("live-main", Boolean(event.episode?.expression));
  return item;
}
