/** Rates are taken over so many milliseconds. */
const RATE_MS = 2000;
/** Name under which each delay is told to observers of the page's performance. */
const DELAY = "ferce.live";
/** The delay is the median of so many readings. */
const MEDIAN_OF = 30;

/** How many pictures a second are read, how long that takes, and how many are left out. */
export class LiveMeter {
  #times = [];
  #delays = [];
  #seen = 0;
  #read = 0;

  /** Count a picture of the camera. */
  seen() {
    this.#seen += 1;
  }

  /**
   * Count a picture that was read.
   * @param {number} now When it is shown, by `performance.now()`.
   * @param {number} takenAt When it was taken.
   */
  read(now, takenAt) {
    this.#read += 1;
    this.#times.push(now);
    this.#delays.push(now - takenAt);
    if (this.#delays.length > MEDIAN_OF) this.#delays.shift();
    performance.measure(DELAY, { start: takenAt, end: now });
    performance.clearMeasures(DELAY);
  }

  /**
   * Return the numbers to show.
   * @param {number} now By `performance.now()`.
   * @returns {{fps: number, delay: number, skipped: number}} Pictures read a second, milliseconds, pictures left out.
   */
  numbers(now) {
    this.#times = this.#times.filter((time) => now - time < RATE_MS);
    const since = this.#times.length > 1 ? Math.max(now - this.#times[0], 500) : RATE_MS;
    const sorted = [...this.#delays].sort((one, other) => one - other);
    const delay = sorted.length ? sorted[Math.floor(sorted.length / 2)] : 0;
    return { fps: (this.#times.length * 1000) / since, delay, skipped: Math.max(0, this.#seen - this.#read) };
  }
}
