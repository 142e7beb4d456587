/** Colours of expressions, and faces drawn over a picture. */

/** Colour of each expression (Okabe and Ito 2008), as on the package's own drawings. */
export const PALETTE = {
  neutral: "#56b4e9",
  happiness: "#f0e442",
  surprise: "#e69f00",
  sadness: "#0072b2",
  anger: "#d55e00",
  disgust: "#009e73",
  fear: "#cc79a7",
  contempt: "#000000",
};
/** Colour of a face for which no expression is named. */
export const UNNAMED_COLOUR = "#bbbbbb";
/** The eight expressions in the order of every distribution. */
export const EXPRESSIONS = Object.keys(PALETTE);

const LABEL_FONT = "600 13px system-ui, sans-serif";
const LABEL_HEIGHT = 19;
const LABEL_PAD = 5;
/** Above the face, below it, within it. */
const PLACES = 3;

/**
 * Return the colour of an expression; of anything else that of no expression.
 * @param {string|null} term Id of one of the eight.
 */
export function colourOf(term) {
  return Object.hasOwn(PALETTE, term ?? "") ? PALETTE[term] : UNNAMED_COLOUR;
}

/**
 * Return black or white, whichever stands out more from a colour by the WCAG 2 relative luminance.
 * @param {string} colour As `#rrggbb`.
 */
export function inkOn(colour) {
  const parts = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16) / 255);
  const [red, green, blue] = parts.map((one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

/**
 * Draw boxes and labels on a canvas that lies over a picture of the same shape; what was on it is gone.
 * @param {HTMLCanvasElement} canvas The canvas; its resolution is set here, its size by the page's style.
 * @param {Array<{box: {x: number, y: number, width: number, height: number}, texts: string[], colour: string,
 *   dashed?: boolean}>} faces Boxes in pixels of the picture; what the label may say, longest first.
 * @param {{width: number, height: number, chosen?: number}} options Size of the picture in pixels; which face is
 *   chosen.
 */
export function drawFaces(canvas, faces, { width, height, chosen = -1 }) {
  const [wide, high] = [canvas.clientWidth, canvas.clientHeight];
  if (!wide || !high || !width || !height) return;
  const density = window.devicePixelRatio || 1;
  [canvas.width, canvas.height] = [Math.round(wide * density), Math.round(high * density)];
  const brush = canvas.getContext("2d");
  brush.setTransform(density, 0, 0, density, 0, 0);
  const areas = faces.map(({ box }) => scaledArea(box, wide / width, high / height));
  faces.forEach((face, index) => drawFrame(brush, areas[index], face, index === chosen));
  drawFaceLabels(brush, faces, areas, { wide, high });
}

/**
 * Return the index of the smallest face at a place in the picture, -1 if there is none.
 * @param {Array<{box: object}>} faces The faces.
 * @param {number} x Pixels from the left.
 * @param {number} y Pixels from the top.
 */
export function faceAt(faces, x, y) {
  const inside = ({ box }) => x >= box.x && y >= box.y && x <= box.x + box.width && y <= box.y + box.height;
  const found = faces.map((face, index) => ({ face, index })).filter(({ face }) => inside(face));
  found.sort((one, other) => one.face.box.width * one.face.box.height - other.face.box.width * other.face.box.height);
  return found.length ? found[0].index : -1;
}

function scaledArea(box, across, down) {
  return { x: box.x * across, y: box.y * down, width: box.width * across, height: box.height * down };
}

function drawFrame(brush, area, face, isChosen) {
  const thick = isChosen ? 5 : 3;
  // A line of the opposite lightness below keeps the box visible on any picture.
  for (const [colour, line] of [[inkOn(face.colour), thick + 2], [face.colour, thick]]) {
    brush.strokeStyle = colour;
    brush.lineWidth = line;
    brush.setLineDash(face.dashed && colour === face.colour ? [8, 5] : []);
    brush.strokeRect(area.x, area.y, area.width, area.height);
  }
  brush.setLineDash([]);
}

function drawFaceLabels(brush, faces, areas, size) {
  brush.font = LABEL_FONT;
  brush.textBaseline = "middle";
  const placed = [];
  faces.forEach((face, index) => {
    const places = [...labelPlaces(brush, face, areas[index], size)];
    const free = (some, taken) => some.find((one) => !taken.some((other) => areasOverlap(one, other)));
    // Where each place covers a face, the shortest text has to do, as long as it covers no other label.
    const label = free(places, [...placed, ...areas]) ?? free(places.slice(-PLACES), placed);
    if (!label) return;
    placed.push(label);
    drawLabel(brush, label, face.colour);
  });
}

function drawLabel(brush, label, colour) {
  brush.fillStyle = colour;
  brush.fillRect(label.x, label.y, label.width, label.height);
  brush.fillStyle = inkOn(colour);
  brush.fillText(label.text, label.x + LABEL_PAD, label.y + LABEL_HEIGHT / 2 + 0.5);
}

/** Where a label may stand, the longest text first: above the face, below it, within it. */
function* labelPlaces(brush, face, area, { wide, high }) {
  for (const text of face.texts) {
    const width = brush.measureText(text).width + 2 * LABEL_PAD;
    if (width > wide) continue;
    const x = Math.min(Math.max(area.x, 0), wide - width);
    for (const top of [area.y - LABEL_HEIGHT, area.y + area.height, area.y]) {
      yield { x, y: Math.min(Math.max(top, 0), high - LABEL_HEIGHT), width, height: LABEL_HEIGHT, text };
    }
  }
}

function areasOverlap(one, other) {
  const across = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
  const down = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
  return across > 0 && down > 0;
}
