/** The panel of a field: its facts, season, pictures and numbers, and the fields that it is compared with. */

/** @import { Observation } from "./answers.d.ts" */
/** @import { Mean } from "./curve.js" */

import * as api from "./api.js";
import { SERIES } from "./colours.js";
import { drawCurve } from "./curve.js";
import { meanOf } from "./curve_frame.js";
import { byId, h, heldFocus } from "./dom.js";
import { addition, chips, curveKey, facts, heading, indexPicker, numbers, pictures, provenance } from "./field_parts.js";
import { change, pick, state, watch } from "./state.js";
import { counted, crop, isWithin, messageOf } from "./words.js";

const MOST_COMPARED = SERIES.length;
const TABLE = "table";
const NDVI = "ndvi";

/** @param {string} id */
const fieldOf = (id) => state.fields[state.grid?.rows.get(id) ?? -1];
/** The ids of the fields that are open and registered. */
const present = () => state.field.filter((id) => fieldOf(id)).slice(0, MOST_COMPARED);
/** The index that is chosen; NDVI if there is no such index (any more). */
const shownIndex = () => state.indices.find(({ name }) => name === state.index) ?? state.indices[0];
const close = () => change({ field: [] });

export class FieldPanel {
  constructor() {
    this.box = byId("field");
    // Drawn anew for another date, while the rest stays.
    this.curve = h("div");
    this.curveKey = h("div");
    this.provenance = h("div");
    this.isProvenanceOpen = false;
    /**
     * The observations of fields, as they were loaded for what is shown.
     *
     * @type {Map<string, Observation[]>}
     */
    this.loaded = new Map();
    /** How often was loaded: only the last answer counts. */
    this.loads = 0;
    watch(["field", "grid"], () => this.#load());
    watch(["date"], () => this.#showDate());
    watch(["index", "indices"], () => this.loaded.size > 0 && this.#render(present()));
    new ResizeObserver(() => this.#showCurve()).observe(byId("panel"));
    byId("panel").addEventListener("keydown", (event) => event.key === "Escape" && close());
  }

  async #load() {
    const load = ++this.loads;
    const ids = present();
    document.body.classList.toggle("with-panel", ids.length > 0 || !byId("upload").hidden);
    if (ids.length === 0) {
      this.box.hidden = true;
      this.box.replaceChildren();
      this.loaded = new Map();
      return;
    }
    try {
      const found = await Promise.all(ids.map((id) => api.observations(id)));
      if (load !== this.loads) return;
      this.loaded = new Map(ids.map((id, index) => [id, found[index]]));
      this.#render(ids);
    } catch (error) {
      if (load !== this.loads) return;
      this.box.replaceChildren(heading(ids[0]), h("p", { class: "problem", role: "alert" }, messageOf(error)));
      this.box.hidden = false;
    }
  }

  /** @param {string[]} ids */
  #render(ids) {
    const [id, ...others] = ids;
    const refocus = heldFocus(this.box, "data-keep");
    const isTableOpen = this.box.querySelector(`[data-keep="${TABLE}"][open]`) !== null;
    const observations = this.#observations(id);
    /** @param {string} other */
    const add = (other) => {
      if (state.grid?.rows.has(other) && !ids.includes(other)) pick(other, true);
    };
    this.curve = h("div", { id: "curve" });
    this.curveKey = h("div", { id: "curve-key", class: "key" });
    this.provenance = h("div", { id: "provenance" });
    this.box.replaceChildren(
      h(
        "header",
        {},
        heading(id),
        h("button", { class: "icon", "aria-label": "Close", "data-keep": "close", onclick: close }, "×"),
      ),
      facts(fieldOf(id).properties),
      h(
        "div",
        { class: "compare" },
        ...chips(others),
        ids.length < MOST_COMPARED ? addition(add) : null,
        state.indices.length > 1 ? indexPicker(state.indices, state.index, (index) => change({ index })) : null,
      ),
      this.curve,
      this.curveKey,
      this.provenance,
      ...pictures(id, observations),
      numbers(ids.map(fieldOf), observations, shownIndex(), TABLE, isTableOpen),
    );
    this.box.hidden = false;
    this.#showDate();
    refocus();
  }

  /** @param {string} id */
  #observations(id) {
    return this.loaded.get(id) ?? [];
  }

  /** The observations of the season whose chart is shown. @param {string} id */
  #ofPresentSeason(id) {
    const shown = fieldOf(id).properties;
    return this.#observations(id).filter(({ date }) => isWithin(shown, date));
  }

  #showDate() {
    this.#showCurve();
    this.#showProvenance();
  }

  #showCurve() {
    const ids = present().filter((id) => this.loaded.has(id));
    if (ids.length === 0 || !state.grid || !this.curve.isConnected) return;
    const index = shownIndex();
    const name = index?.name ?? NDVI;
    const series = ids.map((id) => ({
      name: id,
      plantDate: fieldOf(id).properties.plant_date,
      observations: this.#ofPresentSeason(id).map((one) => ({ ...one, value: meanOf(one, name) })),
    }));
    const mean = name === NDVI ? cropMean(fieldOf(ids[0]).properties.plant_type) : null; // the grid is of NDVI
    drawCurve(this.curve, series, mean, index, state.date ?? state.grid.end, (number, one) => {
      this.isProvenanceOpen = true;
      change({ field: [ids[number], ...ids.filter((id) => id !== ids[number])], date: one.date });
      this.#showProvenance();
    });
    this.curveKey.replaceChildren(...curveKey(mean?.name, name === NDVI ? undefined : index));
  }

  /** Where the number of the map's day comes from, or the last one if that day has none. */
  #showProvenance() {
    const observations = this.#observations(present()[0]);
    const one =
      observations.find(({ date }) => date === state.date) ?? observations.findLast((day) => meanOf(day, NDVI) !== null) ?? observations.at(-1);
    if (!one) return;
    const onToggle = (/** @type {boolean} */ isOpen) => (this.isProvenanceOpen = isOpen);
    this.provenance.replaceChildren(...provenance(one, this.isProvenanceOpen, onToggle));
  }
}

/**
 * The mean of all seasons of a crop, on the days on which one of them has a value.
 *
 * @param {string} type
 * @returns {Mean | null}
 */
function cropMean(type) {
  const { grid, fields } = state;
  if (!grid) return null;
  const parts = fields.flatMap(({ properties }, row) =>
    properties.seasons.filter((one) => one.plant_type === type).map((one) => grid.part(row, one.plant_date, one.end_date)),
  );
  const count = new Set(parts.map(({ row }) => row)).size;
  if (count < 2) return null;
  return { name: `Mean of ${counted(count, "field")} of ${crop(type)}`, start: grid.start, values: grid.means(parts) };
}
