/** Pictures for the assistant: from the camera, which opens only when asked to, or from a file; made small. */

const LONGEST_SIDE = 1600;
const JPEG_QUALITY = 0.92;
/** Most bytes of a file that this browser cannot decode, and which is sent as it is. */
const LARGEST_FILE = 8_000_000;

/** Whether this document may ask for a camera at all; that it is refused later is still possible. */
export function cameraPossible() {
  const policy = document.permissionsPolicy ?? document.featurePolicy;
  const allowed = policy?.allowsFeature?.("camera") ?? true;
  return allowed && typeof navigator.mediaDevices?.getUserMedia === "function";
}

/**
 * Open the camera and show it in an element.
 * @param {HTMLVideoElement} video The element.
 * @returns {Promise<MediaStream>} The open camera.
 * @throws {DOMException} It was refused, there is none, or another program uses it.
 */
export async function openCamera(video) {
  const wanted = { video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } }, audio: false };
  const stream = await navigator.mediaDevices.getUserMedia(wanted);
  try {
    video.srcObject = stream;
    await video.play();
  } catch (error) {
    closeCamera(stream);
    throw error;
  }
  return stream;
}

/**
 * Close the camera; its light goes out.
 * @param {MediaStream|null} stream The open camera, if any.
 */
export function closeCamera(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/**
 * Return the key of the text that says why a camera did not open.
 * @param {unknown} error What `openCamera` threw.
 */
export function cameraFailure(error) {
  const keys = {
    NotAllowedError: "panel.camera_refused",
    // Documents without an origin, as in a frame with `sandbox="allow-scripts"` alone, cannot be given a camera.
    SecurityError: "panel.no_camera_here",
    NotFoundError: "panel.camera_missing",
    OverconstrainedError: "panel.camera_missing",
    NotReadableError: "panel.camera_busy",
  };
  return keys[error?.name] ?? "panel.camera_failed";
}

/**
 * Return what the camera shows now as a JPEG picture.
 * @param {HTMLVideoElement} video The element that shows it.
 * @returns {string} The picture as a data URL.
 */
export function pictureOfCamera(video) {
  return jpegOf(video, video.videoWidth, video.videoHeight);
}

/**
 * Return the picture of a file, drawn anew: smaller, and without what the file says of place and time.
 * @param {File} file The file.
 * @returns {Promise<string|null>} A data URL; null if the file is too large or no picture.
 */
export async function pictureOfFile(file) {
  try {
    const bitmap = await createImageBitmap(file);
    const address = jpegOf(bitmap, bitmap.width, bitmap.height);
    bitmap.close();
    return address;
  } catch {
    // Some kinds of photos are read by the server though not by this browser.
    return file.type.startsWith("image/") && file.size <= LARGEST_FILE ? bytesAsAddress(file) : null;
  }
}

function jpegOf(source, width, height) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", JPEG_QUALITY);
}

function bytesAsAddress(file) {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => resolve(null);
    reader.readAsDataURL(file);
  });
}
