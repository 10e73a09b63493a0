/** The days of all fields: a status and perhaps a value for each cell, packed so that 10,000 fields fit. */

/** @import { CellStatus } from "./answers.d.ts" */
/** @import { Table } from "./arrow.js" */

import { columnOf } from "./arrow.js";
import { STATUSES, dayNumber, dayOf } from "./words.js";

const NONE = -32768;
const THOUSAND = 1000;
/** The number that a status is kept as. @param {CellStatus} status */
export const codeOf = (status) => STATUSES.indexOf(status);
const COMPUTED = codeOf("computed");
const NOT_DUE = codeOf("not_due");
/** The letters of the API. @type {Record<string, CellStatus>} */
const LETTERS = {
  c: "computed",
  n: "no_scene",
  y: "cloudy",
  h: "shadow",
  w: "snow",
  d: "no_data",
  u: "undefined",
  o: "outside_extent",
  s: "too_small",
  x: "failed",
  ".": "missing",
};
/** The code of each letter, by its ASCII code. */
const CODES = new Uint8Array(256).fill(NOT_DUE);
for (const [letter, status] of Object.entries(LETTERS)) CODES[letter.charCodeAt(0)] = codeOf(status);

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

  /** How many cells of some rows have each status, by its code. @param {number[]} rows */
  countsOf(rows) {
    /** @type {number[]} */
    const counts = new Array(STATUSES.length).fill(0);
    for (const row of rows) {
      for (let at = row * this.length; at < (row + 1) * this.length; at++) counts[this.codes[at]]++;
    }
    return counts;
  }

  /** Take over the days of another grid of the same fields. @param {Grid} other */
  takeOver(other) {
    const shift = other.first - this.first;
    const [from, end] = [Math.max(shift, 0), Math.min(shift + other.length, this.length)];
    if (from >= end) return;
    for (let row = 0; row < this.ids.length; row++) {
      const [at, first] = [row * this.length + from, row * other.length + from - shift];
      this.codes.set(other.codes.subarray(first, first + end - from), at);
      this.values.set(other.values.subarray(first, first + end - from), at);
    }
  }

  /** Take in some days of the API's grid. @param {string} start @param {Table} table */
  fill(start, table) {
    const [ids, letters, values] = [
      columnOf(table, "field_id"),
      columnOf(table, "status").each.values,
      columnOf(table, "ndvi").each,
    ];
    const days = letters.length / Math.max(ids.length, 1);
    const first = dayNumber(start) - this.first;
    for (let index = 0; index < ids.length; index++) {
      const row = this.#rowOf(index, ids.text(index) ?? "");
      if (row === undefined) continue;
      const to = row * this.length + first;
      for (let day = 0, from = index * days; day < days; day++, from++) {
        this.codes[to + day] = CODES[letters[from]];
        this.values[to + day] = values.isNull(from) ? NONE : values.values[from];
      }
    }
  }

  /** The row of a field, which mostly is where it is in the answer, too. @param {number} index @param {string} id */
  #rowOf(index, id) {
    return this.ids[index] === id ? index : this.rows.get(id);
  }
}
