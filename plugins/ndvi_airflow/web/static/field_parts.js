/** The parts of a field's panel, each made of what it shows. */

/** @import { Field, FieldStatus, Index, Observation } from "./answers.d.ts" */

import * as api from "./api.js";
import { SERIES } from "./colours.js";
import { GAP_DAYS, LAMBDA } from "./curve.js";
import { meanOf } from "./curve_frame.js";
import { byId, h } from "./dom.js";
import { change, pick } from "./state.js";
import { classNameOf, counted, crop, longDay, nameOf, ndvi, percent, said, shortDay, word } from "./words.js";

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

/** @param {FieldStatus} properties */
export function facts(properties) {
  const { last_date: date, last_value: value, end_date: end, missing, counts } = properties;
  /** @type {[string, string | null][]} */
  const pairs = [
    ["Crop", crop(properties.plant_type)],
    ["Planted", longDay(properties.plant_date)],
    ["Ends", end && longDay(end)],
    ["Latest NDVI", date === null ? "no value yet" : `${ndvi(value)} on ${shortDay(date)}`],
    ["Season mean", ndvi(properties.ndvi_mean)],
    ["Days", `${counts.computed} computed of ${properties.days}`],
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
 * What is what in the curve.
 *
 * @param {string} [mean] The name of its mean.
 * @param {Index} [index] What the values are of, where that has to be said.
 */
export function curveKey(mean, index) {
  /** @param {string} name @param {string} text */
  const swatch = (name, text) => h("span", {}, h("i", { class: name }), text);
  return [
    ...(index ? [h("span", { class: "wide" }, `${index.title}: ${index.formula}`)] : []),
    h("span", { class: "wide" }, "Points: daily means, their area the valid share of the field"),
    swatch("line", `Line: Whittaker smoother, λ = ${LAMBDA}; dashed over gaps of more than ${GAP_DAYS} days`),
    ...(mean ? [swatch("line mean", mean)] : []),
    ...(/** @type {const} */ (["computed", "cloudy", "no_scene"])).map((status) =>
      swatch(`square ${classNameOf(status)}`, word(status)),
    ),
  ];
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
 * The pictures of a field's days, the newest first; nothing if there are none.
 *
 * @param {string} id @param {Observation[]} observations
 */
export function pictures(id, observations) {
  const shown = observations.filter((one) => one.ndvi_mean !== null).toReversed();
  if (shown.length === 0) return [];
  return [
    h(
      "section",
      { "aria-labelledby": "strip-title" },
      h("h3", { id: "strip-title" }, "Pictures"),
      h("ul", { class: "strip" }, ...shown.map((one) => h("li", {}, picture(id, one)))),
    ),
  ];
}

/** @param {string} id @param {Observation} one */
function picture(id, one) {
  const image = h("img", { src: api.overlayUrl(id, one.date, "png").href, alt: "", loading: "lazy" });
  image.addEventListener("error", () => image.remove());
  return h(
    "button",
    { onclick: () => enlarge(id, one), "data-keep": `picture-${one.date}`, "aria-label": `${longDay(one.date)}: enlarge` },
    image,
    h("span", {}, shortDay(one.date)),
    h("span", { class: "quiet" }, ndvi(one.ndvi_mean)),
  );
}

/** @param {string} id @param {Observation} one */
function enlarge(id, one) {
  const name = `NDVI of ${id} on ${longDay(one.date)}`;
  const image = byId("picture-image", HTMLImageElement);
  byId("picture-title").textContent = name;
  image.src = api.pictureUrl(id, one.date).href;
  image.alt = `${name}: ${said(one).join(", ")}`;
  change({ date: one.date });
  byId("picture", HTMLDialogElement).showModal();
}

/**
 * The numbers of the first field as a table, and those of all of them as files.
 *
 * @param {Field[]} fields
 * @param {Observation[]} observations Of the first one.
 * @param {Index | undefined} index That is shown beside NDVI, unless it is NDVI.
 * @param {string} keep The name by which the table is known.
 * @param {boolean} isOpen
 */
export function numbers(fields, observations, index, keep, isOpen) {
  const [{ id }] = fields;
  const ids = fields.map((field) => field.id);
  const geojson = new Blob([JSON.stringify({ type: "FeatureCollection", features: fields })], {
    type: "application/geo+json",
  });
  const csv = ids.length > 1 ? api.severalUrl(ids, "csv") : api.observationsUrl(id, "csv");
  const name = ids.length > 1 ? "fields" : id;
  return h(
    "section",
    { "aria-labelledby": "table-title" },
    h("h3", { id: "table-title" }, "Numbers"),
    h(
      "p",
      { class: "buttons" },
      h("a", { class: "button", href: csv.href, download: `${name}.csv` }, "CSV"),
      h("a", { class: "button", href: URL.createObjectURL(geojson), download: `${name}.geojson` }, "GeoJSON"),
    ),
    h(
      "details",
      { "data-keep": keep, open: isOpen },
      h("summary", {}, `All ${counted(observations.length, "day")} of ${id}`),
      table(observations.toReversed(), index),
    ),
  );
}

/** @param {Observation[]} observations @param {Index | undefined} index */
function table(observations, index) {
  const other = index && index.name !== "ndvi" ? index : null;
  const names = ["Day", "NDVI", ...(other ? [nameOf(other)] : []), "Valid", "Answer"];
  const titles = names.map((title) => h("th", { scope: "col" }, title));
  const rows = observations.map((one) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, one.date),
      h("td", { class: "number" }, ndvi(one.ndvi_mean)),
      other && h("td", { class: "number" }, ndvi(meanOf(one, other.name))),
      h("td", { class: "number" }, percent(one.valid_fraction ?? 0)),
      h("td", {}, one.reason ? `${word(one.status)}: ${one.reason}` : word(one.status)),
    ),
  );
  return h("table", {}, h("thead", {}, h("tr", {}, ...titles)), h("tbody", {}, ...rows));
}
