/** The panel of a field: its facts, season, pictures and numbers, and the fields that it is compared with. */

/** @import { Index, SeasonStatus } from "./answers.d.ts" */
/** @import { Curve } from "./curve_frame.js" */
/** @import { Earlier } from "./earlier.js" */
/** @import { Known } from "./season.js" */

import { SERIES } from "./colours.js";
import { drawCurve } from "./curve.js";
import { makeCurve } from "./curve_frame.js";
import { curveKey } from "./curve_key.js";
import { byId, h, heldFocus } from "./dom.js";
import { alignPicker, earlierWords, loadEarlier, seasonsBefore } from "./earlier.js";
import { addition, chips, facts, heading, indexPicker, numbers, provenance } from "./field_parts.js";
import { filesOf, periodOf, sheets } from "./field_files.js";
import { pictures } from "./field_pictures.js";
import { loadSeasons, seasonOf, seasonsBeside } from "./season.js";
import { eventList, phenology, seasonPicker } from "./season_parts.js";
import { change, pick, state, watch } from "./state.js";
import { messageOf } from "./words.js";

const MOST_COMPARED = SERIES.length;
const TABLE = "table";
const NDVI = "ndvi";
/** What is shown of another field stays for this time at most: most fields are there sooner. */
const STAYS_MILLISECONDS = 400;

/**
 * @typedef {object} Shown What is shown of the fields that are open.
 * @property {string[]} ids
 * @property {SeasonStatus} season Of the first one.
 * @property {Index | undefined} index
 * @property {Known[]} known
 * @property {Curve[]} curves
 * @property {Earlier[]} earlier Seasons of the first one.
 */

/** @param {string} id */
const fieldOf = (id) => state.fields[state.grid?.rows.get(id) ?? -1];
/** The ids of the fields that are open and registered. */
const present = () => state.field.filter((id) => fieldOf(id)).slice(0, MOST_COMPARED);
/** The index that is chosen; NDVI if there is no such index (any more). */
const shownIndex = () => state.indices.find(({ name }) => name === state.index) ?? state.indices[0];
/** The day that is shown. */
const today = () => state.date ?? state.grid?.end ?? "";
const close = () => change({ field: [] });

/** @param {string} id */
const shownSeason = (id) => seasonOf(fieldOf(id).properties, state.season, today());

export class FieldPanel {
  /** @param {(id: string) => void} onEdit */
  constructor(onEdit) {
    this.onEdit = onEdit;
    this.box = byId("field");
    // Drawn anew for another date, while the rest stays.
    this.curve = h("div");
    this.provenance = h("div");
    this.isProvenanceOpen = false;
    /** @type {Shown | null} */
    this.shown = null;
    /** How often was loaded: only the last answer counts. */
    this.loads = 0;
    /** The number of the last load that has ended. */
    this.ended = 0;
    /** Whether something of seasons is newer than what was loaded last. */
    this.isStale = false;
    watch(["field", "grid", "season", "index", "indices", "align"], () => this.#load());
    watch(["date"], () => this.#followDate());
    new ResizeObserver(() => this.#showCurve()).observe(byId("panel"));
  }

  /** Load again what is shown if something of seasons is new, or what could not be loaded. @param {boolean} isNew */
  look(isNew) {
    this.isStale ||= isNew;
    const isWhole = this.shown !== null && [...this.shown.known, ...this.shown.earlier].every(({ problem }) => !problem);
    const isLoading = this.ended < this.loads; // what is new meanwhile is for the next look
    if (present().length > 0 && !isLoading && (this.isStale || !isWhole)) this.#load(true);
  }

  /** @param {boolean} isLook Whether what has not changed stays as it is, with what somebody is choosing or typing in it. */
  async #load(isLook = false) {
    const load = ++this.loads;
    this.isStale = false;
    const ids = present();
    showPanel(ids.length > 0);
    if (ids.length === 0) return this.#clear(load);
    if (!isLook) this.#announce(ids[0], load);
    try {
      const shown = await loadShown(ids, shownSeason(ids[0]), shownIndex());
      if (load !== this.loads) return;
      this.ended = load;
      const isSame = isLook && JSON.stringify(shown) === JSON.stringify(this.shown);
      this.shown = shown;
      if (!isSame) this.#render(shown);
    } catch (error) {
      if (load !== this.loads) return;
      this.ended = load;
      this.shown = null;
      this.#say(ids[0], h("p", { class: "problem", role: "alert" }, messageOf(error)));
    }
  }

  /** @param {number} load Its number. */
  #clear(load) {
    this.box.hidden = true;
    this.box.replaceChildren();
    this.shown = null;
    this.ended = load;
  }

  /** Say that a field is being loaded, in place of another one. @param {string} id @param {number} load Its number. */
  #announce(id, load) {
    if (this.shown?.ids[0] === id) return;
    const say = () => load === this.loads && this.ended < load && this.#say(id, h("p", { role: "status" }, "Loading…"));
    if (this.box.hidden) say();
    else setTimeout(say, STAYS_MILLISECONDS);
  }

