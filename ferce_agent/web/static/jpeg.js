/** Widest picture that is sent, in pixels; a reading gains nothing from more. */
const WIDEST = 640;
/** Quality of the JPEG, 0 to 1. */
const JPEG_QUALITY = 0.8;

/** Makes JPEG pictures of what a video shows: in a thread of its own, or, where there is none, on the page's. */
export class JpegMaker {
  #canvas = null;
  #worker = null;
  #failed = false;
  #waiting = new Map();
  #last = 0;

  /**
   * Return what the video shows now.
   * @param {HTMLVideoElement} video
   * @returns {Promise<Blob>} A JPEG of at most 640 pixels in width.
   */
  async make(video) {
    const scale = Math.min(1, WIDEST / video.videoWidth);
    const width = Math.max(1, Math.round(video.videoWidth * scale));
    const height = Math.max(1, Math.round(video.videoHeight * scale));
    if (!this.#ready()) return this.#here(video, width, height);
    try {
      return await this.#beside(video, width, height);
    } catch (error) {
      if (!this.#failed) throw error;
      return this.#here(video, width, height);
    }
  }

  /** Whether there is a thread for it; it is started with the first picture. */
  #ready() {
    if (this.#failed || typeof OffscreenCanvas !== "function") return false;
    if (!this.#worker) this.#start();
    return !this.#failed;
  }

  #start() {
    try {
      this.#worker = new Worker(new URL("./jpeg_worker.js", import.meta.url));
      this.#worker.addEventListener("message", ({ data }) => this.#take(data));
      this.#worker.addEventListener("error", () => this.#fail());
    } catch {
      this.#fail();
    }
  }

  /** Do without the thread from now on. */
  #fail() {
    this.#failed = true;
    for (const { reject } of this.#waiting.values()) reject(new Error("no thread"));
    this.#waiting.clear();
  }

  async #beside(video, width, height) {
    const smaller = width === video.videoWidth ? {} : { resizeWidth: width, resizeHeight: height };
    const bitmap = await createImageBitmap(video, smaller);
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, bitmap, quality: JPEG_QUALITY }, [bitmap]);
    });
  }

  #take({ id, jpeg, error }) {
    const { resolve, reject } = this.#waiting.get(id) ?? {};
    this.#waiting.delete(id);
    if (jpeg) resolve?.(jpeg);
    else reject?.(new Error(error));
  }

  #here(video, width, height) {
    this.#canvas ??= document.createElement("canvas");
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    const context = this.#canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    context.drawImage(video, 0, 0, width, height);
    return new Promise((resolve, reject) => {
      const take = (blob) => (blob ? resolve(blob) : reject(new Error("no picture")));
      this.#canvas.toBlob(take, "image/jpeg", JPEG_QUALITY);
    });
  }
}
