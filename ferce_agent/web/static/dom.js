/** Elements made in code, and what they need of the browser: announcements, copying, saving. */

const SVG_SPACE = "http://www.w3.org/2000/svg";

/**
 * Make an element. Text is always text: nothing in it is read as markup.
 * @param {string} tag Name of the element.
 * @param {object} [attributes] Attributes by name. Functions become listeners (`onclick`), an object under `style`
 *   becomes CSS properties, `true` an empty attribute; null, undefined and false are left out.
 * @param {...(Node|string|null|undefined|Array)} children Nodes or texts; arrays are flattened, null is left out.
 * @returns {HTMLElement} The element.
 */
export function el(tag, attributes, ...children) {
  return filledElement(document.createElement(tag), attributes, children);
}

/**
 * Make an SVG element; arguments as in `el`.
 * @param {string} tag Name of the element.
 * @param {object} [attributes] Attributes by name.
 * @param {...(Node|string|null|undefined|Array)} children Nodes or texts.
 * @returns {SVGElement} The element.
 */
export function svg(tag, attributes, ...children) {
  return filledElement(document.createElementNS(SVG_SPACE, tag), attributes, children);
}

function filledElement(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) setAttributeOf(node, name, value);
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function setAttributeOf(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === "function") node.addEventListener(name.replace(/^on/, ""), value);
  // Properties set one by one are allowed by the page's security policy, a style attribute is not.
  else if (name === "style") for (const [key, one] of Object.entries(value)) node.style.setProperty(key, one);
  else node.setAttribute(name, value === true ? "" : String(value));
}

/**
 * Replace what an element holds.
 * @param {Element} node The element.
 * @param {...(Node|string|null|undefined|Array)} children As in `el`.
 * @returns {Element} The element.
 */
export function fill(node, ...children) {
  node.replaceChildren();
  return filledElement(node, {}, children);
}

/**
 * Have a screen reader say a sentence, politely: when it has finished what it is saying.
 * @param {string} text The sentence.
 */
export function announce(text) {
  let region = document.getElementById("announcer");
  if (!region) {
    region = el("div", { id: "announcer", class: "unseen", role: "status", "aria-live": "polite" });
    document.body.append(region);
  }
  // The same sentence twice is two announcements only if the node changes.
  region.replaceChildren(el("p", {}, text));
}

/**
 * Copy a text.
 * @param {string} text The text.
 * @returns {Promise<boolean>} Whether it was copied.
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedBySelection(text);
  }
}

/** Copy without the clipboard's own interface, which a host may refuse to a page in a frame. */
function copiedBySelection(text) {
  const area = el("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

/**
 * Let the browser save a file.
 * @param {Blob} blob What to save.
 * @param {string} name Name that the browser proposes.
 */
export function saveBlob(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = el("a", { href: address, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
