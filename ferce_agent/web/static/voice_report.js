/** The answer for a voice message as something to look at: turns over time, doubts in words, conflicts. */

import { el } from "./dom.js";
import { originPart, packageWords, reportPart, toldPart, withheldPart } from "./parts.js";
import { conflictsPart, soundsWords, speechTimeline, turnList, turnsOf } from "./speech.js";
import { clock, lasting, numberOf, t, tCount } from "./texts.js";

/**
 * Show the answer for a voice message; nothing is fetched.
 * @param {{report?: object, brief: object, brief_text: string}} answer The answer.
 * @returns {HTMLElement} The view.
 */
export function showVoice(answer) {
  const { report, brief } = answer;
  const turns = turnsOf(report ? report.speech : brief.turns);
  const span = report ? { first: report.source.first_s, last: report.source.last_s } : brief;
  const view = el("article", { class: "answer", "data-kind": "voice" },
    el("p", { class: "first-line" }, voiceLine(answer)),
    el("p", { class: "soft" }, t("voice.lead", {
      from: clock(span.first ?? 0), to: clock(span.last ?? 0),
      speech: lasting(report ? report.source.speech_s : (brief.speech ?? 0)),
    })));
  if (!report) view.append(el("p", { class: "soft" }, t("report.brief_only")));
  const more = !report && brief.more_turns ? el("p", {}, tCount("voice.more", brief.more_turns)) : null;
  if (turns.length) {
    view.append(reportPart("speech", t("voice.title"), speechTimeline(turns, span), turnList(turns), more));
  }
  const guidance = (report ?? brief).guidance;
  view.append(...[conflictsPart((report ?? brief).conflicts), adviceOf(guidance), toldPart(answer)].filter(Boolean));
  view.append(withheldPart([], report?.degraded ?? brief.not_done ?? [], (report ?? brief).policy));
  if (report) view.append(originPart(report.provenance));
  return view;
}

function adviceOf(guidance) {
  return guidance ? reportPart("advice", t("report.advice"), el("p", {}, packageWords(guidance.suggestion))) : null;
}

/**
 * Return the answer for a voice message in a few words, for a list.
 * @param {object} answer The answer.
 */
export function voiceLine({ report, brief }) {
  const turns = turnsOf(report ? report.speech : brief.turns);
  if (!turns.length) return t("voice.nobody");
  const clear = turns.find((turn) => turn.sounds && turn.sounds !== "neutral") ?? turns[0];
  const count = tCount("voice.turns", turns.length + (report ? 0 : (brief.more_turns ?? 0)));
  return t("voice.line", { count, number: numberOf(clear.id), what: soundsWords(clear) });
}
