import { faceName, reasonWord } from "./face_words.js";
import { lasting, t, termName } from "./texts.js";

/** Shorter than this, in seconds, a part is left out of the summary. */
const LEAST_PART_S = 0.2;

/**
 * Return what is said of a face in a stretch.
 * @param {{state: string, expression: string|null, reason: string|null}} part A stretch, or several alike.
 * @returns {string}
 */
export function partWords(part) {
  if (part.state === "shown") return termName(part.expression);
  if (part.state === "not_read") return t("timeline.not_read", { reason: reasonWord(part.reason) });
  return t(`timeline.${part.state}`);
}

/**
 * Return the last seconds in a sentence for each face.
 * @param {Array<{track: string, parts: object[]}>} shares See `TimelineLanes.shares`.
 * @param {number} seconds Over how long.
 * @returns {string}
 */
export function summaryWords(shares, seconds) {
  if (!shares.length) return t("timeline.nobody", { seconds });
  const lanes = shares.map(({ track, parts }) => {
    const long = parts.filter((part) => part.seconds >= LEAST_PART_S);
    const told = (long.length ? long : parts).slice(0, 3).map((part) => `${partWords(part)} ${lasting(part.seconds)}`);
    return t("timeline.lane", { face: faceName(track), told: told.join(", ") });
  });
  return `${t("timeline.last", { seconds })} ${lanes.join(" ")}`;
}
