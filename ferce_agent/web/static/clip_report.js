/** A clip's answer as something to look at: a timeline and tables for each face, moments as pictures. */

import { clipTimeline } from "./clip_timeline.js";
import { el } from "./dom.js";
import { colourOf } from "./drawing.js";
import { dataTable, facesWords, folded, originPart, reportPart, toldPart, withheldPart } from "./parts.js";
import { conflictsPart, speechRow, speechTimeline, turnList, turnsOf } from "./speech.js";
import { clock, codeText, confidenceWord, decimal, lasting, listed, movementName } from "./texts.js";
import { numberOf, percent, t, tCount, termName } from "./texts.js";

/** So many faces are told in the first line, and unfolded. */
const FIRST_TRACKS = 3;
/** An expression shown for less of the readable time is not named in a line, unless it is the only one. */
const LEAST_NAMED = 0.05;
/** So many expressions of a face are named in a line. */
const MOST_NAMES = 3;

/**
 * Show the answer for a clip; nothing is fetched.
 * @param {{report?: object, brief: object, brief_text: string, pictures?: object}} answer The answer; pictures are data
 *   URLs by the ids of the moments.
 * @returns {HTMLElement} The view.
 */
export function showClip(answer) {
  const { report, brief } = answer;
  const byRule = isRestricted(answer);
  const view = el("article", { class: "answer", "data-kind": "clip" },
    el("p", { class: "first-line" }, clipLine(answer)), el("p", { class: "soft" }, clipLead(answer)));
  if (!report) view.append(el("p", { class: "soft" }, t("report.brief_only")));
  view.append(report ? tracksPart(report, byRule) : briefTracksPart(brief, byRule));
  view.append(...[...heardParts(answer), momentsPart(answer), toldPart(answer)].filter(Boolean));
  const degraded = report?.degraded ?? brief.not_done ?? [];
  view.append(withheldPart(unreadLines(report, byRule), degraded, report?.policy ?? brief.policy));
  view.append(...[betweenPart(report ?? brief), originPart(report?.provenance)].filter(Boolean));
  return view;
}

/**
 * Return a clip's answer in a few words, for a list.
 * @param {object} answer The answer.
 */
export function clipLine(answer) {
  const tracks = answer.report?.tracks ?? answer.brief.tracks ?? [];
  const count = answer.report ? tracks.length : (answer.brief.faces ?? tracks.length);
  if (!count) return facesWords(0);
  const told = tracks.slice(0, FIRST_TRACKS).map((track) => trackShort(track, isRestricted(answer)));
  const more = count > FIRST_TRACKS ? " …" : "";
  return t("report.announce", { faces: facesWords(count), first: told.join("; ") + more });
}

/** Whether a rule forbids to infer expressions, so that there are movements only. */
function isRestricted({ report, brief }) {
  const codes = report ? report.degraded.map((entry) => entry.code) : (brief.not_done ?? []);
  return codes.includes("policy_restricted");
}

function trackShort(track, byRule) {
  const names = expressionNames(track).slice(0, MOST_NAMES);
  const number = numberOf(track.id);
  if (names.length) return t("clip.announce_track", { number, names: listed(names) });
  return t(byRule ? "clip.announce_by_rule" : "clip.announce_none", { number });
}

/** The expressions a face shows, longest first; what was shown all the time without an episode counts, too. */
function expressionNames(track) {
  const ranked = Object.entries(track.summary?.shares ?? track.shares ?? {}).sort((one, other) => other[1] - one[1]);
  const shares = ranked.filter(([, share], index) => !index || share >= LEAST_NAMED);
  const shown = (track.episodes ?? []).map((one) => one.expression ?? one.shows).filter(Boolean);
  return [...new Set([...shares.map(([term]) => term), ...shown])].map(termName);
}

function clipLead({ report, brief }) {
  const [first, last] = report ? [report.source.first_s, report.source.last_s] : [brief.first ?? 0, brief.last ?? 0];
  const frames = report ? report.source.frames : (brief.frames ?? 0);
  return t("clip.lead", { from: clock(first), to: clock(last), frames });
}

