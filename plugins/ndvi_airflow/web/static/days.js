/** The day grid: fields by days, a cell for each answer; what is late or broken stands out. */

import { classOf, colourOfClass, colourOfStatus, themed } from "./colours.js";
import { announce, byId, h, hideTooltip, oncePerFrame, showTooltip, sized } from "./dom.js";
import { whyNot } from "./field.js";
import { recomputeCells } from "./recompute.js";
import { change, state, watch } from "./state.js";
import { STATUSES, counted, longDay, monthOf, ndvi, shortDay, why, word } from "./words.js";

const ROW = 24;
const HEAD = 40;
const MIN_CELL = 9;
const MAX_CELL = 34;
const GLYPH_FROM = 9;
const TROUBLES = ["failed", "missing"];
/** The marks of cells that want attention, so that it does not hang on colour alone. */
const GLYPHS = { failed: "×", missing: "?" };

/** Rows that are shown, as rows of the season. @type {number[]} */
let rows = [];
/** The selected rectangle: where it began, and the cell that has the cursor. */
let anchor = null;
let cursor = null;
let box, canvas, draw;

/** Wire the grid up. */
export function startDays() {
  box = byId("days-scroll");
  canvas = byId("days-canvas");
  draw = oncePerFrame(render);
  for (const id of ["days-troubles", "days-values", "days-order"]) byId(id).addEventListener("change", arrange);
  byId("days-recompute").addEventListener("click", recompute);
  byId("days-open").addEventListener("click", open);
  box.addEventListener("scroll", draw);
  new ResizeObserver(arrange).observe(box);
  watch(["season", "fields", "view"], arrange);
  watch(["session"], render);
  listen();
  return draw;
}

const labelWidth = () => (box.clientWidth < 500 ? 84 : 132);
const side = () => {
  const free = (box.clientWidth - labelWidth() - 1) / state.season.length;
  return Math.min(Math.max(free, MIN_CELL), MAX_CELL);
};
const properties = (row) => state.fields[rows[row]].properties;
const status = (row, column) => state.season.status(rows[row], column);

/** Choose and order the rows, and lay out the scrolled surface. */
function arrange() {
  const { season, fields } = state;
  if (!season || state.view !== "days") return;
  const trouble = ({ properties: one }) => one.missing + one.counts.failed;
  rows = fields.map((_, row) => row);
  if (byId("days-troubles").checked) rows = rows.filter((row) => trouble(fields[row]) > 0);
  if (byId("days-order").value === "trouble") rows.sort((one, other) => trouble(fields[other]) - trouble(fields[one]));
  if (byId("days-order").value === "id") {
    const { compare } = new Intl.Collator("en", { numeric: true });
    rows.sort((one, other) => compare(season.ids[one], season.ids[other]));
  }
  if (cursor && (cursor.row >= rows.length || cursor.column >= season.length)) cursor = anchor = null;
  byId("days-space").style.width = `${labelWidth() + side() * season.length}px`;
  byId("days-space").style.height = `${HEAD + ROW * rows.length}px`;
  canvas.style.width = `${box.clientWidth}px`;
  canvas.style.height = `${box.clientHeight}px`;
  byId("days-none").hidden = rows.length > 0;
  legend();
  tell();
  draw();
}

function legend() {
  const counts = state.season.counts();
  byId("days-legend").replaceChildren(
    ...STATUSES.filter((name, code) => counts[code] > 0 || TROUBLES.includes(name)).map((name) =>
      h(
        "li",
        {},
        h("i", { class: `square ${name.replaceAll("_", "-")}` }, GLYPHS[name] ?? null),
        word(name),
        h("b", {}, counts[STATUSES.indexOf(name)].toLocaleString("en")),
      ),
    ),
  );
}

