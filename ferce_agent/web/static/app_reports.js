/** From a tool's answer to a reading that can be shown, with its whole report where the assistant gives it. */

import { anObject } from "./app_bridge.js";

const REPORT_ADDRESS = /ferce:\/\/reports\/[\w-]+/;
const FETCH_SECONDS = 30;
const DATA_URL = /^data:image\/[\w.+-]+;base64,[A-Za-z0-9+/]+=*$/i;

/**
 * What a page may ask of an assistant.
 * @typedef {object} Host
 * @property {HostBridge} bridge The conversation with it.
 * @property {object} capabilities What it offers.
 */

/**
 * Return what a tool's answer says, without asking for more.
 * @param {object} result The tool's answer.
 * @returns {object} An answer as the page's report view takes it; `report` is null where only the brief came.
 */
export function readingIn(result) {
  const { report, ...brief } = anObject(result.structuredContent);
  return answerOf(isReport(report) ? report : null, brief, wordsIn(result));
}

/**
 * Return a reading with its whole report, if it can be had.
 * @param {object} reading What the tool's answer says.
 * @param {Host} host The assistant.
 * @returns {Promise<object>} The reading; `report` is still null where neither way led to the report.
 */
export async function wholeReading(reading, host) {
  // Some assistants pass on the words alone; the address is in them, too.
  const [address] = REPORT_ADDRESS.exec(reading.brief.more ?? reading.brief_text) ?? [];
  if (reading.report || !address) return reading;
  for (const way of [readAsResource, readByTool]) {
    const report = await way(address, host).catch(() => null);
    if (isReport(report)) return answerOf(report, reading.brief, reading.brief_text);
  }
  return reading;
}

/**
 * Return the words of a tool's answer.
 * @param {object} result The tool's answer.
 */
export function wordsIn(result) {
  const blocks = Array.isArray(result.content) ? result.content.map(anObject) : [];
  const words = blocks.filter(({ type, text }) => type === "text" && typeof text === "string");
  return words.map(({ text }) => text).join("\n");
}

/**
 * Return the address of the picture that a tool was given, if it holds the picture itself.
 * @param {object} input Arguments of the tool.
 * @returns {string|null} A data URL; null for files, which only the server can open.
 */
export function pictureIn(input) {
  const { image } = input;
  return typeof image === "string" && DATA_URL.test(image) ? image : null;
}

async function readAsResource(address, { bridge, capabilities }) {
  if (!capabilities.serverResources) return null;
  const { contents } = await bridge.request("resources/read", { uri: address }, FETCH_SECONDS);
  return JSON.parse(anObject(contents?.[0]).text);
}

async function readByTool(address, { bridge, capabilities }) {
  if (!capabilities.serverTools) return null;
  const asked = { name: "report_part", arguments: { id: address } };
  const result = await bridge.request("tools/call", asked, FETCH_SECONDS);
  return result.isError ? null : JSON.parse(wordsIn(result));
}

function isReport(value) {
  const { people, tracks } = anObject(value);
  return Array.isArray(people) || Array.isArray(tracks);
}

function answerOf(report, brief, text) {
  const kind = Array.isArray(anObject(report ?? brief).tracks) ? "clip" : "photo";
  return { kind, report, brief, brief_text: text, ...(kind === "clip" ? { pictures: {} } : {}) };
}
