/** What the reports of photos and clips share: what an assistant is told, what was withheld, tables, bars. */

import { copyText, el } from "./dom.js";
import { codeText, hasText, languageCode, numberOf, ownSentence, t, tCount } from "./texts.js";

/** Characters a token, at the least; see `roughTokens`. */
const CHARACTERS_PER_TOKEN = 3.5;

/**
 * Return what the package wrote in English in the language of the page: sentences of its own tables are translated,
 * one by one; what is not from a table stays as it is, marked as English.
 * @param {string} text One or more sentences.
 * @returns {Array<string|HTMLElement>} To be put side by side.
 */
export function packageWords(text) {
  if (languageCode() === "en") return [text];
  const sentences = text.split(/(?<=[.!?]) (?=[A-Z])/);
  const known = sentences.map((one) => ownSentence("said", one));
  if (known.every((one) => one === null)) return [el("span", { lang: "en" }, text)];
  return sentences.flatMap((one, place) => [place ? " " : "", known[place] ?? el("span", { lang: "en" }, one)]);
}

/**
 * Return something that is unfolded on demand.
 * @param {string|Node} title What it is.
 * @param {...(Node|string|Array|null)} children What it holds.
 */
export function folded(title, ...children) {
  return el("details", { class: "more" }, el("summary", {}, title), children);
}

/**
 * Return a part of a report under a heading.
 * @param {string} part Its stable name, for `data-part`.
 * @param {string} title Its heading.
 * @param {...(Node|string|Array|null)} children What it holds.
 */
export function reportPart(part, title, ...children) {
  return el("section", { class: "part", "data-part": part, "aria-label": title }, el("h3", {}, title), children);
}

/**
 * Return a table, in a box that scrolls where it is too wide.
 * @param {string} caption What it shows.
 * @param {string[]} heads Headings of the columns.
 * @param {Array<Array<Node|string>>} rows Cells; the first of each row is its heading.
 * @param {string} [look] Class of the table.
 */
export function dataTable(caption, heads, rows, look = "") {
  const lines = rows.map(([first, ...rest]) =>
    el("tr", {}, el("th", { scope: "row" }, first), rest.map((one) => el("td", {}, one))));
  const table = el("table", { class: look }, el("caption", {}, caption),
    el("thead", {}, el("tr", {}, heads.map((one) => el("th", { scope: "col" }, one)))), el("tbody", {}, lines));
  return el("div", { class: "scrolling", tabindex: "0", role: "group", "aria-label": caption }, table);
}

/**
 * Return a bar with what it says beside it.
 * @param {number} share 0 to 1.
 * @param {string} words What it says.
 * @param {string} [colour] Its colour.
 */
export function shareBar(share, words, colour = "") {
  const style = { "--share": `${share * 100}%`, "--hue": colour };
  return el("div", { class: "share" }, el("span", { class: "bar", "aria-hidden": "true", style }),
    el("span", { class: "number" }, words));
}

/**
 * Return what an assistant would be told, word for word, with a button to copy it.
 * @param {{brief: object, brief_text: string}} answer The answer.
 */
export function toldPart(answer) {
  const said = el("span", { class: "soft", role: "status" });
  const copy = el("button", { type: "button", class: "copy", onclick: () => copyTold(answer.brief_text, said) },
    t("report.copy"));
  const structured = folded(t("report.structured"), briefBox(pythonJson(answer.brief, 2), t("report.structured")));
  const count = roughTokens(answer.brief_text) + roughTokens(pythonJson(answer.brief));
  return reportPart("told", t("report.told"), el("p", { class: "soft" }, t("report.told_note")),
    briefBox(answer.brief_text, t("report.told")),
    el("div", { class: "buttons" }, copy, said),
    el("p", { class: "soft", "data-tokens": count }, t("report.tokens", { count })), structured);
}

function briefBox(text, label) {
  // It can scroll, so it must be reachable with the keyboard.
  return el("pre", { class: "brief", lang: "en", tabindex: "0", role: "group", "aria-label": label }, text);
}

async function copyTold(text, said) {
  const words = t((await copyText(text)) ? "report.copied" : "report.not_copied");
  said.textContent = words;
}

