/** The sheet of a field: its season's curve, what is unusual, pictures, zones and numbers. */

/** @import { Field, Index, Observation, Session } from "./answers.d.ts" */

import * as api from "./api.js";
import { drawCurve } from "./curve.js";
import { makeCurve } from "./curve_frame.js";
import { curveKey } from "./curve_key.js";
import { h, penOf } from "./dom.js";
import { earlierWords, loadEarlier, seasonsBefore } from "./earlier.js";
import { facts } from "./field_parts.js";
import { classes } from "./look_kinds.js";
import { legend } from "./look_parts.js";
import { scaleOf } from "./raster_scale.js";
import { drawLayer, imageOf } from "./raster_view.js";
import { loadSeasons, seasonOf } from "./season.js";
import { eventList, phenology } from "./season_parts.js";
import { crop, longDay, messageOf, nameOf, ndvi, percent, word } from "./words.js";

const PICTURES = 10;
const ZONES = 4;
const ZONES_PIXELS = 480;
const CURVE_PIXELS = 680;

/**
 * @param {Field} field @param {string | null} name Of the season; the last one without. @param {Index} index Of the curve.
 * @param {Index} rasters Of the pictures. @param {Session} session
 */
export async function fieldSheet({ id, properties }, name, index, rasters, { start_date: earliest, last_day: last }) {
  const season = seasonOf(properties, name, last);
  const before = seasonsBefore(properties, season);
  const period = { start: season.plant_date, end: season.end_date };
  const [known, earlier, zones] = await Promise.all([
    loadSeasons(id, [season], period, index.name),
    loadEarlier(id, before, season, index.name, "planting"),
    api.zones(id, { season: season.season, count: ZONES, days: null }).catch((error) => (error instanceof api.NotThere ? null : messageOf(error))),
  ]);
  const begin = season.plant_date > earliest ? season.plant_date : earliest;
  const curve = makeCurve(id, season, begin, known, index.name);
  const box = h("div", { id: "curve" });
  box.style.width = `${CURVE_PIXELS}px`;
  // A box that is on no page yet has no width, and the curve takes it from there.
  Object.defineProperty(box, "clientWidth", { value: Math.min(CURVE_PIXELS, document.body.clientWidth - 32) });
  drawCurve(box, [curve], known, earlier, "", index, () => {});
  const words = earlierWords(earlier, "planting");
  const isLost = typeof zones === "string";
  const zoned = zones && !isLost && classes(id, rasters, { season: season.season, count: ZONES, days: null }, zones);
  return [
    h("header", {}, h("h1", {}, id), h("p", { class: "quiet" }, `${crop(season.plant_type)}, planted ${longDay(season.plant_date)}; as of ${longDay(last)}`)),
    facts(season),
    h("section", {}, h("h2", {}, `Season curve of ${nameOf(index)}`), box, h("div", { id: "curve-key", class: "key" }, ...curveKey(curve, known, index.name === "ndvi" ? undefined : index, words))),
    phenology(known, season.plant_type),
    ...eventList(known, index.name === "ndvi"),
    ...pictures(id, known.observations, rasters),
    isLost && h("p", { class: "problem", role: "alert" }, `The zones could not be loaded: ${zones}`),
    zoned && h("section", {}, h("h2", {}, zoned.title), h("div", { class: "sheet-zones" }, zonePicture(zoned), h("div", {}, ...zoned.parts))),
    numbers(known.observations),
    h("p", { class: "sheet-foot" }, `${nameOf(index)} of Sentinel-2 L2A; means of the field's valid pixels. Made on ${longDay(new Date().toISOString().slice(0, 10))}.`),
  ].filter((part) => part !== null && part !== false);
}

/** @param {string} id @param {Observation[]} observations @param {Index} index */
function pictures(id, observations, index) {
  const shown = observations.filter((one) => one.status === "computed").slice(-PICTURES);
  if (shown.length === 0) return [];
  const days = shown.map((one) => {
    const image = h("img", { src: api.overlayUrl(id, one.date, "png").href, alt: `${nameOf(index)} of ${id} on ${longDay(one.date)}` });
    image.addEventListener("error", () => image.replaceWith(h("span", { class: "quiet" }, "no picture")));
    return h("figure", { class: "sheet-day" }, image, h("figcaption", {}, `${longDay(one.date)}: ${ndvi(one.ndvi_mean)}`));
  });
  return [
    h(
      "section",
      {},
      h("h2", {}, `Latest pictures of ${nameOf(index)}`),
      h("div", { class: "sheet-days" }, ...days),
      h("div", { class: "sheet-scale" }, legend(nameOf(index), scaleOf(index, [], false))),
    ),
  ];
}

/** @param {import("./look_kinds.js").Seen} seen */
function zonePicture({ layers: [layer], title }) {
  const { width, height } = layer.raster;
  const scale = ZONES_PIXELS / Math.max(width, height);
  const canvas = h("canvas", { width: Math.ceil(width * scale), height: Math.ceil(height * scale), role: "img", "aria-label": title });
  drawLayer(penOf(canvas), layer, imageOf(layer), { scale, left: 0, top: 0 });
  return canvas;
}

/** @param {Observation[]} observations */
function numbers(observations) {
  const rows = observations
    .filter((one) => one.ndvi_mean !== null)
    .toReversed()
    .map((one) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, longDay(one.date)),
        h("td", { class: "number" }, ndvi(one.ndvi_mean)),
        h("td", { class: "number" }, ndvi(one.ndvi_std)),
        h("td", { class: "number" }, percent(one.valid_fraction ?? 0)),
        h("td", {}, word(one.status)),
      ),
    );
  const titles = ["Day", "Mean NDVI", "Deviation", "Valid", "Answer"].map((title) => h("th", { scope: "col" }, title));
  return h("div", {}, h("h2", {}, "Numbers"), h("table", {}, h("thead", {}, h("tr", {}, ...titles)), h("tbody", {}, ...rows)));
}