  /** Show words in place of what is known of a field. @param {string} id @param {HTMLElement} words */
  #say(id, words) {
    const refocus = heldFocus(this.box, "data-keep");
    this.box.replaceChildren(header(id), words);
    this.box.hidden = false;
    refocus();
  }

  /** @param {Shown} shown */
  #render({ ids, season, index, known: [known], curves: [curve], earlier }) {
    const [id, ...others] = ids;
    const refocus = heldFocus(this.box, "data-keep");
    const isTableOpen = this.box.querySelector(`[data-keep="${TABLE}"][open]`) !== null;
    const name = index?.name ?? NDVI;
    /** @param {string} other */
    const add = (other) => {
      if (state.grid?.rows.has(other) && !ids.includes(other)) pick(other, true);
    };
    this.curve = h("div", { id: "curve" });
    this.provenance = h("div", { id: "provenance" });
    this.box.replaceChildren(
      header(id, state.session?.may_upload ? () => this.onEdit(id) : null),
      ...seasonPicker(fieldOf(id).properties.seasons, season),
      facts(season),
      h(
        "div",
        { class: "compare" },
        ...chips(others),
        ids.length < MOST_COMPARED ? addition(add) : null,
        state.indices.length > 1 ? indexPicker(state.indices, name, (chosen) => change({ index: chosen })) : null,
        alignPicker(seasonsBefore(fieldOf(id).properties, season), state.align),
      ),
      this.curve,
      h("div", { id: "curve-key", class: "key" }, ...curveKey(curve, known, name === NDVI ? undefined : index, earlierWords(earlier, state.align))),
      phenology(known, season.plant_type),
      ...eventList(known, name === NDVI),
      this.provenance,
      ...(state.indices.length > 0 ? pictures(id, season, known.observations, state.indices[0]) : []),
      numbers(id, curve.observations, index, filesOf(ids, season, known, name), TABLE, isTableOpen),
      sheets(id, season, name),
    );
    this.box.hidden = false;
    this.#showDate();
    refocus();
  }

  /** Show the day, and the season that it is in if that is another one. */
  #followDate() {
    if (this.shown && shownSeason(this.shown.ids[0]) !== this.shown.season) this.#load();
    else this.#showDate();
  }

  #showDate() {
    this.#showCurve();
    this.#showProvenance();
  }

  #showCurve() {
    if (!this.shown || !this.curve.isConnected) return;
    const { ids, index, known, curves, earlier } = this.shown;
    drawCurve(this.curve, curves, known[0], earlier, today(), index, (number, one) => {
      this.isProvenanceOpen = true;
      change({ field: [ids[number], ...ids.filter((id) => id !== ids[number])], date: one.date });
      this.#showProvenance();
    });
  }

  /** Where the number of the map's day comes from, or the last one if that day has none. */
  #showProvenance() {
    const observations = this.shown?.known[0].observations ?? [];
    const one =
      observations.find(({ date }) => date === state.date) ??
      observations.findLast((day) => day.ndvi_mean !== null) ??
      observations.at(-1);
    if (!one) return;
    const onToggle = (/** @type {boolean} */ isOpen) => (this.isProvenanceOpen = isOpen);
    this.provenance.replaceChildren(...provenance(one, this.isProvenanceOpen, onToggle));
  }
}

/** @param {boolean} isOpen Whether a field is. */
function showPanel(isOpen) {
  document.body.classList.toggle("with-panel", isOpen || !byId("upload").hidden);
  document.body.classList.toggle("with-field", isOpen);
}

/** @param {string} id @param {(() => void) | null} [onEdit] */
function header(id, onEdit = null) {
  return h(
    "header",
    {},
    heading(id),
    onEdit && h("button", { "data-keep": "edit", class: "small", onclick: onEdit }, "Edit"),
    h("button", { class: "icon", "aria-label": "Close", "data-keep": "close", onclick: close }, "×"),
  );
}

/**
 * @param {string[]} ids @param {SeasonStatus} season @param {Index | undefined} index
 * @returns {Promise<Shown>}
 */
async function loadShown(ids, season, index) {
  const name = index?.name ?? NDVI;
  const period = periodOf(season);
  const seasons = ids.map((id, number) => (number === 0 ? [season] : seasonsBeside(fieldOf(id).properties, season)));
  const before = seasonsBefore(fieldOf(ids[0]).properties, season);
  const [earlier, ...known] = await Promise.all([
    loadEarlier(ids[0], before, season, name, state.align),
    ...ids.map((id, number) => loadSeasons(id, seasons[number], period, name)),
  ]);
  const earliest = state.session?.start_date ?? "";
  const begin = season.plant_date > earliest ? season.plant_date : earliest;
  const curves = known.map((one, number) => makeCurve(ids[number], season, begin, one, name));
  return { ids, season, index, known, curves, earlier };
}
