/** What of a field can be kept: files of what is shown, and sheets to print. */

/** @import { SeasonStatus } from "./answers.d.ts" */
/** @import { Known } from "./season.js" */

import * as api from "./api.js";
import { h } from "./dom.js";
import { crop } from "./words.js";

/** The days of a season. @param {SeasonStatus} season @returns {api.Period} */
export const periodOf = (season) => ({ start: season.plant_date, end: season.end_date });

/**
 * What can be downloaded: the rows of all fields, and the rest of the first one.
 *
 * @param {string[]} ids @param {SeasonStatus} season @param {Known} known @param {string} index
 * @returns {[words: string, url: URL][]}
 */
export function filesOf([id, ...others], season, { figures, observations }, index) {
  const period = periodOf(season);
  /** @param {"csv" | "parquet"} format */
  const rows = (format) => api.observationsUrl([id, ...others], period, format);
  /** @type {[string, URL][]} */
  const series = figures ? [["Daily series (CSV)", api.seriesUrl(id, season.season, index, "csv")]] : [];
  /** @type {[string, URL][]} */
  const rasters = observations.some((one) => one.ndvi_mean !== null) ? [["All GeoTIFFs (ZIP)", api.rastersUrl(id, period)]] : [];
  return [["CSV", rows("csv")], ["Parquet", rows("parquet")], ...series, ["Boundary (GeoJSON)", api.fieldUrl(id)], ...rasters];
}

/** The sheets to print: of the field in its season, and of its crop. @param {string} id @param {SeasonStatus} season @param {string} index */
export function sheets(id, { season, plant_type: type, plant_date: planted }, index) {
  return h(
    "p",
    { class: "buttons" },
    h("a", { class: "button", href: api.sheetUrl({ field: id, season, index }) }, "Sheet of the field"),
    h("a", { class: "button", href: api.sheetUrl({ crop: type, year: planted.slice(0, 4) }) }, `Sheet of ${crop(type)}`),
  );
}
