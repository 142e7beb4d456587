/** Most pictures that were sent and not answered yet. */
const MOST_IN_FLIGHT = 2;
/** A picture that is not answered after so many milliseconds is counted as lost, so that the next may be sent. */
const LOST_AFTER_MS = 3000;

/**
 * One live reading over a WebSocket: pictures go out, what they show comes back.
 *
 * Handlers: `ready()`, `frame(liveFrame, sentAt)`, `event(clipEvent)`, `answer(clipAnswer)`, `end(error)`; `end` comes
 * exactly once, with `{code, message, hint}` where something went wrong, null after a normal end.
 */
export class LiveLink {
  #socket;
  #handlers;
  #pending = [];
  #ready = false;
  #ended = false;
  #stopping = false;
  #error = null;

  /**
   * @param {WebSocket} socket Being opened.
   * @param {object} use What the reading is used for.
   * @param {object} handlers See above.
   */
  constructor(socket, use, handlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.addEventListener("open", () => this.#opened(use), { once: true });
    socket.addEventListener("message", (message) => this.#take(message.data));
    socket.addEventListener("close", (closed) => this.#end(closed));
    if (socket.readyState === WebSocket.OPEN) this.#tell({ kind: "start", use });
  }

  /** Whether a picture may be sent now. */
  get free() {
    const oldest = this.#pending[0];
    if (oldest && performance.now() - oldest.sentAt > LOST_AFTER_MS) this.#pending.shift();
    return this.#ready && !this.#stopping && this.#pending.length < MOST_IN_FLIGHT;
  }

  /** Whether the server said that it reads. */
  get ready() {
    return this.#ready;
  }

  /**
   * Send a picture.
   * @param {Blob} jpeg
   * @param {number} ms When it was taken, in milliseconds since the start.
   * @param {number} sentAt When it was taken, by `performance.now()`.
   */
  send(jpeg, ms, sentAt) {
    if (!this.free || this.#socket.readyState !== WebSocket.OPEN) return;
    const head = new DataView(new ArrayBuffer(8));
    head.setFloat64(0, ms, true);
    this.#pending.push({ ms, sentAt });
    this.#socket.send(new Blob([head, jpeg]));
  }

  /** Ask for the report; the answer and the end come later. */
  stop() {
    if (this.#stopping) return;
    this.#stopping = true;
    if (this.#ready) this.#tell({ kind: "stop" });
    else this.close();
  }

  /** Break off at once; nothing comes any more but the end. */
  close() {
    this.#stopping = true;
    // A browser complains of a connection that is closed before it is there, so that one is closed once it is.
    if (this.#socket.readyState !== WebSocket.CONNECTING) this.#socket.close(1000);
    this.#finish(null);
  }

  #opened(use) {
    if (this.#ended) this.#socket.close(1000);
    else this.#tell({ kind: "start", use });
  }

  #tell(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #take(data) {
    if (this.#ended) return;
    const event = typeof data === "string" ? read(data) : null;
    if (event === null) return;
    if (event.event === "ready") {
      this.#ready = true;
      this.#handlers.ready();
    } else if (event.event === "live") this.#frame(event);
    else if (event.event === "answer") this.#handlers.answer(event);
    else if (event.event === "error") this.#error = event.error;
    else this.#handlers.event(event);
  }

  #frame(frame) {
    const ms = frame.time_s * 1000 + 0.5;
    const mine = this.#pending.findLast((sent) => sent.ms <= ms);
    this.#pending = this.#pending.filter((sent) => sent.ms > ms);
    this.#handlers.frame(frame, mine?.sentAt ?? performance.now());
  }

  #end(closed) {
    if (this.#error) this.#finish(this.#error);
    else if (closed.code === 1000 && this.#ready) this.#finish(null);
    else this.#finish({ code: "no_connection", message: "", hint: "" });
  }

  #finish(error) {
    if (this.#ended) return;
    this.#ended = true;
    this.#handlers.end(error);
  }
}

function read(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
