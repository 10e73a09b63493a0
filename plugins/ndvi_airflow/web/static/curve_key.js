/** The key of the season curve: what is what, of that which is there. */

/** @import { Index, SeasonFigures } from "./answers.d.ts" */
/** @import { Curve } from "./curve_frame.js" */
/** @import { Mark } from "./curve_marks.js" */
/** @import { Known } from "./season.js" */

import { isValued } from "./curve_frame.js";
import { BAND_ERRORS } from "./curve_lines.js";
import { mark } from "./curve_marks.js";
import { h, svg } from "./dom.js";
import { peersOf } from "./season_words.js";
import { classNameOf, crop, word } from "./words.js";

const ICON = 14;

/**
 * @param {Curve} curve The first one.
 * @param {Known} known What is known of it.
 * @param {Index | undefined} index What the values are of, where that has to be said.
 * @param {string} before What is said of earlier seasons; empty if there are none.
 */
export function curveKey(curve, { figures, events }, index, before) {
  return [
    index && h("span", { class: "wide" }, `${index.title}: ${index.formula}`),
    ...observed(curve),
    ...computed(curve),
    before && entry(h("i", { class: "line earlier-line" }), before),
    figures && [figures.start, figures.peak, figures.end].some(Boolean) && phenology(figures),
    events.length > 0 && entry(h("i", { class: "flag" }, "1"), "Events, in the list below"),
    ...(/** @type {const} */ (["computed", "cloudy", "no_scene"])).map((status) =>
      h("span", {}, h("i", { class: `square ${classNameOf(status)}` }), word(status)),
    ),
  ].filter((part) => part instanceof Node);
}

/** @param {Curve} curve */
function observed({ observations }) {
  const points = observations.filter(isValued);
  return [
    points.length > 0 && entry(icon("value"), "Daily means of the field; their area is its valid share"),
    points.some(({ day }) => day?.isOutlier) && entry(icon("outlier"), "Outliers, which do not count"),
    points.some(({ day }) => day?.isProvisional) && entry(icon("provisional"), "Provisional: counts little until the next value"),
  ];
}

/** @param {Curve} curve */
function computed(curve) {
  const smoothed = curve.days.filter((day) => day.smoothed !== null);
  const dashed = smoothed.some(({ isGap }) => isGap) ? ", dashed far from all values" : "";
  const band = smoothed.some(({ error }) => error !== null) ? `; its band is ± ${BAND_ERRORS} standard errors` : "";
  return [
    smoothed.length > 0 && entry(h("i", { class: "line" }), `Smoothed${dashed}${band}`),
    curve.days.length > 0 && peers(curve),
  ];
}

/** @param {Curve} curve */
function peers({ days, season }) {
  const most = Math.max(...days.map((day) => day.peers?.count ?? 0));
  if (most === 0) return h("span", { class: "wide" }, `Too few fields of ${crop(season.plant_type)} to compare with`);
  const words = `Median of ${peersOf(season.plant_type, most)}, as many days after planting; half of them are in its band`;
  return entry(h("i", { class: "line median" }), words);
}

/** @param {SeasonFigures} figures */
function phenology(figures) {
  const kinds = (/** @type {const} */ ([["start", "start of season"], ["peak", "peak"], ["end", "end of season"]]));
  const known = kinds.filter(([kind]) => figures[kind]);
  return h("span", { class: "wide" }, ...known.map(([kind, words]) => h("span", {}, icon(kind), words)));
}

/** @param {Element} symbol @param {string} text */
const entry = (symbol, text) => h("span", { class: "wide" }, symbol, text);

/** @param {Mark} kind */
function icon(kind) {
  const group = kind === "start" || kind === "peak" || kind === "end" ? "phenology" : "points";
  const shape = svg("g", { class: group }, mark(kind, ICON / 2, ICON / 2, ICON / 2 - 2));
  return svg("svg", { width: ICON, height: ICON, "aria-hidden": "true" }, shape);
}
