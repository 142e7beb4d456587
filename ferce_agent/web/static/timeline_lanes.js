/** How much of the past is kept, in seconds. */
export const TIMELINE_S = 60;
/** Readings further apart than this, in seconds, do not belong to one stretch: nothing is drawn between them. */
const BREAK_S = 1;
/** Valence is kept as the mean over so many seconds. */
const MEAN_S = 0.25;
/** Most faces that have a lane; those seen last are kept. */
const MOST_LANES = 6;

/** What each face showed lately, as stretches in which the same could be said of it, and its valence. */
export class TimelineLanes {
  /** Time of the latest reading, in seconds. */
  now = 0;
  /** Lanes by track: `{track, stretches: [{from, to, state, expression, reason}], valence: [{time, value}]}`. */
  #lanes = new Map();

  /**
   * Take in what a picture shows; one that is older than the latest is left out.
   * @param {object} frame A LiveFrame.
   */
  push(frame) {
    if (frame.time_s < this.now) return;
    this.now = frame.time_s;
    for (const face of frame.faces) this.#face(face, frame.time_s);
    this.#forget();
  }

  /** Forget everything. */
  clear() {
    this.now = 0;
    this.#lanes.clear();
  }

  /** @returns {object[]} The lanes, by when the face was first seen. */
  all() {
    return [...this.#lanes.values()];
  }

  /**
   * Return what each face showed for how long.
   * @param {number} from Beginning in seconds.
   * @param {number} to End in seconds.
   * @returns {Array<{track: string, parts: object[]}>} Parts with their `seconds`, the longest first.
   */
  shares(from, to) {
    const lanes = this.all().map((lane) => ({ track: lane.track, parts: partsOf(lane.stretches, from, to) }));
    return lanes.filter((lane) => lane.parts.length);
  }

  #face(face, time) {
    const lane = this.#lanes.get(face.track) ?? { track: face.track, stretches: [], valence: [] };
    this.#lanes.set(face.track, lane);
    lengthen(lane.stretches, face, time);
    if (face.valence !== null) addMean(lane.valence, time, face.valence);
  }

  #forget() {
    const first = this.now - TIMELINE_S;
    for (const lane of this.#lanes.values()) {
      while (lane.stretches.length && lane.stretches[0].to < first) lane.stretches.shift();
      while (lane.valence.length && lane.valence[0].time < first) lane.valence.shift();
      if (!lane.stretches.length) this.#lanes.delete(lane.track);
    }
    while (this.#lanes.size > MOST_LANES) this.#lanes.delete(this.#longestGone());
  }

  #longestGone() {
    const ended = this.all().map((lane) => [lane.stretches.at(-1).to, lane.track]);
    return ended.reduce((least, one) => (one[0] < least[0] ? one : least))[1];
  }
}

function lengthen(stretches, face, time) {
  const reason = face.state === "not_read" ? face.reasons[0] : null;
  const last = stretches.at(-1);
  const near = last && time - last.to <= BREAK_S;
  // What was said holds until something else is read, so that no stripes of nothing lie between two stretches.
  if (near) last.to = time;
  const same = near && last.state === face.state && last.expression === face.expression && last.reason === reason;
  if (!same) stretches.push({ from: time, to: time, state: face.state, expression: face.expression, reason });
}

function addMean(points, time, value) {
  const last = points.at(-1);
  if (!last || time - last.time >= MEAN_S) return void points.push({ time, value, count: 1 });
  last.count += 1;
  last.value += (value - last.value) / last.count;
}

function partsOf(stretches, from, to) {
  const found = new Map();
  for (const one of stretches) {
    const seconds = Math.min(one.to, to) - Math.max(one.from, from);
    if (seconds <= 0) continue;
    const key = `${one.state} ${one.expression} ${one.reason}`;
    const part = found.get(key) ?? { state: one.state, expression: one.expression, reason: one.reason, seconds: 0 };
    part.seconds += seconds;
    found.set(key, part);
  }
  return [...found.values()].sort((one, other) => other.seconds - one.seconds);
}
