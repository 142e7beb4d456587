/** What the page asks of its server: one function for each address, with the token of this tab. */

const TOKEN_KEY = "ferce.token";

/** What went wrong, as the server says it or as the page sees it. */
export class ApiError extends Error {
  /**
   * @param {{code: string, message: string, hint?: string}} error Reason code, sentence, what to do about it.
   * @param {number} [status] The answer's HTTP status, 0 without an answer.
   * @param {number} [wait] Seconds after which it may be tried again, 0 where nothing is said.
   */
  constructor(error, status = 0, wait = 0) {
    super(error.message);
    this.name = "ApiError";
    this.code = error.code;
    this.hint = error.hint ?? "";
    this.status = status;
    this.wait = wait;
  }
}

/**
 * Move the token from the address bar to this tab's memory.
 * @returns {boolean} Whether the tab has a token now.
 */
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(TOKEN_KEY, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return Boolean(sessionStorage.getItem(TOKEN_KEY));
}

function token() {
  return sessionStorage.getItem(TOKEN_KEY) ?? "";
}

/**
 * Ask for what the server is and allows.
 * @returns {Promise<object>} version, use, limits, chat, vlm, voice.
 */
export async function about() {
  return (await asked("/api/about")).json();
}

/**
 * Ask what the rules say to a use, before anything is sent.
 * @param {object} use Fields of the use; what is left out is open.
 * @returns {Promise<object>} decision, rules, infer, note; a refusal is an `ApiError` with `policy_refused`.
 */
export async function policy(use) {
  return (await asked("/api/policy", { body: JSON.stringify({ use }) })).json();
}

/**
 * Have a photo read.
 * @param {Blob} file The picture.
 * @param {object} line What is asked: context, labels, use.
 * @param {AbortSignal} [signal] Calls it off.
 * @returns {Promise<object>} The answer.
 */
export async function photo(file, line, signal) {
  return (await asked("/api/photo", { body: withFile(line, file), signal })).json();
}

/**
 * Have a voice message listened to.
 * @param {Blob} file The sound.
 * @param {object} line What is asked: context, transcript, use.
 * @param {AbortSignal} [signal] Calls it off.
 * @returns {Promise<object>} The answer.
 */
export async function voice(file, line, signal) {
  return (await asked("/api/voice", { body: withFile(line, file), signal })).json();
}

/**
 * Have a clip read.
 * @param {Blob} file The film.
 * @param {object} line What is asked: start_s, end_s, fps, micro, use.
 * @param {(event: object) => void} onEvent Gets each event as it comes.
 * @param {AbortSignal} [signal] Calls it off.
 * @returns {Promise<object>} The answer, the last event.
 */
export async function clip(file, line, onEvent, signal) {
  return streamed("/api/clip", { body: withFile(line, file), signal }, onEvent, "answer");
}

/**
 * Have the chatbot answer.
 * @param {object} body messages, readings, use.
 * @param {(event: object) => void} onEvent Gets each event as it comes: answer, tone, words, done.
 * @param {AbortSignal} [signal] Calls it off.
 * @returns {Promise<object>} The last event.
 */
export async function chat(body, onEvent, signal) {
  return streamed("/api/chat", { body: JSON.stringify(body), signal }, onEvent, "done");
}

/**
 * Get the report as one page that needs nothing else.
 * @param {object} report The report.
 * @param {Blob|null} [picture] The picture that a photo's report was made from.
 * @param {object} [pictures] Data URLs of a clip's moments by their ids.
 * @returns {Promise<Blob>} The page.
 */
export async function page(report, picture, pictures = {}) {
  return (await asked("/api/page", { body: withFile({ report, pictures }, picture ?? new Blob([])) })).blob();
}

/**
 * Open the connection for live pictures.
 * @returns {WebSocket} Not yet open.
 */
export function liveSocket() {
  const address = new URL("/api/live", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(address, ["ferce.live.1", `token.${token()}`]);
}

/** The body of a request with a file: one line of JSON, then the bytes. */
function withFile(line, file) {
  return new Blob([JSON.stringify(line), "\n", file], { type: "application/octet-stream" });
}

async function asked(address, { body, signal } = {}) {
  const headers = { Authorization: `Bearer ${token()}` };
  if (typeof body === "string") headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(address, { method: body === undefined ? "GET" : "POST", headers, body, signal });
  } catch (error) {
    throw notSent(error);
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

function notSent(error) {
  if (error instanceof ApiError) return error;
  if (error.name === "AbortError") return new ApiError({ code: "cancelled", message: "" });
  return new ApiError({ code: "no_connection", message: "" });
}

async function refusal(response) {
  const body = await response.json().catch(() => null);
  const error = body?.error;
  if (error?.code) return new ApiError(error, response.status, Number(response.headers.get("Retry-After")) || 0);
  return new ApiError({ code: `http_${response.status}`, message: "" }, response.status);
}

/** Read an answer line by line; `last` is the event that ends it well. */
async function streamed(address, request, onEvent, last) {
  const response = await asked(address, request);
  let end = null;
  try {
    for await (const line of linesOf(response.body)) {
      const event = JSON.parse(line);
      if (event.event === "error") throw new ApiError(event.error, response.status);
      onEvent(event);
      if (event.event === last) end = event;
    }
  } catch (error) {
    throw notSent(error);
  }
  if (end === null) throw new ApiError({ code: "no_connection", message: "" });
  return end;
}

async function* linesOf(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = (rest + decoder.decode(part.value, { stream: true })).split("\n");
    rest = lines.pop();
    yield* lines.filter(Boolean);
  }
  if (rest) yield rest;
}
