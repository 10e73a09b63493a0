/** The ground of the map: what the satellite saw on the date, and on the last clear day before it. */

/** @import { Pictured } from "./answers.d.ts" */
/** @import { Grid } from "./grid.js" */
/** @import { Overlay } from "./overlays.js" */

import * as api from "./api.js";
import { codeOf } from "./grid.js";

/** Share of the fields that a pass has met by whose values it counts as clear. */
const CLEAR = 0.75;
const COMPUTED = codeOf("computed");
/** Answers of a day that say nothing of clouds. */
const WITHOUT_PASS = /** @type {const} */ (["not_due", "missing", "no_scene", "no_data", "outside_extent"]).map(codeOf);

export class PassGround {
  /** @param {() => void} onKnown Called when there is more to show. */
  constructor(onKnown) {
    this.onKnown = onKnown;
    /** The scenes with a picture, by day. @type {Map<string, string[]>} */
    this.days = new Map();
    /** Columns of the grid with a picture of a clear day, in their order. @type {number[]} */
    this.clear = [];
    /** Where pictures lie, by scene; null is asked for. @type {Map<string, Overlay["corners"] | null>} */
    this.places = new Map();
  }

  /** Ask which pictures there are of a grid's days. @param {Grid} grid */
  async load(grid) {
    /** @type {Pictured[]} */
    const found = await api.passes(grid.start, grid.end).catch(() => []); // the map is of use without
    this.days = new Map();
    for (const { day, scene_id: id } of found) this.days.set(day, [...(this.days.get(day) ?? []), id]);
    this.clear = [...this.days.keys()].map((day) => grid.column(day)).filter((column) => isClear(grid, column));
    this.onKnown();
  }

  /** The days whose pictures are shown on a date, the uppermost last. @param {Grid} grid @param {string | null} date */
  shownOn(grid, date) {
    const column = grid.column(date);
    const last = this.clear.findLast((one) => one <= column) ?? this.clear[0];
    const pictured = [...this.days.keys()];
    const below = last === undefined ? (pictured.findLast((day) => day <= grid.day(column)) ?? pictured[0]) : grid.day(last);
    const own = grid.day(column);
    return [...new Set([below, own])].filter((day) => day !== undefined && this.days.has(day));
  }

  /** The pictures to draw on a date, as far as it is known where they lie. @param {Grid} grid @param {string | null} date */
  overlaysOn(grid, date) {
    return this.shownOn(grid, date).flatMap((day) => (this.days.get(day) ?? []).flatMap((id) => this.#overlay(day, id)));
  }

  /** @param {string} day @param {string} id @returns {Overlay[]} */
  #overlay(day, id) {
    const corners = this.places.get(id);
    if (corners) return [{ url: api.passUrl(day, id, "webp").href, corners }];
    if (corners === undefined) this.#ask(day, id);
    return [];
  }

  /** @param {string} day @param {string} id */
  async #ask(day, id) {
    this.places.set(id, null);
    const found = await api.passPlace(day, id).catch(() => null); // the ground stays plain there
    if (!found) return;
    this.places.set(id, found.corners);
    this.onKnown();
  }
}

/** Whether most fields that a pass has met got a value by it. @param {Grid} grid @param {number} column */
function isClear(grid, column) {
  const counts = grid.counts(column);
  const met = counts.reduce((sum, count, code) => (WITHOUT_PASS.includes(code) ? sum : sum + count), 0);
  return met > 0 && counts[COMPUTED] >= CLEAR * met;
}
