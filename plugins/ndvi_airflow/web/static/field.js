/** The panel of a field: its facts, season, pictures and numbers, and the fields that it is compared with. */

import * as api from "./api.js";
import { SERIES } from "./colours.js";
import { GAP_DAYS, LAMBDA, drawCurve, said, valued } from "./curve.js";
import { byId, h } from "./dom.js";
import { change, pick, state, watch } from "./state.js";
import { counted, crop, longDay, ndvi, percent, shortDay, why, word } from "./words.js";

const MOST_COMPARED = SERIES.length;
const PROVENANCE = [
  ["scene_ids", "Scenes"],
  ["baseline", "Processing baseline"],
  ["offset_rule", "Offset rule"],
  ["mask_policy", "Mask policy"],
  ["algorithm_version", "Algorithm"],
  ["geometry_hash", "Boundary"],
  ["fingerprint", "Fingerprint"],
];

/** @type {Map<string, any[]>} The observations of fields, as they were loaded for the season that is shown. */
let loaded = new Map();
let isProvenanceOpen = false;
let wanted = 0;

/** Wire the panel up. */
export function startField() {
  watch(["field", "season"], load);
  watch(["date"], () => {
    curve();
    provenance();
  });
  new ResizeObserver(() => loaded.size > 0 && curve()).observe(byId("panel"));
  byId("panel").addEventListener("keydown", (event) => event.key === "Escape" && change({ field: [] }));
}

const featureOf = (id) => state.fields[state.season?.rows.get(id) ?? -1];
const present = () => state.field.filter((id) => featureOf(id)).slice(0, MOST_COMPARED);

async function load() {
  const ids = present();
  document.body.classList.toggle("with-panel", ids.length > 0 || !byId("upload").hidden);
  if (ids.length === 0) {
    byId("field").hidden = true;
    byId("field").replaceChildren();
    loaded = new Map();
    return;
  }
  const asked = ++wanted;
  try {
    const found = await Promise.all(ids.map((id) => api.observations(id)));
    if (asked !== wanted) return;
    loaded = new Map(ids.map((id, index) => [id, found[index]]));
    render(ids);
  } catch (error) {
    if (asked !== wanted) return;
    byId("field").replaceChildren(
      h("h2", { id: "field-title" }, ids[0]),
      h("p", { class: "problem", role: "alert" }, error.message),
    );
    byId("field").hidden = false;
  }
}

function render(ids) {
  const [id] = ids;
  const { properties } = featureOf(id);
  const hadFocus = byId("field").contains(document.activeElement) ? document.activeElement.dataset.keep : null;
  const opened = new Set(Array.from(byId("field").querySelectorAll("details[open]"), (one) => one.dataset.keep));
  byId("field").replaceChildren(
    h(
      "header",
      {},
      h("h2", { id: "field-title" }, id),
      h("button", { class: "icon", "aria-label": "Close", "data-keep": "close", onclick: () => change({ field: [] }) }, "×"),
    ),
    facts(properties),
    compared(ids),
    h("div", { id: "curve" }),
    h("div", { id: "curve-key", class: "key" }),
    h("div", { id: "provenance" }),
    strip(id),
    table(id, ids, opened),
  );
  byId("field").hidden = false;
  curve();
  provenance();
  if (hadFocus) byId("field").querySelector(`[data-keep="${CSS.escape(hadFocus)}"]`)?.focus();
}

