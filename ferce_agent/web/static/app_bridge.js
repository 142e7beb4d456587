/** Talking with the assistant that holds this document: JSON-RPC over messages between windows (MCP Apps). */

/** Versions of the protocol that are spoken, the preferred one first. */
export const BRIDGE_VERSIONS = ["2026-01-26", "2025-11-21"];

const METHOD_NOT_FOUND = -32601;
const INTERNAL_ERROR = -32603;

/** What a request to the assistant came to, when not to an answer: its refusal, or no answer in time. */
export class HostError extends Error {
  /**
   * @param {string} reason `refused`, `late`, `closed`, `version` or `alone`.
   * @param {string} message What happened; the assistant's own words where it refused.
   */
  constructor(reason, message) {
    super(message);
    this.name = "HostError";
    this.reason = reason;
  }
}

/** One conversation with one window; messages of any other window are passed over. */
export class HostBridge {
  #peer;
  #origin = "*";
  #next = 1;
  #waiting = new Map();
  #told = new Map();
  #asked = new Map();
  #listen = (event) => this.#receive(event);

  /**
   * @param {Window} peer The window that holds this document.
   */
  constructor(peer) {
    this.#peer = peer;
    this.#asked.set("ping", () => ({}));
    window.addEventListener("message", this.#listen);
  }

  /**
   * Say hello, and learn about the assistant.
   * @param {object} appInfo Name and version of this app.
   * @param {object} appCapabilities What it can do.
   * @returns {Promise<{version: string, capabilities: object, context: object}>} What the assistant says of itself.
   * @throws {HostError} There is no assistant, it does not answer, or it speaks another version of the protocol.
   */
  async connect(appInfo, appCapabilities) {
    if (this.#peer === window) throw new HostError("alone", "No window holds this document.");
    const params = { appInfo, appCapabilities, protocolVersion: BRIDGE_VERSIONS[0] };
    const answer = await this.request("ui/initialize", params, 20);
    const version = answer.protocolVersion;
    if (!BRIDGE_VERSIONS.includes(version)) throw new HostError("version", String(version).slice(0, 40));
    this.tell("ui/notifications/initialized", {});
    return { version, capabilities: anObject(answer.hostCapabilities), context: anObject(answer.hostContext) };
  }

  /**
   * Ask the assistant for something.
   * @param {string} method Name of the request.
   * @param {object} params What is asked.
   * @param {number} seconds How long to wait for the answer.
   * @returns {Promise<object>} The answer.
   * @throws {HostError} It refused, or there was no answer in time.
   */
  request(method, params, seconds) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const late = () => this.#settle(id, (one) => one.reject(new HostError("late", `${method}: no answer.`)));
      this.#waiting.set(id, { resolve, reject, timer: setTimeout(late, seconds * 1000) });
      this.#send({ jsonrpc: "2.0", id, method, params });
    });
  }

  /**
   * Tell the assistant something that needs no answer.
   * @param {string} method Name of the notification.
   * @param {object} params What is told.
   */
  tell(method, params) {
    this.#send({ jsonrpc: "2.0", method, params });
  }

  /**
   * Do something when the assistant tells something.
   * @param {string} method Name of the notification.
   * @param {(params: object) => void} handler What is done.
   */
  onTold(method, handler) {
    this.#told.set(method, handler);
  }

  /**
   * Answer a request of the assistant.
   * @param {string} method Name of the request.
   * @param {(params: object) => object} handler Gives the answer.
   */
  onAsked(method, handler) {
    this.#asked.set(method, handler);
  }

  /** Stop listening; whoever waits for an answer is told that none will come. */
  close() {
    window.removeEventListener("message", this.#listen);
    for (const id of [...this.#waiting.keys()]) {
      this.#settle(id, (one) => one.reject(new HostError("closed", "The conversation has ended.")));
    }
  }

  #send(message) {
    try {
      this.#peer.postMessage(message, this.#origin);
    } catch (error) {
      this.#settle(message.id, (one) => one.reject(new HostError("refused", String(error))));
    }
  }

  #settle(id, how) {
    const one = this.#waiting.get(id);
    if (!one) return;
    this.#waiting.delete(id);
    clearTimeout(one.timer);
    how(one);
  }

  #receive(event) {
    if (event.source !== this.#peer || !isMessage(event.data)) return;
    if (this.#origin !== "*" && event.origin !== this.#origin) return;
    const { id, method } = event.data;
    if (typeof method !== "string") this.#answered(event);
    else if (id === undefined) this.#hear(method, anObject(event.data.params));
    else this.#answer(id, method, anObject(event.data.params));
  }

  #answered({ data, origin }) {
    if (!this.#waiting.has(data.id)) return;
    // From the first answer on, nothing is sent to a window that has moved to another origin meanwhile.
    if (this.#origin === "*" && origin !== "null") this.#origin = origin;
    const failure = data.error;
    if (failure === undefined) this.#settle(data.id, (one) => one.resolve(anObject(data.result)));
    else this.#settle(data.id, (one) => one.reject(new HostError("refused", refusalOf(failure))));
  }

  #hear(method, params) {
    try {
      this.#told.get(method)?.(params);
    } catch (error) {
      console.error(`ferce-agent: ${method}`, error);
    }
  }

  #answer(id, method, params) {
    const handler = this.#asked.get(method);
    if (!handler) {
      this.#send({ jsonrpc: "2.0", id, error: { code: METHOD_NOT_FOUND, message: `There is no ${method} here.` } });
      return;
    }
    try {
      this.#send({ jsonrpc: "2.0", id, result: handler(params) ?? {} });
    } catch (error) {
      console.error(`ferce-agent: ${method}`, error);
      this.#send({ jsonrpc: "2.0", id, error: { code: INTERNAL_ERROR, message: "The app failed." } });
    }
  }
}

/**
 * Return a value if it is an object and no array, an empty object otherwise.
 * @param {unknown} value The value.
 * @returns {object} The object.
 */
export function anObject(value) {
  return isPlain(value) ? value : {};
}

function isPlain(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether something may be a message: JSON-RPC 2.0 with an id of the two kinds that are allowed, or none. */
function isMessage(data) {
  if (!isPlain(data) || data.jsonrpc !== "2.0") return false;
  const known = ["undefined", "number", "string"].includes(typeof data.id);
  return known && (data.method !== undefined || data.id !== undefined);
}

function refusalOf(failure) {
  return String(anObject(failure).message ?? "").slice(0, 500);
}