function tracksPart(report, byRule) {
  const times = report.cuts_s.map((one) => clock(one));
  const cuts = times.length ? el("p", {}, t("clip.cuts", { times: listed(times) })) : null;
  const list = report.tracks.map((track, index) => trackBox(track, report, { byRule, open: index < FIRST_TRACKS }));
  const inside = list.length ? list : el("p", {}, t("clip.no_tracks"));
  return reportPart("tracks", t("report.faces_title"), inside, cuts);
}

function trackBox(track, report, { byRule, open }) {
  const film = {
    first: report.source.first_s, last: report.source.last_s, cuts: report.cuts_s,
    moments: report.moments.filter((moment) => moment.track === track.id),
    speech: (at) => speechRow(turnsOf(report.speech).filter((turn) => turn.speaker === track.id), at),
  };
  const title = t(byRule ? "clip.movement_timeline" : "clip.timeline");
  return el("details", { class: "face track", "data-track": track.id, open }, trackHead(track, byRule),
    el("div", { class: "inside" }, el("h4", {}, title), clipTimeline(track, film), summaryLines(track.summary),
      bodyLines(track.body), expressionTable(track, byRule), microLines(track.micro), gapTable(track.gaps),
      eyesLine(track.eyes), movementTable(track)));
}

function trackHead(track, byRule) {
  const line = t("clip.track_line", {
    number: numberOf(track.id), from: clock(track.first_s), to: clock(track.last_s),
    readable: lasting(track.summary.readable_s),
  });
  const names = expressionNames(track).slice(0, MOST_NAMES);
  const shown = names.length ? el("span", { class: "sure" }, listed(names))
    : el("span", { class: "doubt" }, noneWords(byRule));
  return el("summary", {}, el("span", { class: "head" }, el("strong", {}, line), " ", shown));
}

function noneWords(byRule) {
  return t(byRule ? "clip.by_rule" : "clip.no_episodes");
}

function summaryLines(summary) {
  const shares = Object.entries(summary.shares).sort((one, other) => other[1] - one[1]);
  const names = shares.map(([term, share]) => t("clip.share", { term: termName(term), percent: percent(share) }));
  return el("p", {}, names.length ? `${t("clip.shares", { names: listed(names) })} ` : "",
    summary.liveliness ? t("clip.liveliness", { word: t(`clip.${summary.liveliness}`) }) : "");
}

/** What is heard: turns over time, what face, voice and words say together, what does not go together. */
function heardParts({ report, brief }) {
  const turns = turnsOf((report ?? brief).speech);
  if (!turns.length) return [];
  const [first, last] = report ? [report.source.first_s, report.source.last_s] : [brief.first ?? 0, brief.last ?? 0];
  const fused = (report?.fused ?? []).map(fusedLine);
  const more = !report && brief.more_speech ? el("p", {}, tCount("voice.more", brief.more_speech)) : null;
  return [
    reportPart("speech", t("voice.heard"), speechTimeline(turns, { first, last }), turnList(turns), more,
      fused.length ? [el("h4", {}, t("voice.together")), el("ul", {}, fused)] : null),
    conflictsPart((report ?? brief).conflicts),
  ];
}

function fusedLine(one) {
  const sure = t("report.sure", { word: confidenceWord(one.confidence), percent: percent(one.confidence) });
  const what = one.expression ? `${termName(one.expression)} (${sure})` : t("voice.no_single");
  const counting = one.shares.filter((share) => share.reliability > 0);
  const from = listed(counting.map((share) => t(`voice.from.${share.modality}`)));
  return el("li", {}, t("voice.fused", { time: clock(one.span.from_s), what, from }));
}

function bodyLines(body) {
  if (!body?.length) return null;
  const line = (fact) => t("clip.body_fact", {
    what: t(`body.${fact.kind}`), from: clock(fact.span.from_s), to: clock(fact.span.to_s),
  });
  return folded(`${t("clip.body")} (${body.length})`, el("ul", {}, body.map((fact) => el("li", {}, line(fact)))));
}

