/** Makes JPEG pictures beside the page: on the page's own thread browsers put that off until they have nothing to do. */

let canvas = null;
let context = null;

addEventListener("message", async ({ data: { id, bitmap, quality } }) => {
  try {
    postMessage({ id, jpeg: await jpegOf(bitmap, quality) });
  } catch (error) {
    postMessage({ id, error: String(error) });
  }
});

function jpegOf(bitmap, quality) {
  if (canvas?.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  }
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.convertToBlob({ type: "image/jpeg", quality });
}
