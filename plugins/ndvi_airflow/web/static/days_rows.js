/** The rows of the day grid: fields that were chosen and ordered, and what is known of their days. */

/** @import { Field } from "./answers.d.ts" */
/** @import { Cell } from "./days_layout.js" */
/** @import { Rectangle } from "./days_selection.js" */
/** @import { Grid } from "./grid.js" */

import { codeOf } from "./grid.js";
import { longDay, ndvi, why, whyNot } from "./words.js";

const TROUBLED = [codeOf("failed"), codeOf("missing")];

/** Days that are late or broken. @param {Field} field */
const troubles = ({ properties: one }) => one.missing + one.counts.failed;

export class Rows {
  /**
   * @param {Grid} grid
   * @param {Field[]} fields Those of the grid, in its order.
   * @param {(field: Field) => boolean} isIn Whether a field is shown at all.
   * @param {boolean} onlyTroubles Leave out the fields of which nothing is late or broken.
   * @param {string} order By what the rows are ordered: "id", "trouble", or else as the fields are.
   */
  constructor(grid, fields, isIn, onlyTroubles, order) {
    this.grid = grid;
    this.fields = fields;
    /** The row of the grid for each row that is shown. */
    this.order = [...fields.keys()].filter((row) => isIn(fields[row]));
    /** How many cells have each status, by its code. */
    this.counts = grid.countsOf(this.order);
    /** How many fields have a loaded day that is late or broken. */
    this.troubled = this.order.filter((row) => this.#isTroubled(row)).length;
    if (onlyTroubles) this.order = this.order.filter((row) => troubles(fields[row]) > 0);
    if (order === "trouble") this.order.sort((one, other) => troubles(fields[other]) - troubles(fields[one]));
    if (order === "id") {
      const { compare } = new Intl.Collator("en", { numeric: true });
      this.order.sort((one, other) => compare(grid.ids[one], grid.ids[other]));
    }
  }

  /** @param {number} row Of the grid. */
  #isTroubled(row) {
    const { codes, length } = this.grid;
    return codes.subarray(row * length, (row + 1) * length).some((code) => TROUBLED.includes(code));
  }

  /** How many there are. */
  get count() {
    return this.order.length;
  }

  /** @param {number} row */
  id(row) {
    return this.grid.ids[this.order[row]];
  }

  /** @param {number} row @param {number} column */
  status(row, column) {
    return this.grid.status(this.order[row], column);
  }

  /** @param {number} row @param {number} column */
  value(row, column) {
    return this.grid.value(this.order[row], column);
  }

  /** What is known of a cell: its name, and then its value or why it has none. @param {Cell} cell */
  describe({ row, column }) {
    const { grid } = this;
    const status = this.status(row, column);
    const value = this.value(row, column);
    const isLast = column === grid.length - 1;
    const title = `${this.id(row)}, ${longDay(grid.day(column))}`;
    if (value !== null) return [title, `NDVI ${ndvi(value)}`];
    const { properties } = this.fields[this.order[row]];
    return [title, isLast || status === "not_due" ? whyNot(properties, status) : why(status)];
  }

  /** The cells of a rectangle that are due: others have nothing to compute. @param {Rectangle} rectangle */
  due({ top, bottom, left, right }) {
    const ids = [];
    let count = 0;
    for (let row = top; row <= bottom; row++) {
      let due = 0;
      for (let column = left; column <= right; column++) if (this.status(row, column) !== "not_due") due++;
      if (due > 0) ids.push(this.id(row));
      count += due;
    }
    return { cells: { field_ids: ids, start: this.grid.day(left), end: this.grid.day(right) }, count };
  }
}
