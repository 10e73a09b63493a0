/** What is seen of a field's pixels, by kind: its layers, what is said of a pixel, its legend and files. */

/** @import { Index, PixelsAnswer, ZonesAnswer } from "./answers.d.ts" */
/** @import { Layer, Pixel } from "./raster_view.js" */
/** @import { Scale } from "./raster_scale.js" */

import * as api from "./api.js";
import { h } from "./dom.js";
import { drawHistogram } from "./histogram.js";
import { legend } from "./look_parts.js";
import { classesOf, middlesOf, pixelsOf, valueAt } from "./raster.js";
import { colourOf, coloursOfZones, scaleOf, scaleOfDifference } from "./raster_scale.js";
import { counted, longDay, nameOf, ndvi } from "./words.js";

const HINT = "Point at a pixel for its value, or use the arrow keys.";

/**
 * @typedef {object} Seen
 * @property {string} title
 * @property {string} file Its name as a picture, without the extension.
 * @property {string} hint Said while no pixel is pointed at.
 * @property {Layer[]} layers
 * @property {[colour: string, words: string][] | Scale} key Of the colours.
 * @property {string} keyTitle
 * @property {(pixel: Pixel) => string} say
 * @property {Element[]} parts Beside the picture.
 * @property {[words: string, url: URL][]} files
 * @property {string[]} [days] That zones are made of.
 */

/** @param {string} id @param {Index} index @param {PixelsAnswer} answer @param {boolean} isRelative @returns {Seen} */
export function oneDay(id, index, answer, isRelative) {
  const scale = scaleOf(index, [answer], isRelative);
  return {
    ...plain(id, `${nameOf(index)} of ${id} on ${longDay(answer.day)}`, `${index.name}_${answer.day}`),
    ...painted(nameOf(index), scale, [answer]),
    parts: [legend(nameOf(index), scale), ...spread(answer, scale)],
    files: [["GeoTIFF", api.pixelsUrl(id, answer.day, null, "tif")]],
  };
}

/** @param {string} id @param {PixelsAnswer} answer @param {boolean} isRelative @returns {Seen} */
export function differenceOf(id, answer, isRelative) {
  const scale = scaleOfDifference([answer], isRelative);
  const minus = answer.minus ?? "";
  return {
    ...plain(id, `NDVI of ${id}: ${longDay(answer.day)} less ${longDay(minus)}`, `ndvi_${answer.day}_minus_${minus}`),
    ...painted("Difference of NDVI", scale, [answer]),
    parts: [legend("Difference of NDVI", scale), ...spread(answer, scale)],
    files: [["GeoTIFF", api.pixelsUrl(id, answer.day, minus, "tif")]],
  };
}

/** @param {string} id @param {Index} index @param {PixelsAnswer} one @param {PixelsAnswer} other @param {boolean} isRelative @returns {Seen} */
export function twoDays(id, index, one, other, isRelative) {
  const scale = scaleOf(index, [one, other], isRelative);
  const days = [one.day, other.day];
  const [left, right] = days.map(longDay);
  return {
    ...plain(id, `${nameOf(index)} of ${id}: ${left} on the left, ${right} on the right`, `${index.name}_${days.join("_")}`),
    ...painted(nameOf(index), scale, [one, other]),
    say: (pixel) =>
      [one, other]
        .map((answer) => `${longDay(answer.day)} ${numberOf(pixelsOf(answer), shifted(pixel, offsetOf(one, answer)), scale)}`)
        .join(", "),
    parts: [legend(nameOf(index), scale)],
    files: days.map((day) => [`GeoTIFF, ${longDay(day)}`, api.pixelsUrl(id, day, null, "tif")]),
  };
}

/** @param {string} id @param {Index} index @param {api.ZonesWanted} asked @param {ZonesAnswer} answer @returns {Seen} */
export function classes(id, index, asked, answer) {
  const raster = classesOf(answer);
  const colours = coloursOfZones(index, asked.count);
  /** @param {number} zone @returns {[number, number, number]} */
  const colour = (zone) => {
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colours[zone - 1].slice(at, at + 2), 16));
    return [red, green, blue];
  };
  const byZone = new Map(answer.zones.map((one) => [one.zone, one]));
  /** @param {number} zone */
  const words = (zone) => `zone ${zone}: ${byZone.get(zone)?.area_ha.toFixed(2)} ha, mean ${ndvi(byZone.get(zone)?.mean)}`;
  const [first, last] = [answer.days[0], answer.days.at(-1) ?? ""];
  return {
    ...plain(id, `Zones of ${id} by ${nameOf(index)}, ${longDay(first)} to ${longDay(last)}`, `${index.name}_zones_${first}_${last}`),
    layers: [{ raster, colour, labels: middlesOf(raster), offset: { column: 0, row: 0 } }],
    keyTitle: `Zones by the median of ${counted(answer.days.length, "day")}`,
    key: answer.zones.map(({ zone }) => [colours[zone - 1], words(zone)]),
    say: (pixel) => {
      const zone = valueAt(raster, pixel);
      return Number.isNaN(zone) ? "outside the field" : words(zone);
    },
    days: answer.days,
    parts: [zoneTable(answer, colours)],
    files: [
      ["GeoJSON", api.zonesUrl(id, asked, "geojson")],
      ["GeoTIFF", api.zonesUrl(id, asked, "tif")],
    ],
  };
}

