/** Turns of speech: bars over time, what each sounds like with its doubt, and what does not go together. */

import { fractionOf, spanRow, tickRow } from "./clip_timeline.js";
import { el, svg } from "./dom.js";
import { EXPRESSIONS, colourOf } from "./drawing.js";
import { packageWords, reportPart } from "./parts.js";
import { clock, codeText, confidenceWord, decimal, listed, numberOf, percent, t, tCount, termName } from "./texts.js";

/** Units of the drawing of arousal; the page stretches it. */
const WIDE = 1000;

/**
 * Return the turns of an answer in one form, whether they come from a report or from a brief.
 * @param {object[]} [turns] Turns of a report or of a brief.
 */
export function turnsOf(turns) {
  return (turns ?? []).map((one) => (one.prosody ? turnOfReport(one) : turnOfBrief(one)));
}

function turnOfReport(one) {
  const { voice, words, prosody } = one;
  return {
    id: one.id, from: one.start_s, to: one.end_s, speaker: one.speaker, sounds: voice?.expression ?? null,
    confidence: voice?.confidence ?? 0, doubts: voice?.doubt ?? [], arousal: one.arousal, flat: prosody.flat,
    pitch: prosody.pitch_hz, text: words?.text ?? null, count: words?.count ?? 0,
  };
}

function turnOfBrief(one) {
  return {
    id: one.id, from: one.start, to: one.end, speaker: one.speaker ?? null, sounds: one.sounds ?? null,
    confidence: one.confidence ?? 0, doubts: one.doubts ?? [], arousal: one.arousal ?? null, flat: one.flat ?? false,
    pitch: one.pitch ?? null, text: null, count: one.words ?? 0,
  };
}

/**
 * Return what a turn sounds like in a few words, or why no expression is named.
 * @param {object} turn One of `turnsOf`.
 */
export function soundsWords(turn) {
  if (turn.sounds) {
    const sure = t("report.sure", { word: confidenceWord(turn.confidence), percent: percent(turn.confidence) });
    return t("voice.sounds", { term: termName(turn.sounds), sure });
  }
  if (!turn.doubts.length) return t("voice.not_inferred");
  return t("voice.unnamed", { why: listed(turn.doubts.map((one) => codeText("doubt", one))) });
}

function turnLine(turn) {
  const speaker = turn.speaker === "off_camera" ? t("voice.off_camera")
    : turn.speaker && t("clip.face", { number: numberOf(turn.speaker) });
  const head = t("voice.turn", { number: numberOf(turn.id), from: clock(turn.from), to: clock(turn.to) });
  const facts = [
    turn.arousal === null ? "" : t("voice.arousal", { value: decimal(turn.arousal) }),
    turn.pitch ? t("voice.pitch", { value: decimal(turn.pitch, 0) }) : "", turn.flat ? t("voice.flat") : "",
    turn.count ? tCount("voice.words", turn.count) : "",
  ].filter(Boolean);
  return el("li", { "data-turn": turn.id, "data-expression": turn.sounds ?? "" },
    el("strong", {}, speaker ? `${head}, ${speaker}` : head), ": ",
    el("span", { class: turn.sounds ? "sure" : "doubt" }, soundsWords(turn)),
    facts.length ? el("div", { class: "soft" }, facts.join("; ")) : null,
    turn.text ? el("blockquote", {}, turn.text) : null);
}

/**
 * Draw turns over time: what each sounds like, and above or below the middle how activated the voice is.
 * @param {object[]} turns Of `turnsOf`.
 * @param {{first: number, last: number}} span Seconds at both ends.
 * @returns {HTMLElement} The drawing; the list beside it says the same.
 */
export function speechTimeline(turns, span) {
  const at = (seconds) => fractionOf(seconds, span.first, span.last);
  const levels = turns.filter((turn) => turn.arousal !== null).map((turn) => levelBar(turn, at));
  const zero = svg("path", { d: `M0 50H${WIDE}`, class: "look" });
  const drawing = svg("svg", { viewBox: `0 0 ${WIDE} 100`, preserveAspectRatio: "none", class: "curves levels" },
    zero, levels);
  return el("div", { class: "timeline", role: "img", "aria-label": t("voice.timeline") },
    levels.length ? drawing : null, speechRow(turns, at), tickRow(span, at));
}

/**
 * Return turns as a row of a timeline.
 * @param {object[]} turns Of `turnsOf`.
 * @param {(seconds: number) => number} at Where a time lies, 0 to 1.
 */
export function speechRow(turns, at) {
  return spanRow("named speech", turns.map((turn) => ({
    from: at(turn.from), to: at(turn.to), text: turn.sounds ? termName(turn.sounds) : "?",
    colour: colourOf(EXPRESSIONS.includes(turn.sounds) ? turn.sounds : null),
  })));
}

function levelBar(turn, at) {
  const [left, right] = [Math.round(at(turn.from) * WIDE), Math.round(at(turn.to) * WIDE)];
  const height = Math.sign(turn.arousal || 1) * Math.max(Math.abs(turn.arousal) * 50, 1);
  const colour = colourOf(EXPRESSIONS.includes(turn.sounds) ? turn.sounds : null);
  return svg("path", { d: `M${left} 50V${50 - height}H${Math.max(right, left + 3)}V50z`, fill: colour, class: "band" });
}

/**
 * Return the turns as a list.
 * @param {object[]} turns Of `turnsOf`.
 */
export function turnList(turns) {
  return el("ol", { class: "turns" }, turns.map(turnLine));
}

/**
 * Return what does not go together, each with what could explain it; null where there is nothing.
 * @param {object[]} [conflicts] Of a report, or of a brief, which has no readings.
 */
export function conflictsPart(conflicts) {
  if (!conflicts?.length) return null;
  return reportPart("modalities", t("voice.conflicts"), conflicts.map((one) =>
    el("div", { class: "conflict", "data-kind": one.kind }, el("p", {},
      el("strong", {}, codeText("conflict", one.kind)), ` (${t("voice.turn_short", { number: numberOf(one.turn) })})`,
      one.text ? [": ", packageWords(one.text)] : null),
    one.readings ? [t("report.conflict_readings"),
      el("ul", {}, one.readings.map((text) => el("li", {}, packageWords(text))))] : null)));
}