/** Cells of an episode: what, from, strongest, to, how sure. */
function episodeCells(episode, name) {
  const sided = episode.side ? t(`clip.side_${episode.side}`, { what: name }) : name;
  const from = clock(episode.onset_s);
  const to = clock(episode.offset_s);
  return [
    sided, episode.onset_seen ? from : t("clip.under_way", { time: from }), clock(episode.apex_s),
    episode.offset_seen ? to : t("clip.or_later", { time: to }),
    t("report.sure", { word: confidenceWord(episode.confidence), percent: percent(episode.confidence) }),
  ];
}

function episodeHeads() {
  return ["what", "from", "apex", "to", "sure"].map((one) => t(`clip.${one}`));
}

function expressionTable(track, byRule) {
  const rows = track.episodes.filter((one) => one.expression).map((one) => episodeCells(one, termName(one.expression)));
  if (!rows.length) return el("p", { class: "doubt", "data-part": "episodes" }, noneWords(byRule));
  return el("div", { "data-part": "episodes" }, dataTable(t("clip.episodes"), episodeHeads(), rows));
}

function movementTable(track) {
  const rows = track.episodes.filter((one) => one.movement).map((one) => episodeCells(one, movementName(one.movement)));
  if (!rows.length) return el("p", {}, t("clip.no_movements"));
  return folded(`${t("clip.movements")} (${rows.length})`, dataTable(t("clip.movements"), episodeHeads(), rows));
}

function microLines(micro) {
  if (!micro.length) return null;
  const rows = micro.map((one) => [listed(one.regions.map((part) => t(`part.${part}`))), clock(one.onset_s, 2),
    clock(one.apex_s, 2), clock(one.offset_s, 2), confidenceWord(one.confidence)]);
  return el("div", { "data-part": "micro" }, el("p", { class: "soft" }, t("clip.micro_note")),
    dataTable(t("clip.micro"), episodeHeads(), rows));
}

function gapTable(gaps) {
  if (!gaps.length) return el("p", {}, t("clip.no_gaps"));
  const rows = gaps.map((gap) => [codeText("gap", gap.reason), clock(gap.from_s), clock(gap.to_s)]);
  return el("div", { "data-part": "gaps" },
    dataTable(t("clip.gaps"), [t("clip.why"), t("clip.from"), t("clip.to")], rows));
}

function eyesLine(eyes) {
  if (!eyes) return null;
  const known = (value) => (value === null ? t("clip.eyes_unknown") : decimal(value, 0));
  const perMinute = eyes.blinks_per_minute;
  const rate = perMinute === null ? "" : ` (${t("clip.rate", { rate: decimal(perMinute, 0) })})`;
  return el("p", {}, t("clip.eyes", {
    blinks: known(eyes.blinks) + rate, closures: known(eyes.closures), yawns: eyes.yawns, glances: eyes.glances_away,
  }));
}

/** Of each face for how long what was in the way, and where no expression is named at all. */
function unreadLines(report, byRule) {
  return (report?.tracks ?? []).flatMap((track) => {
    const number = numberOf(track.id);
    const gaps = gapSums(track.gaps).map(([reason, seconds]) =>
      t("clip.unread", { number, duration: lasting(seconds), why: codeText("gap", reason) }));
    if (expressionNames(track).length) return gaps;
    return [[el("strong", {}, t(byRule ? "clip.announce_by_rule" : "clip.announce_none", { number })), "."], ...gaps];
  });
}

/** Reasons with the seconds they lasted in all, the longest first. */
function gapSums(gaps) {
  const sums = new Map();
  for (const gap of gaps) sums.set(gap.reason, (sums.get(gap.reason) ?? 0) + gap.to_s - gap.from_s);
  return [...sums].sort((one, other) => other[1] - one[1]);
}

function momentsPart({ report, brief, pictures }) {
  const moments = report ? report.moments : (brief.moments ?? []).map(fromBrief);
  if (!moments.length) return null;
  return reportPart("moments", t("clip.moments"),
    el("ul", { class: "moments" }, moments.map((moment) => momentItem(moment, pictures?.[moment.id]))));
}

function fromBrief(moment) {
  return { id: "", time_s: moment.at, track: moment.track ?? null, why: moment.why, expression: null };
}

