/** The answers of this tab: kept in memory, oldest first, gone when the tab is closed. */

export class Answers {
  #all = [];
  #listeners = [];

  /**
   * Keep an answer.
   * @param {object} answer A PhotoAnswer or ClipAnswer.
   * @param {Blob} [picture] The picture it was made from.
   * @returns {object} The same answer, now with `picture` and `at`; one that is kept already stays as it is.
   */
  add(answer, picture) {
    if (this.#all.includes(answer)) return answer;
    this.#all.push(Object.assign(answer, { picture: picture ?? answer.picture ?? null, at: new Date() }));
    this.#tell();
    return answer;
  }

  /**
   * Forget an answer.
   * @param {object} answer One that `add` returned.
   */
  remove(answer) {
    this.#all = this.#all.filter((one) => one !== answer);
    this.#tell();
  }

  /** Return all answers, oldest first. */
  all() {
    return [...this.#all];
  }

  /** Return the newest answer, or null. */
  latest() {
    return this.#all.at(-1) ?? null;
  }

  /**
   * Call a function after each change.
   * @param {() => void} listener The function.
   */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}
