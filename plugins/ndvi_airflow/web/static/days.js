/** The day grid: fields by days, a cell for each answer; what is late or broken stands out. */

/** @import { CellStatus } from "./answers.d.ts" */
/** @import { Cell } from "./days_layout.js" */
/** @import { Rectangle } from "./days_selection.js" */

import { GLYPHS, drawGrid } from "./days_drawing.js";
import { listenToGrid } from "./days_input.js";
import { DaysLayout } from "./days_layout.js";
import { Rows } from "./days_rows.js";
import { Selection } from "./days_selection.js";
import { byId, h, oncePerFrame } from "./dom.js";
import { codeOf } from "./grid.js";
import { isListed } from "./standings.js";
import { FILTERED_BY, change, state, watch } from "./state.js";
import { STATUSES, classNameOf, counted, periodOf, word } from "./words.js";

/** First in the legend, and shown there even if no cell has them. @type {CellStatus[]} */
const TROUBLES = ["failed", "missing"];

/** @typedef {{field_ids: string[], start: string, end: string}} Cells Days of some fields. */

export class DayGrid {
  /** @param {(cells: Cells, count: number) => void} onRecompute */
  constructor(onRecompute) {
    this.onRecompute = onRecompute;
    const box = byId("days-scroll");
    this.layout = new DaysLayout(box, byId("days-canvas", HTMLCanvasElement));
    this.selection = new Selection();
    /** @type {Rows | null} */
    this.rows = null;
    this.draw = oncePerFrame(() => this.#draw());
    const arrange = () => this.#arrange();
    for (const id of ["days-troubles", "days-values", "days-order"]) byId(id).addEventListener("change", arrange);
    byId("days-recompute").addEventListener("click", () => this.#recompute());
    byId("days-open").addEventListener("click", () => this.open());
    box.addEventListener("scroll", this.draw);
    new ResizeObserver(arrange).observe(box);
    watch(["grid", "view", ...FILTERED_BY], arrange);
    listenToGrid(this);
  }

  /** Select the cells from one to another, or only one. @param {Cell} cursor @param {Cell | null} [anchor] */
  select(cursor, anchor = null) {
    if (this.layout.rows === 0) return;
    this.selection.set(this.layout.nearest(cursor), anchor);
    this.#showSelection();
    this.draw();
  }

  /** What is known of a cell, its name first. @param {Cell} cell */
  describe(cell) {
    return this.rows?.describe(cell) ?? [];
  }

  /** Open the field of the cursor on its day. */
  open() {
    const { cursor } = this.selection;
    if (cursor && this.rows) change({ field: [this.rows.id(cursor.row)], date: this.rows.grid.day(cursor.column) });
  }

  #recompute() {
    const { rectangle } = this.selection;
    if (!rectangle || !this.rows) return;
    const { cells, count } = this.rows.due(rectangle);
    this.onRecompute(cells, count);
  }

  /** Choose and order the rows, and lay out the scrolled surface. */
  #arrange() {
    const { grid, fields, standings, view } = state;
    if (!grid || fields.length < grid.ids.length || view !== "days") return;
    const onlyTroubles = byId("days-troubles", HTMLInputElement).checked;
    const isIn = isListed(standings, state);
    const before = this.rows?.order;
    this.rows = new Rows(grid, fields, isIn, onlyTroubles, byId("days-order", HTMLSelectElement).value);
    this.layout.resize(byId("days-space"), this.rows.count, grid.length);
    const { cursor } = this.selection;
    const areOthers = before !== undefined && before.join() !== this.rows.order.join();
    if (cursor && (areOthers || !this.layout.holds(cursor))) this.selection.clear();
    byId("days-none").hidden = this.rows.count > 0;
    byId("days-none").textContent = onlyTroubles ? "No field is late or broken." : "No field is as the filters and the search say.";
    showTrouble(this.rows);
    showLegend(this.rows.counts);
    this.#showSelection();
    this.draw();
  }

  /** Say what is selected, and offer what can be done with it. */
  #showSelection() {
    const { rows, selection } = this;
    const { rectangle } = selection;
    const button = byId("days-recompute", HTMLButtonElement);
    byId("days-open", HTMLButtonElement).disabled = !rectangle;
    button.disabled = true;
    if (!rectangle || !rows) {
      byId("days-selected").textContent = "Select cells, or a field's name for its row, or a date for its column.";
      return;
    }
    const due = rows.due(rectangle);
    byId("days-selected").textContent = summary(rows, rectangle, due);
    const mayRecompute = state.session?.may_recompute ?? false;
    button.disabled = due.count === 0 || !mayRecompute;
    button.title = mayRecompute ? "" : "You do not have the right to trigger ndvi_recompute.";
  }

  #draw() {
    if (!this.rows || state.view !== "days") return;
    drawGrid(this.layout, this.rows, this.selection, byId("days-values", HTMLInputElement).checked);
  }
}

/**
 * What is selected, in a few words.
 *
 * @param {Rows} rows @param {Rectangle} rectangle @param {ReturnType<Rows["due"]>} due
 */
function summary(rows, { top, bottom, left, right }, { cells, count }) {
  const isOne = top === bottom && left === right;
  const fields = top === bottom ? rows.id(top) : counted(bottom - top + 1, "field");
  const what = isOne ? rows.describe({ row: top, column: left }).slice(1).join(", ") : counted(count, "due cell");
  return `${fields}, ${periodOf(cells.start, cells.end)}: ${what}`;
}

/** Say what is late or broken of the fields that the filters leave. @param {Rows} rows */
function showTrouble({ counts, troubled: fields }) {
  const said = TROUBLES.filter((status) => counts[codeOf(status)] > 0).map(
    (status) => `${counted(counts[codeOf(status)], "day")} ${word(status)}`,
  );
  const line = byId("days-trouble");
  line.textContent =
    said.length > 0 ? `${said.join(", ")}, of ${counted(fields, "field")}` : "Nothing is late, and nothing has failed.";
  line.classList.toggle("trouble", said.length > 0);
}

/** @param {number[]} counts Of cells, by the code of their status. */
function showLegend(counts) {
  const others = STATUSES.filter((status) => counts[codeOf(status)] > 0 && !TROUBLES.includes(status));
  const shown = [...TROUBLES, ...others];
  byId("days-legend").replaceChildren(
    ...shown.map((status) =>
      h(
        "li",
        {},
        h("i", { class: `square ${classNameOf(status)}` }, GLYPHS[status]),
        word(status),
        h("b", {}, counts[codeOf(status)].toLocaleString("en")),
      ),
    ),
  );
}
