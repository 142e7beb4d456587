/** The words of the page: looked up by key, with numbers, names and times written as the language does. */

let textTable = {};

/** Lower bounds of the words for doubt, as in the package's own wording. */
const CONFIDENCE_STEPS = [
  [0.9, "very_likely"],
  [0.66, "likely"],
  [0.5, "more_likely"],
  [0.33, "possible"],
  [0, "barely"],
];
/** Lower bounds of the words for strength. */
const INTENSITY_STEPS = [
  [0.85, "very_strong"],
  [0.6, "strong"],
  [0.35, "moderate"],
  [0.15, "slight"],
  [0.05, "barely_visible"],
  [0, "not_visible"],
];

/**
 * Load the words of a language from the server, and use them from now on.
 * @param {string} wanted Code of the language, such as `de` or `de-AT`; the server answers with the nearest it has.
 * @returns {Promise<object>} The table.
 */
export async function loadTexts(wanted) {
  const response = await fetch(`/texts/${encodeURIComponent(wanted)}.json`);
  if (!response.ok) throw new Error(`The words of the page could not be loaded (${response.status}).`);
  setTexts(await response.json());
  return textTable;
}

/**
 * Use these words from now on.
 * @param {object} table Texts by key.
 */
export function setTexts(table) {
  textTable = table;
}

/**
 * Return whether there is a text.
 * @param {string} key Its key.
 */
export function hasText(key) {
  return Object.hasOwn(textTable, key);
}

/**
 * Return a text, its `{names}` replaced by values.
 * @param {string} key Its key; a key without a text is returned as it is, so that nothing is blank.
 * @param {object} [values] Values by name.
 * @returns {string} The text.
 */
export function t(key, values = {}) {
  const text = hasText(key) ? textTable[key] : key;
  return text.replace(/\{(\w+)\}/g, (all, name) => (Object.hasOwn(values, name) ? String(values[name]) : all));
}

/**
 * Return the text for a number of things: `KEY.one` for one, `KEY.other` for any other number.
 * @param {string} key Its key without the ending.
 * @param {number} count How many; also the value of `{count}`.
 * @param {object} [values] Further values by name.
 */
export function tCount(key, count, values = {}) {
  return t(`${key}.${count === 1 ? "one" : "other"}`, { count: count.toLocaleString(languageCode()), ...values });
}

/** Return the code of the language in use, such as `en`. */
export function languageCode() {
  return textTable["language.code"] ?? "en";
}

/**
 * Return the languages there are, as [code, own name].
 * @returns {Array<[string, string]>} Sorted by code.
 */
export function languagesThere() {
  const found = Object.entries(textTable).filter(([key]) => key.startsWith("languages."));
  return found.map(([key, name]) => [key.slice("languages.".length), name]).sort();
}

/**
 * Return a share, 0 to 1, as a percentage that never rounds to certainty or to impossibility.
 * @param {number} share The share.
 */
export function percent(share) {
  const whole = (value) => new Intl.NumberFormat(languageCode(), { style: "percent" }).format(value);
  if (share > 0 && share < 0.005) return `<${whole(0.01)}`;
  if (share < 1 && share >= 0.995) return `>${whole(0.99)}`;
  return whole(share);
}

/**
 * Return a number with decimals as the language writes it.
 * @param {number} value The number.
 * @param {number} [decimals] How many decimals.
 */
export function decimal(value, decimals = 2) {
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return new Intl.NumberFormat(languageCode(), options).format(value);
}

/**
 * Return a time of a film as `0:03.2`, with the decimal sign of the language.
 * @param {number} seconds The time.
 * @param {number} [decimals] Decimals of the seconds.
 */
