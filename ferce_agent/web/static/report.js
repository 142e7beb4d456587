/** An answer as something to look at. Nothing is fetched here: all there is to show is in the answer. */

import { aroundPart } from "./around.js";
import { clipLine, showClip } from "./clip_report.js";
import { el } from "./dom.js";
import { EXPRESSIONS, colourOf, drawFaces, faceAt } from "./drawing.js";
import { personDetails, rankedOf } from "./face_details.js";
import { facesWords, originPart, packageWords, reasonWords, reportPart, toldPart, withheldPart } from "./parts.js";
import { conflictsPart, turnList, turnsOf } from "./speech.js";
import { alternatives, codeText, confidenceWord, numberOf, percent, showsWords, t, tCount, termName } from "./texts.js";
import { showVoice, voiceLine } from "./voice_report.js";

/** So many faces are told in the first line. */
const TOLD_FIRST = 3;

/**
 * Show an answer: a report of a photo or a clip, or, where a host gives no more, its brief alone.
 * @param {{kind: string, report?: object, brief: object, brief_text: string, pictures?: object}} answer The answer.
 * @param {{picture?: Blob|string|null}} [options] The picture it was made from, or an address of it.
 * @returns {HTMLElement} The view.
 */
export function showAnswer(answer, { picture = null } = {}) {
  if (answer.kind === "clip") return showClip(answer);
  if (answer.kind === "voice") return showVoice(answer);
  const faces = answer.report ? facesOfReport(answer.report) : facesOfBrief(answer.brief);
  const view = el("article", { class: "answer", "data-kind": "photo" },
    el("p", { class: "first-line" }, photoLine(faces, answer)));
  if (!answer.report) view.append(el("p", { class: "soft" }, t("report.brief_only")));
  view.append(sightOf(faces, answer, picture), toldPart(answer));
  view.append(withheldPart(unnamedLines(faces), answer.report?.degraded ?? answer.brief.not_done ?? [],
    answer.report?.policy ?? answer.brief.policy));
  if (answer.report?.voice) view.append(...messageParts(answer.report.voice));
  if (answer.report) view.append(aroundPart(answer.report), originPart(answer.report.provenance));
  return view;
}

/** The voice message that came with a photo. */
function messageParts(voice) {
  const turns = turnsOf(voice.speech);
  const inside = turns.length ? turnList(turns) : el("p", {}, t("voice.nobody"));
  return [reportPart("speech", t("voice.message"), inside), conflictsPart(voice.conflicts)].filter(Boolean);
}

/**
 * Return an answer in a few words, for a list.
 * @param {object} answer The answer.
 */
export function answerLine(answer) {
  if (answer.kind === "clip") return clipLine(answer);
  if (answer.kind === "voice") return voiceLine(answer);
  return photoLine(answer.report ? facesOfReport(answer.report) : facesOfBrief(answer.brief), answer);
}

/** What every view needs of a face, whether it comes from a report or from a brief. */
function facesOfReport(report) {
  const byRule = report.degraded.some((entry) => entry.code === "policy_restricted");
  return report.people.map((person) => faceOfPerson(person, byRule));
}

function faceOfPerson(person, byRule) {
  const shown = person.expression;
  const ranked = shown ? rankedOf(shown.distribution) : [];
  const missing = byRule ? "by_rule" : "not_read";
  return {
    id: person.id,
    person,
    shows: shown?.primary ?? null,
    confidence: shown?.confidence ?? null,
    unnamed: shown ? shown.abstain_reason : missing,
    likeliest: ranked[0] ?? null,
    reasons: person.face.quality.reasons,
    hue: shown?.primary ? colourOf(hueOf(shown)) : colourOf(null),
  };
}

function facesOfBrief(brief) {
  return (brief.people ?? []).map((person) => ({
    id: person.id,
    person: null,
    brief: person,
    shows: person.shows ?? null,
    confidence: person.confidence ?? null,
    unnamed: person.unnamed ?? null,
    likeliest: null,
    reasons: person.doubts ?? [],
    hue: colourOf(person.shows ?? null),
  }));
}

/** The one of the eight that gives the colour: of a compound the heaviest part. */
function hueOf(shown) {
  const heaviest = [...shown.components].sort((one, other) => other.weight - one.weight)[0];
  if (heaviest) return heaviest.term;
  return EXPRESSIONS.includes(shown.primary) ? shown.primary : rankedOf(shown.distribution)[0][0];
}

/** What a face shows, without how sure: "Person 1 shows happiness". */
function faceHead(face) {
  const number = numberOf(face.id);
  if (face.shows) return t("report.shows", { number, shows: showsWords(face.shows) });
  if (face.unnamed === "by_rule") return t("report.by_rule", { number });
  return t(face.unnamed === "not_read" ? "report.not_read" : "report.unnamed", { number });
}

/** How sure it is, or why nothing is named. */
function faceDoubt(face) {
  if (face.shows) {
    return t("report.sure", { word: confidenceWord(face.confidence), percent: percent(face.confidence) });
  }
  return whyUnnamed(face);
}