function momentItem(moment, picture) {
  const time = clock(moment.time_s);
  const why = codeText("moment", moment.why);
  const words = moment.track ? t("clip.moment_of", { time, number: numberOf(moment.track), why })
    : t("clip.moment", { time, why });
  // Only a picture that the answer itself holds is shown: no address in it is followed.
  const held = typeof picture === "string" && picture.startsWith("data:image/");
  const image = held ? el("img", { src: picture, alt: t("clip.moment_picture", { time }), loading: "lazy" }) : null;
  return el("li", { "data-moment": moment.id }, image, el("p", {}, words), momentExpression(moment.expression));
}

function momentExpression(shown) {
  if (!shown) return null;
  if (!shown.primary) return el("p", { class: "doubt" }, codeText("abstain", shown.abstain_reason));
  const swatch = el("span", { class: "swatch", "aria-hidden": "true", style: { "--hue": colourOf(shown.primary) } });
  const sure = t("report.sure", { word: confidenceWord(shown.confidence), percent: percent(shown.confidence) });
  return el("p", {}, swatch, `${termName(shown.primary)} (${sure})`);
}

function betweenPart(source) {
  const between = source.between ?? [];
  if (!between.length) return null;
  const lines = between.map((one) => el("li", {}, `${betweenWords(one)} ${chanceWords(one.p_value ?? one.by_chance)}`));
  return reportPart("between", t("clip.between"), el("ul", {}, lines));
}

function chanceWords(share) {
  return typeof share === "number" ? t("clip.by_chance", { percent: percent(share) }) : "";
}

/** A brief has the delay and how likely it is by chance, but no correlation. */
function betweenWords(one) {
  const values = { first: numberOf(one.tracks[0]), second: numberOf(one.tracks[1]) };
  const term = one.expression ?? one.shows;
  if (one.kind === "followed") {
    const lag = lasting(Math.abs(one.lag_s ?? one.lag));
    return t("clip.followed", { ...values, term: term ? termName(term) : "", lag });
  }
  if (typeof one.correlation !== "number") return t("clip.together", values);
  return t("clip.synchrony", { ...values, correlation: decimal(one.correlation) });
}

/** A brief alone has the weightiest episodes and how long each obstacle lasted. */
function briefTracksPart(brief, byRule) {
  const boxes = (brief.tracks ?? []).map((track) => briefTrackBox(track, byRule));
  const more = brief.more_tracks ? el("p", {}, tCount("clip.more_tracks", brief.more_tracks)) : null;
  return reportPart("tracks", t("report.faces_title"), boxes.length ? boxes : el("p", {}, t("clip.no_tracks")), more);
}

function briefTrackBox(track, byRule) {
  const readable = track.readable ?? track.last - track.first;
  const summary = { readable_s: readable, shares: track.shares ?? {}, liveliness: track.liveliness };
  const whole = { id: track.id, first_s: track.first, last_s: track.last, summary, episodes: track.episodes ?? [] };
  const rows = whole.episodes.map((one) => episodeCells(fullEpisode(one), termName(one.shows)));
  const gapLine = (gap) => el("li", {}, `${codeText("gap", gap.reason)}: ${lasting(gap.seconds)}`);
  const gaps = (track.unread ?? []).map(gapLine);
  const table = dataTable(t("clip.episodes"), episodeHeads(), rows);
  return el("details", { class: "face track", "data-track": track.id, open: true }, trackHead(whole, byRule),
    el("div", { class: "inside" }, summaryLines(summary),
      rows.length ? table : el("p", { class: "doubt" }, noneWords(byRule)),
      track.more_episodes ? el("p", {}, tCount("clip.more_episodes", track.more_episodes)) : null,
      gaps.length ? [el("h4", {}, t("clip.gaps")), el("ul", {}, gaps)] : null));
}

function fullEpisode(one) {
  const unseen = (end) => one.cut === end || one.cut === "both";
  return {
    onset_s: one.onset, apex_s: one.apex, offset_s: one.offset, confidence: one.confidence, side: null,
    onset_seen: !unseen("begin"), offset_seen: !unseen("end"),
  };
}
