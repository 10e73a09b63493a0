/** The days of all fields: a status and perhaps a value for each cell, packed so that 10,000 fields fit. */

/** @import { CellStatus, GridPage } from "./answers.d.ts" */

import * as api from "./api.js";
import { STATUSES, dayNumber, dayOf } from "./words.js";

const NONE = -32768;
const THOUSAND = 1000;
/** The number that a status is kept as. @param {CellStatus} status */
export const codeOf = (status) => STATUSES.indexOf(status);
const COMPUTED = codeOf("computed");
const NOT_DUE = codeOf("not_due");

export class Grid {
  /** @param {string} start @param {string} end @param {string[]} ids In the order of the fields. */
  constructor(start, end, ids) {
    this.first = dayNumber(start);
    this.length = dayNumber(end) - this.first + 1;
    this.ids = ids;
    this.rows = new Map(ids.map((id, row) => [id, row]));
    this.codes = new Uint8Array(ids.length * this.length).fill(NOT_DUE);
    this.values = new Int16Array(ids.length * this.length).fill(NONE);
  }

  get start() {
    return dayOf(this.first);
  }
  get end() {
    return dayOf(this.first + this.length - 1);
  }
  /** @param {number} column */
  day(column) {
    return dayOf(this.first + column);
  }
  /** The column of a day, the nearest one if it lies outside. @param {string | null} day */
  column(day) {
    return day === null ? this.length - 1 : Math.min(Math.max(dayNumber(day) - this.first, 0), this.length - 1);
  }
  /** @param {number} row @param {number} column */
  status(row, column) {
    return STATUSES[this.codes[row * this.length + column]];
  }
  /** The value of a cell that was computed, else null. @param {number} row @param {number} column */
  value(row, column) {
    const at = row * this.length + column;
    return this.codes[at] === COMPUTED && this.values[at] !== NONE ? this.values[at] / THOUSAND : null;
  }
  /** The column of a field's last value up to a day, or -1. @param {number} row @param {number} column */
  latest(row, column) {
    for (let at = column; at >= 0; at--) if (this.value(row, at) !== null) return at;
    return -1;
  }
  /** How many cells have each status, by its code; of one column, or of all. @param {number | null} column */
  counts(column = null) {
    /** @type {number[]} */
    const counts = new Array(STATUSES.length).fill(0);
    const step = column === null ? 1 : this.length;
    for (let at = column ?? 0; at < this.codes.length; at += step) counts[this.codes[at]]++;
    return counts;
  }

  /** Take in a page of the API's grid. @param {GridPage} page */
  fill(page) {
    const codes = new Map(Object.entries(page.letters).map(([letter, status]) => [letter, codeOf(status)]));
    page.field_ids.forEach((id, index) => {
      const row = this.rows.get(id);
      if (row === undefined) return;
      const from = row * this.length;
      const letters = page.status[index];
      const values = page.ndvi[index];
      for (let column = 0; column < letters.length; column++) {
        this.codes[from + column] = codes.get(letters[column]) ?? NOT_DUE;
        this.values[from + column] = values[column] ?? NONE;
      }
    });
  }
}

/**
 * Load the days of all fields.
 *
 * @param {string} start
 * @param {string} end
 * @returns {Promise<(ids: string[]) => Grid>} The days of these fields, which may be loaded meanwhile.
 */
export async function loadGrid(start, end) {
  /** @type {GridPage[]} */
  const pages = [];
  for await (const page of api.grid(start, end, dayNumber(end) - dayNumber(start) + 1)) pages.push(page);
  return (ids) => {
    const grid = new Grid(start, end, ids);
    pages.forEach((page) => grid.fill(page));
    return grid;
  };
}
