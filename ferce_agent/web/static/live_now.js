/** Whether the camera is on, and how to take what it shows now; the one thing that live view and chat share. */
let source = null;
const listeners = new Set();

/**
 * Say that the camera is on, or off.
 * @param {(() => Promise<Blob>)|null} takePicture Returns what the camera shows now as a JPEG; null: the camera is off.
 */
export function setLiveNow(takePicture) {
  source = takePicture;
  for (const listener of listeners) listener(source !== null);
}

/** @returns {boolean} Whether the camera is on. */
export function isLiveNow() {
  return source !== null;
}

/**
 * Return what the camera shows now.
 * @returns {Promise<Blob|null>} A JPEG; null where the camera is off.
 */
export async function liveNowPicture() {
  return source === null ? null : source();
}

/** @param {(on: boolean) => void} listener Called whenever the camera goes on or off. */
export function onLiveNow(listener) {
  listeners.add(listener);
}
