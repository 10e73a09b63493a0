/** Rasters of a field as the API gives them: values on a grid of pixels, and the outline of what was computed. */

/** @import { PixelsAnswer, ZonesAnswer } from "./answers.d.ts" */

/**
 * @typedef {object} Raster
 * @property {number} width Pixels.
 * @property {number} height
 * @property {ArrayLike<number>} values Row by row from the upper left pixel; NaN where there is none.
 * @property {[number, number][][]} outline Rings in columns and rows.
 */

/** @param {PixelsAnswer} answer @returns {Raster} */
export const pixelsOf = (answer) => ({ ...gridOf(answer), values: new Float32Array(bytesOf(answer.values).buffer) });

/** The numbers of the zones; NaN outside the field. @param {ZonesAnswer} answer @returns {Raster} */
export const classesOf = (answer) => ({
  ...gridOf(answer),
  values: Float32Array.from(bytesOf(answer.classes), (zone) => zone || NaN),
});

/** @param {Pick<Raster, "width" | "height" | "outline">} answer */
const gridOf = ({ width, height, outline }) => ({ width, height, outline });

/** @param {string} text In base64. */
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** The value of a pixel; NaN where there is none. @param {Raster} raster @param {{column: number, row: number}} pixel */
export const valueAt = ({ width, values }, { column, row }) => values[row * width + column];

/**
 * The pixel of each zone that is nearest to the middle of it, by the zones' numbers.
 *
 * @param {Raster} raster
 * @returns {Map<number, {column: number, row: number}>}
 */
export function middlesOf({ width, values }) {
  /** @type {Map<number, {column: number, row: number}[]>} */
  const pixels = new Map();
  Array.from(values).forEach((zone, at) => {
    if (Number.isNaN(zone)) return;
    const pixel = { column: at % width, row: Math.floor(at / width) };
    pixels.get(zone)?.push(pixel) ?? pixels.set(zone, [pixel]);
  });
  return new Map([...pixels].map(([zone, own]) => [zone, nearestToMiddle(own)]));
}

/** @param {{column: number, row: number}[]} pixels */
function nearestToMiddle(pixels) {
  /** @param {"column" | "row"} axis */
  const mean = (axis) => pixels.reduce((sum, pixel) => sum + pixel[axis], 0) / pixels.length;
  const [column, row] = [mean("column"), mean("row")];
  /** @param {{column: number, row: number}} pixel */
  const away = (pixel) => (pixel.column - column) ** 2 + (pixel.row - row) ** 2;
  return pixels.reduce((best, pixel) => (away(pixel) < away(best) ? pixel : best));
}
