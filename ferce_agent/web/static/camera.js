/** Why the camera cannot be used. */
export class CameraError extends Error {
  /** @param {string} reason Key of the texts below `live.camera`. */
  constructor(reason) {
    super(`camera: ${reason}`);
    this.reason = reason;
  }
}

/** What the browser calls it, and the key of our words for it. */
const CAMERA_REASONS = {
  NotAllowedError: "refused",
  NotFoundError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
  OverconstrainedError: "missing",
  SecurityError: "insecure",
};

/**
 * Ask for the camera, and return its stream without sound.
 *
 * Call it only after the user has asked for the camera: the browser lights the camera up.
 * @returns {Promise<MediaStream>}
 * @throws {CameraError} It was refused, there is none, another program has it, or the page is not from a safe address.
 */
export async function openCamera() {
  if (!globalThis.isSecureContext) throw new CameraError("insecure");
  if (!navigator.mediaDevices?.getUserMedia) throw new CameraError("unsupported");
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, frameRate: 30 } });
  } catch (error) {
    throw new CameraError(CAMERA_REASONS[error?.name] ?? "failed");
  }
}

/**
 * End all tracks at once, so that the camera's light goes out.
 * @param {MediaStream|null} stream
 */
export function closeCamera(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/**
 * Return whether a stream should be shown like a mirror: not where the camera looks away from the user.
 * @param {MediaStream} stream
 * @returns {boolean}
 */
export function isMirror(stream) {
  return stream.getVideoTracks()[0]?.getSettings?.().facingMode !== "environment";
}