function render() {
  const { season } = state;
  if (!season || state.view !== "days") return;
  const { context, width, height } = sized(canvas);
  const cell = side();
  const label = labelWidth();
  const firstRow = Math.floor(box.scrollTop / ROW);
  const lastRow = Math.min(Math.ceil((box.scrollTop + height - HEAD) / ROW), rows.length);
  const firstColumn = Math.floor(box.scrollLeft / cell);
  const lastColumn = Math.min(Math.ceil((box.scrollLeft + width - label) / cell), season.length);
  const x = (column) => label + column * cell - box.scrollLeft;
  const y = (row) => HEAD + row * ROW - box.scrollTop;
  const byValue = byId("days-values").checked;
  context.fillStyle = themed("--paper");
  context.fillRect(0, 0, width, height);
  context.textBaseline = "middle";
  context.textAlign = "center";
  context.font = "bold 12px system-ui, sans-serif";
  const gap = cell > 5 ? 1 : 0;
  for (let row = firstRow; row < lastRow; row++) {
    for (let column = firstColumn; column < lastColumn; column++) {
      const name = status(row, column);
      if (name === "not_due") continue;
      const value = byValue ? season.value(rows[row], column) : null;
      context.fillStyle = value === null ? colourOfStatus(name) : colourOfClass(classOf(value));
      context.fillRect(x(column), y(row) + 1, cell - gap, ROW - 2);
      if (GLYPHS[name] && cell >= GLYPH_FROM) {
        context.fillStyle = themed(name === "failed" ? "--on-failed" : "--on-missing");
        context.fillText(GLYPHS[name], x(column) + (cell - gap) / 2, y(row) + ROW / 2);
      }
    }
  }
  drawSelection(context, x, y, cell);
  context.fillStyle = themed("--paper");
  context.fillRect(0, 0, label, height);
  context.fillRect(0, 0, width, HEAD);
  context.fillStyle = themed("--ink");
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "left";
  context.save();
  context.beginPath();
  context.rect(0, HEAD, label - 6, height);
  context.clip();
  for (let row = firstRow; row < lastRow; row++) context.fillText(properties(row).field_id, 4, y(row) + ROW / 2);
  context.restore();
  drawDates(context, x, firstColumn, lastColumn, cell, label, width);
}

