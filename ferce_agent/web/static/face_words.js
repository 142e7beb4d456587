import { codeText, confidenceWord, movementName, numberOf, t, termName } from "./texts.js";

/** Weakest movement that is named, 0 to 1: a slight one. */
const LEAST_MOVEMENT = 0.15;

/** @param {string} track Such as `track-1`. @returns {string} Such as "Face 1". */
export function faceName(track) {
  return t("live.face", { number: numberOf(track) });
}

/** @param {string} reason Code of why a face is hard to read. @returns {string} The same in words. */
export function reasonWord(reason) {
  return codeText("gap", reason);
}

/**
 * Return the strongest movements of a face, strongest first.
 * @param {object} face A live face.
 * @param {number} most How many at most.
 * @returns {string[]} In words.
 */
export function strongestMovements(face, most) {
  const seen = Object.entries(face.movements).filter(([, strength]) => strength >= LEAST_MOVEMENT);
  seen.sort((one, other) => other[1] - one[1]);
  return seen.slice(0, most).map(([unit]) => movementName(unit));
}

/**
 * Return in a few words what can be said of a face now: the expression with its doubt, or why none is named.
 * @param {object} face A live face.
 * @returns {string}
 */
export function stateWords(face) {
  if (face.state === "shown") {
    return t("live.shown", { expression: termName(face.expression), sure: confidenceWord(face.confidence) });
  }
  if (face.state === "not_read") return t("live.not_read", { reason: reasonWord(face.reasons[0]) });
  if (face.state === "restricted") return t("live.restricted");
  return face.reasons.length ? t("live.unsure_because", { reason: reasonWord(face.reasons[0]) }) : t("live.unsure");
}