export function clock(seconds, decimals = 1) {
  const units = Math.round(seconds * 10 ** decimals);
  const whole = Math.floor(units / 10 ** decimals);
  const fraction = decimals ? `${decimalSign()}${String(units % 10 ** decimals).padStart(decimals, "0")}` : "";
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(rest)}${fraction}`;
}

function decimalSign() {
  const parts = new Intl.NumberFormat(languageCode()).formatToParts(0.5);
  return parts.find((part) => part.type === "decimal").value;
}

/**
 * Return a duration in words: `0.35 s`, `12.4 s`, `3 min 20 s`.
 * @param {number} seconds The duration.
 */
export function lasting(seconds) {
  if (seconds < 59.95) return t("unit.seconds", { number: decimal(seconds, seconds < 1 ? 2 : 1) });
  const whole = Math.round(seconds);
  return t("unit.minutes", { minutes: Math.floor(whole / 60), seconds: whole % 60 });
}

/**
 * Return a plain word for a probability, such as "very likely".
 * @param {number} value 0 to 1.
 */
export function confidenceWord(value) {
  return t(`confidence.${stepOf(CONFIDENCE_STEPS, value)}`);
}

/**
 * Return a plain word for a strength, such as "slight".
 * @param {number} value 0 to 1.
 */
export function intensityWord(value) {
  return t(`intensity.${stepOf(INTENSITY_STEPS, value)}`);
}

function stepOf(steps, value) {
  return (steps.find(([bound]) => value >= bound) ?? steps.at(-1))[1];
}

/**
 * Return the name of an expression.
 * @param {string} term Its id in the ontology.
 */
export function termName(term) {
  return hasText(`term.${term}`) ? t(`term.${term}`) : String(term).replaceAll("_", " ");
}

/**
 * Return what a face with this expression does: "shows happiness", "appears happily surprised".
 * @param {string} term The expression's id.
 */
export function showsWords(term) {
  return hasText(`shows.${term}`) ? t(`shows.${term}`) : t("shows.any", { term: termName(term) });
}

/**
 * Return a movement in plain words.
 * @param {string} movement An action unit's id, or an event such as `blink`.
 */
export function movementName(movement) {
  return hasText(`movement.${movement}`) ? t(`movement.${movement}`) : String(movement).replaceAll("_", " ");
}

/**
 * Return the text for a code of a table such as `quality` or `degraded`, or the code in words where there is none.
 * @param {string} table First part of the key.
 * @param {string} code The code.
 */
export function codeText(table, code) {
  return hasText(`${table}.${code}`) ? t(`${table}.${code}`) : String(code).replaceAll("_", " ");
}

/**
 * Return a sentence of one of the package's tables in the language of the page, with its numbers as that writes them.
 * @param {string} table First part of the key; the letters of the sentence are the rest.
 * @param {string} sentence The sentence in English.
 * @returns {string|null} The sentence; null where there is no text for it.
 */
export function ownSentence(table, sentence) {
  const letters = sentence.toLowerCase().replace(/[^a-z]+/g, "_").replace(/^_|_$/g, "");
  const key = [letters, shortKey(letters)].map((one) => `${table}.${one}`).find(hasText);
  if (!key) return null;
  const written = (one) => decimal(Number(one), one.split(".")[1]?.length ?? 0);
  const numbers = (sentence.match(/\d+(?:\.\d+)?/g) ?? []).map(written);
  return t(key, { ...[null, ...numbers] });
}

/** The key of a sentence where room is short: FNV-1a of its letters, 32 bits, as `short_key` in app_page.py. */
function shortKey(letters) {
  const hashed = (sum, letter) => Math.imul(sum ^ letter.charCodeAt(0), 16777619) >>> 0;
  return [...letters].reduce(hashed, 2166136261).toString(16);
}

/**
 * Return names as a list in words: "a, b and c".
 * @param {string[]} names The names.
 */
export function listed(names) {
  return new Intl.ListFormat(languageCode(), { type: "conjunction" }).format(names);
}

/**
 * Return names as alternatives: "a or b".
 * @param {string[]} names The names.
 */
export function alternatives(names) {
  return new Intl.ListFormat(languageCode(), { type: "disjunction" }).format(names);
}

/**
 * Return the number in an id: 1 for `person-1` and `track-1`.
 * @param {string} id The id.
 */
export function numberOf(id) {
  return String(id).replace(/^\D+/, "");
}
