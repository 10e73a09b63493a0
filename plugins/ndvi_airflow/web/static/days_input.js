/** How cells of the day grid are selected: by the mouse, by touch and by the keyboard. */

/** @import { DayGrid } from "./days.js" */
/** @import { Cell } from "./days_layout.js" */

import { announce, byId, hideTooltip, showTooltip } from "./dom.js";

/** @param {DayGrid} grid */
export function listenToGrid(grid) {
  new Pointer(grid);
  const { canvas } = grid.layout;
  canvas.addEventListener("focus", () => {
    if (!grid.selection.cursor && grid.layout.rows > 0) grid.select({ row: 0, column: grid.layout.columns - 1 });
  });
  canvas.addEventListener("keydown", (event) => {
    if (!grid.selection.cursor || event.altKey || !press(grid, grid.selection.cursor, event)) return;
    event.preventDefault();
    // Selecting everything leaves in view what is.
    if (event.key !== "a") grid.layout.reveal(grid.selection.cursor);
    announce(byId("days-selected").textContent ?? "");
  });
}

/** A click selects a cell, a row or a column; a mouse that is held extends the selection. */
class Pointer {
  /** @param {DayGrid} grid */
  constructor(grid) {
    this.grid = grid;
    this.isDragging = false;
    const { canvas } = grid.layout;
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", () => (this.isDragging = false));
    canvas.addEventListener("pointerleave", hideTooltip);
    canvas.addEventListener("dblclick", () => grid.open());
  }

  /** @param {PointerEvent} event */
  #press(event) {
    const { layout } = this.grid;
    const cell = layout.at(event);
    if (!cell || event.button !== 0) return;
    hideTooltip();
    if (cell.row === -1 || cell.column === -1) this.#selectLine(cell, event.shiftKey);
    else {
      this.grid.select(cell, event.shiftKey ? this.grid.selection.anchor : null);
      this.isDragging = event.pointerType === "mouse";
      if (this.isDragging) layout.canvas.setPointerCapture(event.pointerId);
    }
  }

  /** Select a row or a column, or all from where the selection began. @param {Cell} head @param {boolean} more */
  #selectLine({ row, column }, more) {
    const { layout, selection } = this.grid;
    const from = (more && selection.anchor) || { row, column };
    if (row === -1 && column === -1) return;
    if (row === -1) this.grid.select({ row: layout.rows - 1, column }, { row: 0, column: from.column });
    else this.grid.select({ row, column: layout.columns - 1 }, { row: from.row, column: 0 });
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const cell = this.grid.layout.at(event);
    if (!cell || cell.row < 0 || cell.column < 0) hideTooltip();
    else if (this.isDragging) this.grid.select(cell, this.grid.selection.anchor);
    else showTooltip(event.clientX, event.clientY, this.grid.describe(cell));
  }
}

/**
 * Do what a key stands for; return whether it stands for anything.
 *
 * @param {DayGrid} grid @param {Cell} cursor @param {KeyboardEvent} event
 */
function press(grid, cursor, event) {
  const { layout, selection } = grid;
  const last = { row: layout.rows - 1, column: layout.columns - 1 };
  const to = target(cursor, last, layout.page, event);
  if (to) grid.select(to, event.shiftKey ? selection.anchor : null);
  else if (event.key === "a" && (event.ctrlKey || event.metaKey)) grid.select(last, { row: 0, column: 0 });
  else if (event.key === "Escape") grid.select(cursor);
  else if (event.key === "Enter") grid.open();
  else return false;
  return true;
}

/**
 * Where a key moves the cursor, perhaps beyond the grid.
 *
 * @param {Cell} cursor @param {Cell} last @param {number} page Rows. @param {KeyboardEvent} event
 * @returns {Cell | undefined}
 */
function target({ row, column }, last, page, { key, ctrlKey }) {
  /** @type {Record<string, Cell>} */
  const targets = {
    ArrowLeft: { row, column: column - 1 },
    ArrowRight: { row, column: column + 1 },
    ArrowUp: { row: row - 1, column },
    ArrowDown: { row: row + 1, column },
    PageUp: { row: row - page, column },
    PageDown: { row: row + page, column },
    Home: { row: ctrlKey ? 0 : row, column: 0 },
    End: { row: ctrlKey ? last.row : row, column: last.column },
  };
  return targets[key];
}
