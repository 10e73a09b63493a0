/** The parts of a field's panel, each made of what it shows. */

/** @import { Index, Observation, SeasonStatus } from "./answers.d.ts" */
/** @import { Shown } from "./curve_frame.js" */

import { SERIES } from "./colours.js";
import { h } from "./dom.js";
import { pick } from "./state.js";
import { counted, crop, longDay, nameOf, ndvi, percent, said, word } from "./words.js";

/** @type {[keyof Observation, string][]} */
const PROVENANCE = [
  ["acquired_at", "Acquired"],
  ["platform", "Satellite"],
  ["relative_orbit", "Relative orbit"],
  ["scene_ids", "Scenes"],
  ["note", "Note"],
  ["baseline", "Processing baseline"],
  ["offset_rule", "Offset rule"],
  ["mask_policy", "Mask policy"],
  ["algorithm_version", "Algorithm"],
  ["geometry_hash", "Boundary"],
  ["fingerprint", "Fingerprint"],
];

/** @param {string} id */
export const heading = (id) => h("h2", { id: "field-title" }, id);

/** @param {SeasonStatus} season */
export function facts(season) {
  const { last_date: date, last_value: value, end_date: end, missing, counts } = season;
  /** @type {[string, string | null][]} */
  const pairs = [
    ["Crop", crop(season.plant_type)],
    ["Planted", longDay(season.plant_date)],
    ["Ends", end && longDay(end)],
    ["Latest NDVI", date === null ? "no value yet" : `${ndvi(value)} on ${longDay(date)}`],
    ["Season mean", ndvi(season.ndvi_mean)],
    ["Days", `${counts.computed} computed of ${season.days}`],
    ["Missing", missing > 0 ? counted(missing, "day") : null],
    ["Failed", counts.failed > 0 ? counted(counts.failed, "day") : null],
  ];
  return h(
    "dl",
    { class: "facts" },
    ...pairs.filter(([, fact]) => fact).map(([name, fact]) => h("div", {}, h("dt", {}, name), h("dd", {}, fact))),
  );
}

/** The fields beside the first one in the curve, each to be taken away. @param {string[]} ids */
export function chips(ids) {
  return ids.map((id, index) => {
    const swatch = h("i", { class: "swatch" });
    swatch.style.background = `var(${SERIES[index + 1]})`;
    return h(
      "button",
      { class: "chip", "data-keep": `chip-${id}`, "aria-label": `Compare no longer with ${id}`, onclick: () => pick(id, true) },
      swatch,
      `${id} ×`,
    );
  });
}

/** A box to add a field to the curve. @param {(id: string) => void} onChoice */
export function addition(onChoice) {
  const box = h("input", {
    type: "text",
    list: "field-ids",
    placeholder: "Compare with…",
    "aria-label": "Compare with another field",
    autocomplete: "off",
    "data-keep": "compare",
  });
  box.addEventListener("change", () => onChoice(box.value));
  return box;
}

/**
 * Which index the curve is of.
 *
 * @param {Index[]} indices @param {string | undefined} chosen @param {(name: string) => void} onChoice
 */
export function indexPicker(indices, chosen, onChoice) {
  const options = indices.map((index) =>
    h("option", { value: index.name, title: index.title, selected: index.name === chosen }, nameOf(index)),
  );
  const box = h("select", { id: "index", "data-keep": "index" }, ...options);
  box.addEventListener("change", () => onChoice(box.value));
  return h("label", {}, "Index", box);
}

/**
 * Where a number comes from.
 *
 * @param {Observation} one @param {boolean} isOpen @param {(isOpen: boolean) => void} onToggle
 */
export function provenance(one, isOpen, onToggle) {
  const rows = PROVENANCE.flatMap(([name, title]) => {
    const values = [one[name] ?? "–"].flat();
    return [h("dt", {}, title), h("dd", {}, values.length > 0 ? values.join("\n") : "–")];
  });
  const details = h(
    "details",
    { open: isOpen },
    h("summary", {}, "Where this comes from"),
    h("dl", { class: "provenance" }, ...rows),
  );
  details.addEventListener("toggle", () => onToggle(details.open));
  return [h("h3", {}, longDay(one.date)), h("p", {}, said(one).join(", ")), details];
}

/**
 * The numbers of the first field as a table, and files with those of all of them.
 *
 * @param {string} id
 * @param {Shown[]} observations
 * @param {Index | undefined} index That is shown beside NDVI, unless it is NDVI.
 * @param {[words: string, url: URL][]} files
 * @param {string} keep The name by which the table is known.
 * @param {boolean} isOpen
 */
export function numbers(id, observations, index, files, keep, isOpen) {
  return h(
    "section",
    { "aria-labelledby": "table-title" },
    h("h3", { id: "table-title" }, "Numbers"),
    h("p", { class: "buttons" }, ...files.map(([words, url]) => h("a", { class: "button", href: url.href, download: "" }, words))),
    h(
      "details",
      { "data-keep": keep, open: isOpen },
      h("summary", {}, `All ${counted(observations.length, "day")} of ${id}`),
      table(observations.toReversed(), index),
    ),
  );
}

/** @param {Shown[]} observations @param {Index | undefined} index */
function table(observations, index) {
  const other = index && index.name !== "ndvi" ? index : null;
  const isSmoothed = observations.some(({ day }) => day);
  const names = ["Day", "NDVI", ...(other ? [nameOf(other)] : []), ...(isSmoothed ? ["Smoothed"] : []), "Valid", "Answer"];
  const titles = names.map((title) => h("th", { scope: "col" }, title));
  const rows = observations.map(({ one, value, day }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, longDay(one.date)),
      h("td", { class: "number" }, ndvi(one.ndvi_mean)),
      other && h("td", { class: "number" }, ndvi(value)),
      isSmoothed ? h("td", { class: "number" }, ndvi(day?.smoothed)) : null,
      h("td", { class: "number" }, percent(one.valid_fraction ?? 0)),
      h("td", {}, answer(one, day?.isOutlier ?? false)),
    ),
  );
  return h("table", {}, h("thead", {}, h("tr", {}, ...titles)), h("tbody", {}, ...rows));
}

/** @param {Observation} one @param {boolean} isOutlier */
const answer = ({ status, reason }, isOutlier) =>
  `${word(status)}${reason ? `: ${reason}` : ""}${isOutlier ? ", an outlier" : ""}`;
