import { el } from "./dom.js";
import { t } from "./texts.js";

/**
 * Make an element whose words follow the language of the page.
 * @param {string} tag Name of the element.
 * @param {string} key Key of its words.
 * @param {object} [attributes] As in `el`.
 * @returns {HTMLElement}
 */
export function translated(tag, key, attributes) {
  return el(tag, { ...attributes, "data-t": key }, t(key));
}

/**
 * Make an element whose label, read out but not shown, follows the language of the page.
 * @param {string} tag Name of the element.
 * @param {string} key Key of the label.
 * @param {object} [attributes] As in `el`.
 * @returns {HTMLElement}
 */
export function labelled(tag, key, attributes) {
  const node = el(tag, { ...attributes, "aria-label": t(key) });
  onLanguage(() => node.setAttribute("aria-label", t(key)));
  return node;
}

/**
 * Call a function whenever the page has changed its language.
 * @param {() => void} act
 */
export function onLanguage(act) {
  const watcher = new MutationObserver(act);
  watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
}
