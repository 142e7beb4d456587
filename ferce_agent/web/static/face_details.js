/** What was read in one face of a photo, in detail. */

import { el } from "./dom.js";
import { EXPRESSIONS, colourOf } from "./drawing.js";
import { dataTable, packageWords, folded, shareBar } from "./parts.js";
import { alternatives, codeText, decimal, intensityWord, listed, movementName, percent, t, termName } from "./texts.js";

/** A movement of at least this intensity is told as seen, as in a brief. */
const SEEN = 0.4;
/** A turn of the head by less degrees is not told. */
const LEAST_TURN = 5;

/**
 * Return what was read in one face: expression, movements, quality, the caller's words, what a model says, why.
 * @param {object} person One of the report's people.
 * @returns {Array} What to put on the page.
 */
export function personDetails(person) {
  const shown = person.expression;
  return [
    shown ? expressionDetails(shown) : null,
    movementDetails(person.action_units),
    qualityDetails(person.face, shown),
    labelDetails(person.labels),
    vlmDetails(person.vlm),
    claimDetails(person.rationale),
  ];
}

function expressionDetails(shown) {
  return [
    el("p", { "data-part": "alternatives" }, alternativesWords(shown)),
    shown.components.length ? el("p", {}, t("report.components", { names: componentNames(shown) })) : null,
    bars(shown),
    el("p", { class: "soft" }, [
      shown.primary && shown.primary !== "neutral"
        ? `${t("report.strength_words", { word: intensityWord(shown.intensity.value) })} ` : "",
      t("report.valence", { valence: decimal(shown.valence.value), arousal: decimal(shown.arousal.value) }),
    ]),
  ];
}

function alternativesWords(shown) {
  const parts = shown.components.length ? shown.components.map((part) => part.term) : [shown.primary];
  const others = shown.prediction_set.filter((term) => !parts.includes(term));
  const coverage = ` ${t("report.coverage", { percent: percent(shown.coverage) })}`;
  if (!shown.primary) return t("report.set", { names: alternatives(others.map(termName)) }) + coverage;
  if (!others.length) return t("report.only");
  return t("report.alternatives", { names: alternatives(others.map(termName)) }) + coverage;
}

function componentNames(shown) {
  return listed(shown.components.map((part) => `${termName(part.term)} ${percent(part.weight)}`));
}

function bars(shown) {
  const rows = rankedOf(shown.distribution).map(([term, share]) =>
    [termName(term), shareBar(share, percent(share), colourOf(term))]);
  return dataTable(t("report.probabilities"), [t("report.expression"), t("report.probability")], rows, "bars");
}

function movementDetails(units) {
  if (!units.length) return el("p", {}, t("report.unmeasured"));
  const ranked = [...units].sort((one, other) => other.intensity - one.intensity);
  const seen = ranked.filter((unit) => unit.intensity >= SEEN);
  const line = (unit) =>
    el("li", { "data-movement": unit.id }, `${movementName(unit.id)}: ${intensityWord(unit.intensity)}`);
  const rows = ranked.map((unit) => [`${movementName(unit.id)} (${unit.id})`,
    shareBar(unit.intensity, decimal(unit.intensity))]);
  return [
    el("h4", {}, t("report.movements")),
    seen.length ? el("ul", {}, seen.map(line)) : el("p", {}, t("report.no_movements")),
    folded(t("report.strength"),
      dataTable(t("report.strength"), [t("report.movement"), t("report.strength")], rows, "bars quiet")),
  ];
}

function qualityDetails(face, shown) {
  const { reasons, score } = face.quality;
  const lines = reasons.map((code) => el("li", { "data-quality": code }, codeText("quality", code)));
  const parts = shown && shown.rests_on.length < 3 ? listed(shown.rests_on.map((one) => t(`part.${one}`))) : "";
  return [
    el("h4", {}, t("report.quality")),
    lines.length ? el("ul", {}, lines) : el("p", {}, t("report.quality_good")),
    parts ? el("p", {}, t("report.rests_on", { parts })) : null,
    el("p", { class: "soft" }, `${t("report.quality_score", { number: decimal(score) })}. `, poseWords(face.pose)),
  ];
}

/** How the head is turned, without what is too little to be seen. */
function poseWords(pose) {
  const part = (value, more, less) => {
    const degrees = Math.round(Math.abs(value));
    return degrees < LEAST_TURN ? null : t(`report.${value > 0 ? more : less}`, { degrees });
  };
  const parts = [part(pose.yaw, "yaw_right", "yaw_left"), part(pose.pitch, "pitch_up", "pitch_down"),
    part(pose.roll, "roll_clockwise", "roll_anticlockwise")].filter(Boolean);
  return parts.length ? t("report.pose", { parts: parts.join(", ") }) : t("report.facing");
}

function labelDetails(labels) {
  if (!labels.length) return null;
  const rows = labels.map((one) => [one.label, shareBar(one.score, percent(one.score))]);
  return [el("h4", {}, t("report.labels")), el("p", { class: "soft" }, t("report.labels_note")),
    dataTable(t("report.labels"), [t("report.word"), t("report.share")], rows, "bars quiet")];
}

function vlmDetails(seen) {
  if (!seen) return null;
  const cues = seen.cues.map((cue) => el("li", {}, packageWords(cue.text), ` (${codeText("support", cue.status)})`));
  return folded(t("report.vlm"), seen.primary ? el("p", {}, termName(seen.primary)) : null,
    seen.words ? el("blockquote", {}, packageWords(seen.words)) : null, cues.length ? el("ul", {}, cues) : null);
}

function claimDetails(claims) {
  if (!claims.length) return null;
  const lines = claims.map((claim) =>
    el("li", { class: claim.status }, packageWords(claim.text), ` (${codeText("support", claim.status)})`));
  return folded(t("report.claims"), el("ul", {}, lines));
}

/**
 * Return the eight expressions with their probabilities, the most probable first.
 * @param {object} distribution Probabilities by expression.
 * @returns {Array<[string, number]>}
 */
export function rankedOf(distribution) {
  return EXPRESSIONS.map((term) => [term, distribution[term]]).sort((one, other) => other[1] - one[1]);
}
