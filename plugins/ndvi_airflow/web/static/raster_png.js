/** What is seen of a field's pixels as a picture to keep, with its title and legend, on white. */

/** @import { Seen } from "./look_kinds.js" */

import { h, penOf } from "./dom.js";
import { stops } from "./look_parts.js";
import { drawLayer, imageOf } from "./raster_view.js";

const WIDTH = 900;
const SIDE = 24;
const LINE = 24;
const HEAD = 60;
/** How long a browser may take to begin the download. */
const KEPT_MILLISECONDS = 10_000;
const INK = "#1c2328";

/** @param {Seen} seen @param {number} swipe */
export function savePng(seen, swipe) {
  const canvas = paint(seen, swipe);
  canvas.toBlob((blob) => {
    if (!blob) return;
    const url = URL.createObjectURL(blob);
    h("a", { href: url, download: `${seen.file}.png` }).click();
    setTimeout(() => URL.revokeObjectURL(url), KEPT_MILLISECONDS);
  });
}

/** @param {Seen} seen @param {number} swipe */
function paint(seen, swipe) {
  const { raster } = seen.layers[0];
  const scale = Math.min((WIDTH - 2 * SIDE) / raster.width, WIDTH / raster.height);
  const foot = HEAD + raster.height * scale + SIDE;
  const lines = Array.isArray(seen.key) ? seen.key.length + 1 : 4;
  const canvas = h("canvas", { width: WIDTH, height: foot + lines * LINE + SIDE });
  const pen = penOf(canvas);
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  write(pen, seen.title, SIDE, 36, "600 20px");
  const frame = { scale, left: (WIDTH - scale * raster.width) / 2, top: HEAD };
  seen.layers.forEach((layer, number) => {
    pen.save();
    if (number === 1) {
      pen.beginPath();
      pen.rect(WIDTH * swipe, HEAD, WIDTH, foot);
      pen.clip();
      pen.fillStyle = "#fff";
      pen.fillRect(0, HEAD, WIDTH, foot);
    }
    drawLayer(pen, layer, imageOf(layer), frame);
    pen.restore();
  });
  if (seen.layers.length > 1) pen.fillRect(WIDTH * swipe - 1, HEAD, 2, raster.height * scale);
  paintKey(pen, seen, foot);
  return canvas;
}

/** @param {CanvasRenderingContext2D} pen @param {Seen} seen @param {number} top */
function paintKey(pen, { key, keyTitle }, top) {
  write(pen, keyTitle, SIDE, top + 16, "600 15px");
  if (Array.isArray(key)) {
    key.forEach(([colour, words], number) => {
      const y = top + LINE * (number + 1);
      pen.fillStyle = colour;
      pen.fillRect(SIDE, y, 18, 18);
      write(pen, words, SIDE + 26, y + 14, "14px");
    });
    return;
  }
  const width = WIDTH - 2 * SIDE;
  const gradient = pen.createLinearGradient(SIDE, 0, SIDE + width, 0);
  const colours = stops(key.colours);
  colours.forEach((colour, at) => gradient.addColorStop(at / (colours.length - 1), colour));
  pen.fillStyle = gradient;
  pen.fillRect(SIDE, top + LINE, width, 16);
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    pen.textAlign = share === 0 ? "left" : share === 1 ? "right" : "center";
    write(pen, key.say(key.low + share * (key.high - key.low)), SIDE + share * width, top + LINE + 34, "14px");
  }
  pen.textAlign = "left";
  write(pen, key.note, SIDE, top + LINE + 58, "13px");
}

/** @param {CanvasRenderingContext2D} pen @param {string} text @param {number} x @param {number} y @param {string} font */
function write(pen, text, x, y, font) {
  pen.font = `${font} system-ui, sans-serif`;
  pen.textBaseline = "alphabetic";
  pen.fillStyle = INK;
  pen.fillText(text, x, y, WIDTH - 2 * SIDE);
}