/**
 * Return how many tokens a text has, by the cautious estimate that the package uses for its briefs.
 * @param {string} text The text.
 */
export function roughTokens(text) {
  const found = (pattern) => text.match(pattern) ?? [];
  const lengths = (pieces, share) => pieces.reduce((sum, one) => sum + Math.ceil([...one].length / share), 0);
  const words = lengths(found(/[\p{L}\p{Nl}\p{No}]+/gu), 6);
  const marks = lengths(found(/[^\p{L}\p{N}_\s]+|_/gu), 2);
  const digits = found(/\p{Nd}/gu).length + found(/ \p{Nd}/gu).length;
  return Math.max(words + marks + digits, Math.ceil([...text].length / CHARACTERS_PER_TOKEN));
}

/** JSON with a space after commas and colons, as an assistant gets it; with `indent` on several lines. */
function pythonJson(value, indent = 0) {
  const lines = JSON.stringify(value, null, indent || 1) ?? "";
  return indent ? lines : lines.replace(/,\n\s*/g, ", ").replace(/\n\s*/g, "");
}

/**
 * Return what was held back or could not be done, each with its reason, and the rules applied.
 * @param {Array<Node|string>} unnamed A line for each face without a named expression.
 * @param {object[]} degraded Entries of the report's `degraded`.
 * @param {{decision: string, rules: string[]}} policy The rules applied.
 */
export function withheldPart(unnamed, degraded, policy) {
  const lines = [...unnamed, ...degraded.map(degradedLine)].map((one) => el("li", {}, one));
  const list = lines.length ? el("ul", {}, lines) : el("p", {}, t("report.nothing_withheld"));
  return reportPart("withheld", t("report.withheld"), list, policyLines(policy));
}

function degradedLine(entry) {
  if (typeof entry === "string") return el("strong", { "data-code": entry }, codeText("degraded", entry));
  const whose = entry.person ? ` (${t("report.person", { number: numberOf(entry.person) })})` : "";
  const turn = entry.turn ? ` (${t("voice.turn_short", { number: numberOf(entry.turn) })})` : "";
  const face = entry.track ? ` (${t("clip.face", { number: numberOf(entry.track) })})` : "";
  const head = el("strong", { "data-code": entry.code }, codeText("degraded", entry.code), whose, face, turn);
  return [head, ". ", packageWords(entry.message)];
}

function policyLines(policy) {
  if (!policy) return null;
  const items = (policy.rules ?? []).map((id) =>
    el("li", {}, t("policy.rule", { words: codeText("rule", id), id })));
  const decision = t("report.policy", { decision: codeText("decision", policy.decision) });
  return [
    el("p", { "data-decision": policy.decision }, decision),
    items.length ? folded(t("report.policy_rules"), el("ul", {}, items)) : null,
  ];
}

/**
 * Return who read it with what, how long it took, and whether anything left the computer.
 * @param {object|undefined} provenance The report's account of itself.
 */
export function originPart(provenance) {
  if (!provenance) return null;
  const named = (engine) => `${engine.name} ${engine.version}`;
  const [reads, finds] = provenance.activity ? [provenance.voice, provenance.activity]
    : [provenance.specialist, provenance.detector];
  const engines = { specialist: reads ? named(reads) : "–", detector: named(finds) };
  const sent = provenance.left_machine.length ? t("report.left", { what: provenance.left_machine.join(", ") })
    : t("report.stayed");
  const read = t(provenance.activity ? "voice.read_with" : "report.read_with", engines);
  return folded(t("report.origin"), el("p", {}, read), el("p", {}, sent));
}

/**
 * Return how many faces there are in words.
 * @param {number} count How many.
 */
export function facesWords(count) {
  return count ? tCount("report.faces", count) : t("report.no_face");
}

/**
 * Return why a face is hard to read, or what could not be done for it, in words: a brief has both in one list.
 * @param {string} code The reason code.
 */
export function reasonWords(code) {
  return hasText(`quality.${code}`) ? t(`quality.${code}`) : codeText("degraded", code);
}