/** @param {ZonesAnswer} answer @param {string[]} colours */
function zoneTable({ zones, days, left_out: others }, colours) {
  const rows = zones.map(({ zone, area_ha: area, mean }) => {
    const swatch = h("i", { class: "swatch" });
    swatch.style.background = colours[zone - 1];
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, swatch, `${zone}`),
      h("td", { class: "number" }, `${area.toFixed(2)} ha`),
      h("td", { class: "number" }, ndvi(mean)),
    );
  });
  const titles = ["Zone", "Area", "Mean NDVI"].map((title) => h("th", { scope: "col" }, title));
  const left = others.length > 0 ? ` ${counted(others.length, "day")} on another grid or of another boundary left out.` : "";
  const words = `Quantiles of the median of ${counted(days.length, "day")}, pixel by pixel; 1 is the lowest. Patches of less than 10 pixels join their neighbours.${left}`;
  return h(
    "div",
    {},
    h("table", { class: "zones" }, h("thead", {}, h("tr", {}, ...titles)), h("tbody", {}, ...rows)),
    h("p", { class: "quiet" }, words),
  );
}

/** @param {string} id @param {string} title @param {string} file */
const plain = (id, title, file) => ({ title, file: `${id}_${file}`, hint: HINT });

/** @param {string} title @param {Scale} scale @param {PixelsAnswer[]} answers */
function painted(title, scale, answers) {
  const rasters = answers.map(pixelsOf);
  /** @param {number} value */
  const colour = (value) => colourOf(scale, value);
  return {
    layers: rasters.map((raster, at) => ({ raster, colour, offset: offsetOf(answers[0], answers[at]) })),
    key: scale,
    keyTitle: title,
    say: (/** @type {Pixel} */ pixel) => `${title} ${numberOf(rasters[0], pixel, scale)}${groundOf(answers[0], pixel)}`,
  };
}

/** @param {import("./raster.js").Raster} raster @param {Pixel} pixel @param {Scale} scale */
function numberOf(raster, pixel, scale) {
  const isWithin = pixel.column >= 0 && pixel.row >= 0 && pixel.column < raster.width && pixel.row < raster.height;
  const value = isWithin ? valueAt(raster, pixel) : NaN;
  return Number.isNaN(value) ? "without a value" : scale.say(value);
}

/** Where a pixel's middle is. @param {PixelsAnswer} answer @param {Pixel} pixel */
function groundOf({ transform: [a, , c, , e, f], epsg }, { column, row }) {
  const [east, north] = [c + a * (column + 0.5), f + e * (row + 0.5)].map((metres) => Math.round(metres).toLocaleString("en"));
  return `, ${east} m east, ${north} m north (EPSG:${epsg})`;
}

/** How many columns and rows a raster begins after another one. @param {PixelsAnswer} first @param {PixelsAnswer} answer */
function offsetOf(first, answer) {
  if (first.epsg !== answer.epsg) {
    const [one, other] = [first, answer].map(({ day, epsg }) => `${longDay(day)} (EPSG:${epsg})`);
    throw new Error(`The pixels of ${one} and ${other} are on the grids of two UTM zones: choose two days on the same one.`);
  }
  const [size, , west, , height, north] = answer.transform;
  return { column: Math.round((west - first.transform[2]) / size), row: Math.round((north - first.transform[5]) / height) };
}

/** @param {Pixel} pixel @param {Pixel} offset */
const shifted = ({ column, row }, offset) => ({ column: column - offset.column, row: row - offset.row });

/** @param {PixelsAnswer} answer @param {Scale} scale */
function spread({ histogram, statistics }, scale) {
  if (!histogram || !statistics) return [h("p", { class: "quiet" }, "No pixel has a value.")];
  const { p2, mean, p98, pixels } = statistics;
  /** @type {[string, string][]} */
  const facts = [
    ["2nd percentile", scale.say(p2)],
    ["Mean", scale.say(mean)],
    ["98th percentile", scale.say(p98)],
    ["Pixels", String(Math.round(pixels))],
  ];
  return [
    drawHistogram(histogram, statistics, scale),
    h("dl", { class: "facts" }, ...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
  ];
}