function facts(properties) {
  const latest = properties.last_date === null ? "no value yet" : `${ndvi(properties.last_value)} on ${shortDay(properties.last_date)}`;
  const pairs = [
    ["Crop", crop(properties.plant_type)],
    ["Planted", longDay(properties.plant_date)],
    ["Ends", properties.end_date && longDay(properties.end_date)],
    ["Latest NDVI", latest],
    ["Season mean", ndvi(properties.ndvi_mean)],
    ["Days", `${properties.counts.computed} computed of ${properties.days}`],
    ["Missing", properties.missing > 0 ? counted(properties.missing, "day") : null],
    ["Failed", properties.counts.failed > 0 ? counted(properties.counts.failed, "day") : null],
  ];
  return h(
    "dl",
    { class: "facts" },
    ...pairs.filter(([, value]) => value).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

/** The fields in the curve, each to be taken away, and a box to add one. */
function compared(ids) {
  const chips = ids.slice(1).map((id, index) => {
    const chip = h(
      "button",
      { class: "chip", "data-keep": `chip-${id}`, "aria-label": `Compare no longer with ${id}`, onclick: () => pick(id, true) },
      h("i", { class: "swatch" }),
      `${id} ×`,
    );
    chip.firstChild.style.background = `var(${SERIES[index + 1]})`;
    return chip;
  });
  const box = h("input", {
    type: "text",
    list: "field-ids",
    placeholder: "Compare with…",
    "aria-label": "Compare with another field",
    autocomplete: "off",
    "data-keep": "compare",
    onchange: () => {
      if (state.season.rows.has(box.value) && !ids.includes(box.value)) pick(box.value, true);
    },
  });
  return h("div", { class: "compare" }, ...chips, ids.length < MOST_COMPARED ? box : null);
}

function curve() {
  const box = byId("curve");
  if (!box) return;
  const ids = present().filter((id) => loaded.has(id));
  if (ids.length === 0) return;
  const series = ids.map((id) => ({ name: id, plantDate: featureOf(id).properties.plant_date, observations: loaded.get(id) }));
  const mean = cropMean(featureOf(ids[0]).properties.plant_type);
  const date = state.date ?? state.season.end;
  drawCurve(box, series, mean, date, (number, one) => {
    isProvenanceOpen = true;
    change({ field: [ids[number], ...ids.filter((id) => id !== ids[number])], date: one.date });
    provenance();
  });
  const swatch = (name, text) => h("span", {}, h("i", { class: name }), text);
  byId("curve-key").replaceChildren(
    h("span", {}, "Points: daily means, their area the valid share of the field"),
    swatch("line", `Line: Whittaker smoother, λ = ${LAMBDA}; dashed over gaps of more than ${GAP_DAYS} days`),
    ...(mean ? [swatch("line mean", mean.name)] : []),
    ...["computed", "cloudy", "no_scene"].map((status) => swatch(`square ${status.replaceAll("_", "-")}`, word(status))),
  );
}

/** The mean of all fields of a crop, on the days on which one of them has a value. */
function cropMean(type) {
  const { season, fields } = state;
  const rows = fields.flatMap(({ properties }, row) => (properties.plant_type === type ? [row] : []));
  if (rows.length < 2) return null;
  const values = Array.from({ length: season.length }, (_, column) => {
    const known = rows.map((row) => season.value(row, column)).filter((value) => value !== null);
    return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
  });
  return { name: `Mean of ${counted(rows.length, "field")} of ${crop(type)}`, start: season.start, values };
}

/** Where the number of the map's day comes from, or the last one if that day has none. */
function provenance() {
  const box = byId("provenance");
  const observations = loaded.get(present()[0]) ?? [];
  const one =
    observations.find(({ date }) => date === state.date) ?? valued(observations).at(-1) ?? observations.at(-1);
  if (!box || !one) return;
  const pairs = PROVENANCE.map(([name, title]) => [title, [one[name] ?? "–"].flat()]);
  box.replaceChildren(
    h("h3", {}, longDay(one.date)),
    h("p", {}, said(one).join(", ")),
    h(
      "details",
      { open: isProvenanceOpen, ontoggle: (event) => (isProvenanceOpen = event.target.open) },
      h("summary", {}, "Where this comes from"),
      h(
        "dl",
        { class: "provenance" },
        ...pairs.flatMap(([title, values]) => [h("dt", {}, title), h("dd", {}, values.length > 0 ? values.join("\n") : "–")]),
      ),
    ),
  );
}

/** The pictures of a field's days, the newest first. */
function strip(id) {
  const shown = (loaded.get(id) ?? []).filter((one) => one.ndvi_mean !== null).toReversed();
  if (shown.length === 0) return null;
  return h(
    "section",
    { "aria-labelledby": "strip-title" },
    h("h3", { id: "strip-title" }, "Pictures"),
    h(
      "ul",
      { class: "strip" },
      ...shown.map((one) =>
        h(
          "li",
          {},
          h(
            "button",
            { onclick: () => enlarge(id, one), "data-keep": `picture-${one.date}`, "aria-label": `${longDay(one.date)}: enlarge` },
            h("img", { src: api.overlayUrl(id, one.date, "png").href, alt: "", loading: "lazy", onerror: (event) => event.target.remove() }),
            h("span", {}, shortDay(one.date)),
            h("span", { class: "quiet" }, ndvi(one.ndvi_mean)),
          ),
        ),
      ),
    ),
  );
}

function enlarge(id, one) {
  const dialog = byId("picture");
  const name = `NDVI of ${id} on ${longDay(one.date)}`;
  byId("picture-title").textContent = name;
  byId("picture-image").src = api.pictureUrl(id, one.date).href;
  byId("picture-image").alt = `${name}: ${said(one).join(", ")}`;
  change({ date: one.date });
  dialog.showModal();
}

function table(id, ids, opened) {
  const rows = (loaded.get(id) ?? []).toReversed();
  const geojson = new Blob([JSON.stringify({ type: "FeatureCollection", features: ids.map(featureOf) })], {
    type: "application/geo+json",
  });
  const link = (text, href, name) => h("a", { class: "button", href, download: name }, text);
  const csv = ids.length > 1 ? api.severalUrl(ids, "csv") : api.observationsUrl(id, "csv");
  const name = ids.length > 1 ? "fields" : id;
  return h(
    "section",
    { "aria-labelledby": "table-title" },
    h("h3", { id: "table-title" }, "Numbers"),
    h(
      "p",
      { class: "buttons" },
      link("CSV", csv.href, `${name}.csv`),
      link("GeoJSON", URL.createObjectURL(geojson), `${name}.geojson`),
    ),
    h(
      "details",
      { "data-keep": "table", open: opened.has("table") },
      h("summary", {}, `All ${counted(rows.length, "day")} of ${id}`),
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, ...["Day", "NDVI", "Valid", "Answer"].map((title) => h("th", { scope: "col" }, title)))),
        h(
          "tbody",
          {},
          ...rows.map((one) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, one.date),
              h("td", { class: "number" }, ndvi(one.ndvi_mean)),
              h("td", { class: "number" }, percent(one.valid_fraction)),
              h("td", {}, one.reason ? `${word(one.status)}: ${one.reason}` : word(one.status)),
            ),
          ),
        ),
      ),
    ),
  );
}

/** Why a field shows no value. @param {Record<string, any>} properties @param {string} status */
export function whyNot(properties, status) {
  if (status === "not_due") return `${why(status)}: planted on ${longDay(properties.plant_date)}`;
  return properties.last_status === status && properties.last_reason ? `${why(status)}: ${properties.last_reason}` : why(status);
}