function whyUnnamed(face) {
  const reasons = [codeText("abstain", face.unnamed)];
  if (face.reasons.length && face.unnamed !== "by_rule") reasons.push(reasonWords(face.reasons[0]));
  const { likeliest } = face;
  if (likeliest) reasons.push(t("report.likeliest", { term: termName(likeliest[0]), percent: percent(likeliest[1]) }));
  return reasons.join("; ");
}

function photoLine(faces, answer) {
  const count = answer.report ? faces.length : (answer.brief.faces?.found ?? faces.length);
  if (!count) return facesWords(0);
  const told = faces.slice(0, TOLD_FIRST).map((face) => `${faceHead(face)} (${faceDoubt(face)})`);
  const more = count > TOLD_FIRST ? " …" : "";
  return t("report.announce", { faces: facesWords(count), first: told.join("; ") + more });
}

function unnamedLines(faces) {
  const unnamed = faces.filter((face) => !face.shows);
  return unnamed.map((face) => [el("strong", {}, faceHead(face)), ` (${whyUnnamed(face)}).`]);
}

/** The picture with its boxes, and the list of faces beside it; one follows the other. */
function sightOf(faces, answer, picture) {
  const list = faces.map((face) => faceBox(face));
  const figure = picture && answer.report ? pictureBox(faces, list, answer.report.source, picture) : null;
  const rest = (answer.brief?.rest ?? []).filter(() => !answer.report).map(restLine);
  const inside = list.length ? list : el("p", { class: "soft" }, t("report.no_face_hint"));
  return el("div", { class: figure ? "sight" : "" }, figure,
    el("section", { class: "faces", "data-part": "faces", "aria-label": t("report.faces_title") },
      el("h3", {}, t("report.faces_title")), inside, rest));
}

function restLine(rest) {
  const what = rest.shows ? showsWords(rest.shows) : codeText("abstain", rest.unnamed);
  return el("p", {}, tCount("report.more_people", rest.count, { what }));
}

function pictureBox(faces, list, source, picture) {
  const canvas = el("canvas", { "aria-hidden": "true" });
  const image = el("img", { alt: t("report.picture"), draggable: "false" });
  const figure = el("figure", { class: "picture" }, el("div", { class: "stage" }, image, canvas));
  const marks = faces.map(markOf);
  let chosen = list.findIndex((one) => one.open);
  const draw = () => drawFaces(canvas, marks, { width: source.width, height: source.height, chosen });
  list.forEach((box, index) => followFace(box, () => { chosen = index; draw(); }));
  canvas.addEventListener("click", (event) => chooseAt(event, canvas, { marks, source, list }));
  image.addEventListener("load", draw);
  image.addEventListener("error", () => figure.replaceChildren(el("p", { class: "soft" }, t("report.not_shown"))));
  new ResizeObserver(draw).observe(canvas);
  image.src = typeof picture === "string" ? picture : addressOf(picture, image);
  return figure;
}

function addressOf(blob, image) {
  const address = URL.createObjectURL(blob);
  for (const name of ["load", "error"]) image.addEventListener(name, () => URL.revokeObjectURL(address));
  return address;
}

function markOf(face) {
  const number = numberOf(face.id);
  const { box } = face.person.face;
  if (!face.shows) return { box, texts: [`${number}?`, number], colour: face.hue, dashed: true };
  const short = `${number} ${termName(face.shows)}`;
  return { box, texts: [`${short} ${percent(face.confidence)}`, short, number], colour: face.hue };
}

/** A face is chosen by opening it, and by moving to it with the keyboard or the pointer. */
function followFace(box, choose) {
  box.addEventListener("toggle", () => box.open && choose());
  for (const name of ["focusin", "pointerenter"]) box.addEventListener(name, choose);
}

function chooseAt(event, canvas, { marks, source, list }) {
  const frame = canvas.getBoundingClientRect();
  const x = ((event.clientX - frame.left) / frame.width) * source.width;
  const y = ((event.clientY - frame.top) / frame.height) * source.height;
  const box = list[faceAt(marks, x, y)];
  if (!box) return;
  box.open = true;
  box.firstChild.focus();
}

function faceBox(face) {
  const swatch = el("span", { class: "swatch", "aria-hidden": "true", style: { "--hue": face.hue } });
  const head = el("summary", {}, swatch, el("span", { class: "head" },
    el("strong", {}, faceHead(face)), " ", el("span", { class: face.shows ? "sure" : "doubt" }, faceDoubt(face))));
  return el("details", {
    class: "face", "data-person": face.id, "data-shows": face.shows ?? "", "data-unnamed": face.unnamed ?? "",
    open: face.id === "person-1",
  }, head, el("div", { class: "inside" }, face.person ? personDetails(face.person) : briefDetails(face.brief)));
}

function briefDetails(person) {
  const cues = (person.cues ?? []).join(", ");
  return [
    person.maybe?.length ? el("p", {}, t("report.set", { names: alternatives(person.maybe.map(termName)) })) : null,
    cues ? el("p", {}, `${t("report.movements")}: `, packageWords(cues)) : null,
    (person.doubts ?? []).length ? el("p", {}, person.doubts.map(reasonWords).join("; ")) : null,
  ];
}
