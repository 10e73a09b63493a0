/** The ground of the map: what the satellite saw on the date, and on the last clear day before it. */

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
    /** Days with a picture that are clear, in their order. @type {string[]} */
    this.clear = [];
    /** Where pictures lie, by scene; null is asked for. @type {Map<string, Overlay["corners"] | null>} */
    this.places = new Map();
    /** Scenes of which it could not be loaded where their pictures lie. @type {Set<string>} */
    this.failed = new Set();
    /** The grid of whose days it is known, or asked for, which pictures there are. @type {Grid | null} */
    this.grid = null;
  }

  /** Ask which pictures there are of a grid's days, and again for what could not be loaded. @param {Grid} grid */
  follow(grid) {
    if (grid !== this.grid) this.#load(grid);
    if (this.failed.size === 0) return;
    for (const id of this.failed) this.places.delete(id);
    this.failed.clear();
    this.onKnown();
  }

  /** @param {Grid} grid */
  async #load(grid) {
    this.grid = grid;
    const found = await api.passes(grid.start, grid.end).catch(() => null); // the map is of use without
    if (grid !== this.grid) return; // another one was asked for meanwhile
    if (!found) {
      this.grid = null;
      return;
    }
    this.days = new Map();
    for (const { day, scene_id: id } of found) this.days.set(day, [...(this.days.get(day) ?? []), id]);
    this.clear = [...this.days.keys()].filter((day) => isClear(grid, grid.column(day)));
    this.onKnown();
  }

  /** The days whose pictures are shown on a date, the uppermost last. @param {Grid} grid @param {string | null} date */
  shownOn(grid, date) {
    const own = grid.day(grid.column(date));
    const choice = this.clear.length > 0 ? this.clear : [...this.days.keys()];
    const below = choice.findLast((day) => day <= own) ?? choice[0];
    return [...new Set([below, own])].filter((day) => this.days.has(day));
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
    try {
      const { corners } = await api.passPlace(day, id);
      this.places.set(id, corners);
      this.onKnown();
    } catch {
      this.failed.add(id); // the ground stays plain there
    }
  }
}

/** Whether most fields that a pass has met got a value by it. @param {Grid} grid @param {number} column */
function isClear(grid, column) {
  const counts = grid.counts(column);
  const met = counts.reduce((sum, count, code) => (WITHOUT_PASS.includes(code) ? sum : sum + count), 0);
  return met > 0 && counts[COMPUTED] >= CLEAR * met;
}
