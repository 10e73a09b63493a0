/** The selected cells of the day grid: a rectangle from where it began to the cell that has the cursor. */

/** @import { Cell } from "./days_layout.js" */

/** @typedef {{top: number, bottom: number, left: number, right: number}} Rectangle Rows and columns, all included. */

export class Selection {
  constructor() {
    /** @type {Cell | null} */
    this.anchor = null;
    /** @type {Cell | null} */
    this.cursor = null;
  }

  /** Select the cells from one to another, or only one. @param {Cell} cursor @param {Cell | null} [anchor] */
  set(cursor, anchor = null) {
    this.cursor = cursor;
    this.anchor = anchor ?? cursor;
  }

  clear() {
    this.cursor = this.anchor = null;
  }

  /** @returns {Rectangle | null} */
  get rectangle() {
    const { anchor, cursor } = this;
    if (!anchor || !cursor) return null;
    return {
      top: Math.min(anchor.row, cursor.row),
      bottom: Math.max(anchor.row, cursor.row),
      left: Math.min(anchor.column, cursor.column),
      right: Math.max(anchor.column, cursor.column),
    };
  }
}
