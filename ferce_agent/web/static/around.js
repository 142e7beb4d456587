/** What goes on around the faces of a photo: situation, causes, conflicts, relations, how one might answer. */

import { el } from "./dom.js";
import { folded, packageWords, reportPart } from "./parts.js";
import { codeText, confidenceWord, listed, numberOf, ownSentence, t } from "./texts.js";

/** So many relations between people are shown at once. */
const MOST_RELATIONS = 8;

/**
 * Return what is known of the situation, what may have led to it, what does not fit, how one might answer.
 * @param {object} report The report of a photo.
 * @returns {HTMLElement}
 */
export function aroundPart(report) {
  return reportPart("around", t("report.around"), sceneLine(report.scene), moodLine(report.group), causeLines(report),
    conflictLines(report.conflicts), relationLines(report.relationships), adviceLines(report.guidance));
}

function sceneLine(scene) {
  if (!scene.text) return null;
  const ground = scene.basis === "unknown" ? "" : ` (${codeText("ground", scene.basis)})`;
  return el("p", { "data-part": "scene" }, scene.text, ground);
}

function moodLine(group) {
  return group ? el("p", {}, t("report.mood", { mood: t(`mood.${group.mood}`) })) : null;
}

/** One line for each appraisal, with everyone whose expression goes with it and everyone whose does not. */
function causeLines(report) {
  const groups = new Map();
  for (const cause of report.causes) {
    const key = `${cause.appraisal} ${cause.basis} ${cause.span?.evidence ?? ""}`;
    groups.set(key, [...(groups.get(key) ?? []), cause]);
  }
  if (!groups.size) return null;
  const lines = [...groups.values()].map((causes) => causeLine(causes, report.evidence));
  return [el("h4", {}, t("report.causes")), el("ul", { "data-part": "causes" }, lines)];
}

function causeLine(causes, evidence) {
  const [first] = causes;
  const sure = confidenceWord(Math.max(...causes.map((one) => one.confidence)));
  const appraisal = codeText("appraisal", first.appraisal);
  const head = t("report.cause", { appraisal, basis: t(`ground.${first.basis}`), sure });
  const people = (agrees) => causes.filter((one) => one.agrees === agrees).map((one) => one.person);
  const line = (key, ids) => (ids.length ? el("div", {}, t(key, { person: peopleNames(ids) })) : null);
  return el("li", { "data-appraisal": first.appraisal }, head, quote(first.span, evidence),
    line("report.cause_fits", people(true)), line("report.cause_misfits", people(false)));
}

function quote(span, evidence) {
  const said = span && evidence.find((entry) => entry.id === span.evidence);
  if (!said) return null;
  // Positions count characters, not the units in which JavaScript holds them.
  const words = [...said.text].slice(span.start, span.end).join("");
  return el("div", { class: "soft" }, t("report.said", { words }));
}

function peopleNames(ids) {
  return listed(ids.map((id) => t("report.person", { number: numberOf(id) })));
}

function conflictLines(conflicts) {
  if (!conflicts.length) return null;
  const lines = conflicts.map((one) => el("li", {},
    `${t("report.person", { number: numberOf(one.person) })}: ${codeText("conflict", one.between)}. `,
    t("report.conflict_readings"), el("ul", {}, one.readings.map((text) => el("li", {}, packageWords(text))))));
  return [el("h4", {}, t("report.conflicts")), el("ul", { "data-part": "conflicts" }, lines)];
}

function relationLines(relationships) {
  if (!relationships.length) return null;
  const lines = relationships.map((one) => el("li", {}, t("relation.people", {
    first: numberOf(one.people[0]), second: numberOf(one.people[1]), what: codeText("relation", one.kind),
  })));
  const list = el("ul", {}, lines);
  if (lines.length > MOST_RELATIONS) return folded(t("report.relations"), list);
  return [el("h4", {}, t("report.relations")), list];
}

/** A tone in the language of the page; one that it has no words for stays English. */
function adviceTone(tone) {
  return ownSentence("chat.tone", tone) ?? packageWords(tone);
}

function adviceLines(guidance) {
  const avoid = guidance.avoid.map((text) => el("li", {}, packageWords(text)));
  return [
    el("h4", {}, t("report.advice")),
    guidance.distress ? el("p", { class: "doubt", "data-part": "distress" }, t("report.distress")) : null,
    el("p", { "data-part": "advice" }, packageWords(guidance.suggestion)),
    el("p", {}, t("report.tone"), " ", adviceTone(guidance.tone), ". ",
      t(guidance.acknowledge ? "report.mention" : "report.no_mention")),
    avoid.length ? [el("p", {}, t("report.avoid")), el("ul", {}, avoid)] : null,
  ];
}
