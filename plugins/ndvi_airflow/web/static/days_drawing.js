/** Drawing the day grid: cells, the selection, names and dates, the later above the earlier. */

/** @import { CellStatus } from "./answers.d.ts" */
/** @import { DaysLayout } from "./days_layout.js" */
/** @import { Rows } from "./days_rows.js" */
/** @import { Selection } from "./days_selection.js" */
/** @import { Grid } from "./grid.js" */

import { classOf, colourOfClass, colourOfStatus, themed } from "./colours.js";
import { HEAD, ROW } from "./days_layout.js";
import { sized } from "./dom.js";
import { monthOf } from "./words.js";

const GLYPH_FROM = 9;
/** Pixels from one dash to the next. */
const DASH = 5;
/** Pixels that a day of the month takes, and a month with its year. */
const DATE_PIXELS = 22;
const MONTH_PIXELS = 70;

/**
 * The marks of cells that want attention, so that it does not hang on colour alone.
 *
 * @type {Partial<Record<CellStatus, string>>}
 */
export const GLYPHS = { failed: "×", missing: "?" };

/** @typedef {ReturnType<DaysLayout["inView"]>} InView */

/**
 * @param {DaysLayout} layout
 * @param {Rows} rows
 * @param {Selection} selection
 * @param {boolean} byValue Whether cells with a value have its colour instead of their status's.
 */
export function drawGrid(layout, rows, selection, byValue) {
  const { context, width, height } = sized(layout.canvas);
  const view = layout.inView(width, height);
  context.fillStyle = themed("--paper");
  context.fillRect(0, 0, width, height);
  drawCells(context, view, rows, byValue);
  drawSelection(context, view, selection);
  context.fillStyle = themed("--paper");
  context.fillRect(0, 0, view.names, height);
  context.fillRect(0, 0, width, HEAD);
  drawNames(context, view, rows, height);
  drawDates(context, view, rows.grid, width);
}

/** @param {CanvasRenderingContext2D} context @param {InView} view @param {Rows} rows @param {boolean} byValue */
function drawCells(context, { firstRow, endRow, firstColumn, endColumn, x, y, cell }, rows, byValue) {
  const gap = cell > 5 ? 1 : 0;
  context.textBaseline = "middle";
  context.textAlign = "center";
  context.font = "bold 12px system-ui, sans-serif";
  for (let row = firstRow; row < endRow; row++) {
    for (let column = firstColumn; column < endColumn; column++) {
      const status = rows.status(row, column);
      if (status === "not_due") {
        drawNotDue(context, x(column), y(row) + ROW / 2, cell);
        continue;
      }
      const value = byValue ? rows.value(row, column) : null;
      context.fillStyle = value === null ? colourOfStatus(status) : colourOfClass(classOf(value));
      context.fillRect(x(column), y(row) + 1, cell - gap, ROW - 2);
      const glyph = GLYPHS[status];
      if (glyph && cell >= GLYPH_FROM) {
        context.fillStyle = themed(`--on-${status}`);
        context.fillText(glyph, x(column) + (cell - gap) / 2, y(row) + ROW / 2);
      }
    }
  }
}

/**
 * A cell without anything to compute: a dashed line, as in the legend, which goes on in the next one.
 *
 * @param {CanvasRenderingContext2D} context @param {number} x @param {number} middle @param {number} cell
 */
function drawNotDue(context, x, middle, cell) {
  context.fillStyle = themed("--control");
  for (let at = Math.ceil(x / DASH) * DASH; at < x + cell; at += DASH) context.fillRect(at, Math.round(middle), DASH * 0.6, 1);
}

/** @param {CanvasRenderingContext2D} context @param {InView} view @param {Selection} selection */
function drawSelection(context, { x, y, cell }, { cursor, rectangle }) {
  if (!cursor || !rectangle) return;
  const { top, bottom, left, right } = rectangle;
  /** @type {[number, number, number, number]} */
  const area = [x(left), y(top), (right - left + 1) * cell, (bottom - top + 1) * ROW];
  context.strokeStyle = themed("--accent");
  context.lineWidth = 2;
  context.strokeRect(...area);
  context.globalAlpha = 0.18;
  context.fillStyle = themed("--accent");
  context.fillRect(...area);
  context.globalAlpha = 1;
  context.strokeStyle = themed("--ink");
  context.lineWidth = 1.5;
  context.strokeRect(x(cursor.column) + 1.5, y(cursor.row) + 1.5, cell - 3, ROW - 3);
}

/** @param {CanvasRenderingContext2D} context @param {InView} view @param {Rows} rows @param {number} height */
function drawNames(context, { names, firstRow, endRow, y }, rows, height) {
  context.fillStyle = themed("--ink");
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "left";
  context.save();
  context.beginPath();
  context.rect(0, HEAD, names - 6, height);
  context.clip();
  for (let row = firstRow; row < endRow; row++) context.fillText(rows.id(row), 4, y(row) + ROW / 2);
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {InView} view @param {Grid} grid @param {number} width */
function drawDates(context, { names, firstColumn, endColumn, x, cell }, grid, width) {
  const every = Math.ceil(DATE_PIXELS / cell);
  context.save();
  context.beginPath();
  context.rect(names, 0, width, HEAD);
  context.clip();
  context.textAlign = "left";
  // Those to the left of the view may reach into it.
  for (let column = Math.max(firstColumn - 12, 0), labelled = -Infinity; column < endColumn; column++) {
    const day = grid.day(column);
    const number = Number(day.slice(8));
    if (column === firstColumn || (number === 1 && x(column) - labelled > MONTH_PIXELS)) {
      labelled = Math.max(x(column), names);
      context.fillStyle = themed("--ink");
      context.fillText(monthOf(day), labelled, 11);
    }
    if ((number - 1) % every === 0 && (number < 30 || every === 1)) {
      context.fillStyle = themed("--faint");
      context.fillText(String(number), x(column) + 1, 29);
    }
  }
  context.restore();
}
