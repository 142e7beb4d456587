/** Whether a picture moves, by what its file says of itself. */

/** So much of a file is looked at: the second picture of an animation begins long before. */
const MOST_BYTES = 4 * 2 ** 20;
/** Place and bit in a WebP file that say that it is animated (VP8X chunk, RFC 9649, section 2.7). */
const [WEBP_FLAGS, WEBP_ANIMATED] = [20, 0x02];

/**
 * Return whether a GIF or WebP file holds more than one picture.
 * @param {Blob} file The file.
 * @returns {Promise<boolean>}
 */
export async function isAnimated(file) {
  const bytes = new Uint8Array(await file.slice(0, MOST_BYTES).arrayBuffer());
  const text = (from, to) => String.fromCharCode(...bytes.subarray(from, to));
  if (text(0, 4) === "RIFF") return text(8, 16) === "WEBPVP8X" && (bytes[WEBP_FLAGS] & WEBP_ANIMATED) !== 0;
  return text(0, 3) === "GIF" && gifPictures(bytes) > 1;
}

/** Count the pictures of a GIF up to two, block by block (GIF89a, sections 17 to 26). */
function gifPictures(bytes) {
  const table = (flags) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let at = 13 + table(bytes[10]);
  let count = 0;
  while (at < bytes.length && count < 2) {
    if (bytes[at] === 0x2c) {
      count += 1;
      at = afterBlocks(bytes, at + 11 + table(bytes[at + 9]));
    } else if (bytes[at] === 0x21) at = afterBlocks(bytes, at + 2);
    else break;
  }
  return count;
}

/** Return where the sub-blocks that begin here are over. */
function afterBlocks(bytes, begin) {
  let at = begin;
  while (at < bytes.length && bytes[at]) at += bytes[at] + 1;
  return at + 1;
}