function drawDates(context, x, first, last, cell, label, width) {
  const { season } = state;
  const every = Math.ceil(22 / cell);
  context.save();
  context.beginPath();
  context.rect(label, 0, width, HEAD);
  context.clip();
  context.textAlign = "left";
  for (let column = Math.max(first - 12, 0), labelled = -Infinity; column < last; column++) {
    const day = season.day(column);
    const number = Number(day.slice(8));
    if (column === first || (number === 1 && x(column) - labelled > 70)) {
      labelled = Math.max(x(column), label);
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

function drawSelection(context, x, y, cell) {
  if (!cursor) return;
  const { top, bottom, left, right } = selection();
  context.strokeStyle = themed("--accent");
  context.lineWidth = 2;
  context.strokeRect(x(left), y(top), (right - left + 1) * cell, (bottom - top + 1) * ROW);
  context.globalAlpha = 0.18;
  context.fillStyle = themed("--accent");
  context.fillRect(x(left), y(top), (right - left + 1) * cell, (bottom - top + 1) * ROW);
  context.globalAlpha = 1;
  context.strokeStyle = themed("--ink");
  context.lineWidth = 1.5;
  context.strokeRect(x(cursor.column) + 1.5, y(cursor.row) + 1.5, cell - 3, ROW - 3);
}

function selection() {
  return {
    top: Math.min(anchor.row, cursor.row),
    bottom: Math.max(anchor.row, cursor.row),
    left: Math.min(anchor.column, cursor.column),
    right: Math.max(anchor.column, cursor.column),
  };
}

/** The cells of the selection that are due: others have nothing to compute. */
function due() {
  const { top, bottom, left, right } = selection();
  const chosen = { ids: [], cells: 0 };
  for (let row = top; row <= bottom; row++) {
    let cells = 0;
    for (let column = left; column <= right; column++) if (status(row, column) !== "not_due") cells++;
    if (cells > 0) chosen.ids.push(properties(row).field_id);
    chosen.cells += cells;
  }
  return { ...chosen, start: state.season.day(left), end: state.season.day(right) };
}

/** Say what is selected and offer what can be done with it. */
function tell() {
  const button = byId("days-recompute");
  byId("days-open").disabled = !cursor;
  button.disabled = true;
  if (!cursor) {
    byId("days-selected").textContent = "Select cells, or a field's name for its row, or a date for its column.";
    return;
  }
  const { ids, cells, start, end } = due();
  const { top, bottom, left, right } = selection();
  const isOne = top === bottom && left === right;
  const period = start === end ? longDay(start) : `${shortDay(start)} to ${longDay(end)}`;
  const fields = top === bottom ? properties(top).field_id : counted(bottom - top + 1, "field");
  const what = isOne ? describe(top, left).slice(1).join(", ") : counted(cells, "due cell");
  byId("days-selected").textContent = `${fields}, ${period}: ${what}`;
  button.disabled = cells === 0 || ids.length === 0 || !state.session?.may_recompute;
  button.title = state.session?.may_recompute ? "" : "You do not have the right to trigger ndvi_catch_up.";
}

function describe(row, column) {
  const name = status(row, column);
  const value = state.season.value(rows[row], column);
  const isLast = column === state.season.length - 1;
  const title = `${properties(row).field_id}, ${longDay(state.season.day(column))}`;
  if (value !== null) return [title, `NDVI ${ndvi(value)}`];
  return [title, isLast || name === "not_due" ? whyNot(properties(row), name) : why(name)];
}

function recompute() {
  const { ids, cells, start, end } = due();
  recomputeCells({ field_ids: ids, start, end }, cells);
}

function open() {
  change({ field: [properties(cursor.row).field_id], date: state.season.day(cursor.column) });
}

function select(row, column, from = null) {
  cursor = { row: clamp(row, rows.length), column: clamp(column, state.season.length) };
  anchor = from ?? cursor;
  tell();
  draw();
}

const clamp = (value, length) => Math.min(Math.max(value, 0), length - 1);

/** Scroll so that the cursor is seen. */
function reveal() {
  const cell = side();
  const top = cursor.row * ROW;
  const left = cursor.column * cell;
  const high = box.clientHeight - HEAD;
  const wide = box.clientWidth - labelWidth();
  if (top < box.scrollTop) box.scrollTop = top;
  if (top + ROW > box.scrollTop + high) box.scrollTop = top + ROW - high;
  if (left < box.scrollLeft) box.scrollLeft = left;
  if (left + cell > box.scrollLeft + wide) box.scrollLeft = left + cell - wide;
}

/** The cell at a point of the window; -1 is the head of its row or column. */
function at(event) {
  const area = canvas.getBoundingClientRect();
  const x = event.clientX - area.left;
  const y = event.clientY - area.top;
  const column = x < labelWidth() ? -1 : Math.floor((x - labelWidth() + box.scrollLeft) / side());
  const row = y < HEAD ? -1 : Math.floor((y - HEAD + box.scrollTop) / ROW);
  return row < rows.length && column < state.season.length ? { row, column } : null;
}

function listen() {
  let dragging = false;
  canvas.addEventListener("pointerdown", (event) => {
    const cell = state.season && at(event);
    if (!cell || event.button !== 0) return;
    const { row, column } = cell;
    const [lastRow, lastColumn] = [rows.length - 1, state.season.length - 1];
    hideTooltip();
    if (row === -1 && column === -1) return;
    if (row === -1) select(lastRow, column, { row: 0, column: event.shiftKey && anchor ? anchor.column : column });
    else if (column === -1) select(row, lastColumn, { row: event.shiftKey && anchor ? anchor.row : row, column: 0 });
    else {
      select(row, column, event.shiftKey ? anchor : null);
      dragging = event.pointerType === "mouse";
      if (dragging) canvas.setPointerCapture(event.pointerId);
    }
  });
  canvas.addEventListener("pointermove", (event) => {
    const cell = state.season && at(event);
    if (dragging && cell && cell.row >= 0 && cell.column >= 0) return select(cell.row, cell.column, anchor);
    if (!cell || cell.row < 0 || cell.column < 0) return hideTooltip();
    const [title, ...lines] = describe(cell.row, cell.column);
    return showTooltip(event.clientX, event.clientY, [title, ...lines]);
  });
  canvas.addEventListener("pointerup", () => (dragging = false));
  canvas.addEventListener("pointerleave", hideTooltip);
  canvas.addEventListener("dblclick", () => cursor && open());
  canvas.addEventListener("focus", () => {
    if (!cursor && rows.length > 0) select(0, state.season.length - 1);
  });
  canvas.addEventListener("keydown", (event) => {
    if (!cursor || event.altKey) return;
    const { row, column } = cursor;
    const last = { row: rows.length - 1, column: state.season.length - 1 };
    const page = Math.max(Math.floor((box.clientHeight - HEAD) / ROW) - 1, 1);
    const to = {
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      PageUp: [row - page, column],
      PageDown: [row + page, column],
      Home: [event.ctrlKey ? 0 : row, 0],
      End: [event.ctrlKey ? last.row : row, last.column],
    }[event.key];
    if (to) select(to[0], to[1], event.shiftKey ? anchor : null);
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) select(last.row, last.column, { row: 0, column: 0 });
    else if (event.key === "Escape") select(row, column);
    else if (event.key === "Enter") open();
    else return;
    event.preventDefault();
    if (event.key !== "a") reveal();
    announce(byId("days-selected").textContent);
  });
}
