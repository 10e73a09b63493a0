/** The fields as a table that is sorted by any column. Only the rows in view are made, so that there may be very many. */

/** @import { Field, FieldStatus } from "./answers.d.ts" */
/** @import { Standing } from "./standings.js" */

import { classOf, colourOfClass } from "./colours.js";
import { byId, h, heldFocus, oncePerFrame } from "./dom.js";
import { listed } from "./standings.js";
import { change, pick, state, watch } from "./state.js";
import { crop, hectares, longDay, ndvi, signed, whyNot } from "./words.js";

const ROW_PIXELS = 36;
/** Rows that are made above and below those in view. */
const BEYOND = 10;
const STEP = 10;

/** @typedef {{status: FieldStatus, standing: Standing | null}} Row */
/** @typedef {string | number | null} Key */
/**
 * @typedef {object} Column
 * @property {string} name In the address.
 * @property {string} title
 * @property {(row: Row) => Key} key By which rows are sorted; those without one are last.
 * @property {(row: Row) => (Node | string)[]} cell
 * @property {boolean} [isNumber]
 */

/** @type {Column[]} */
const COLUMNS = [
  { name: "crop", title: "Crop", key: ({ status }) => crop(status.plant_type), cell: ({ status }) => [crop(status.plant_type)] },
  {
    name: "area",
    title: "Area, ha",
    key: ({ standing }) => standing?.area_ha ?? null,
    cell: ({ standing }) => [newWords(() => hectares(standing?.area_ha))],
    isNumber: true,
  },
  {
    name: "planted",
    title: "Planted",
    key: ({ status }) => status.plant_date,
    cell: ({ status }) => [longDay(status.plant_date)],
  },
  {
    name: "ndvi",
    title: "Last NDVI",
    key: ({ status }) => status.last_value,
    cell: ({ status }) => [swatch(status.last_value), ndvi(status.last_value)],
    isNumber: true,
  },
  {
    name: "change",
    title: "Change",
    key: ({ standing }) => standing?.change ?? null,
    cell: ({ standing }) => [newWords(() => signed(standing?.change))],
    isNumber: true,
  },
  { name: "peers", title: "Among peers", key: ({ standing }) => standing?.peers_z ?? null, cell: ({ standing }) => [newWords(() => place(standing))] },
  { name: "seen", title: "Last seen", key: ({ status }) => status.last_date, cell: ({ status }) => [lastSeen(status)] },
  {
    name: "computed",
    title: "Computed",
    key: ({ status }) => status.counts.computed,
    cell: ({ status }) => [`${status.counts.computed} of ${status.days}`],
    isNumber: true,
  },
  { name: "trouble", title: "Late or broken", key: troubleCount, cell: ({ status }) => [troubles(status)] },
];
const FIELD = { name: "field", title: "Field", key: (/** @type {Row} */ { status }) => status.field_id };

/** What of the fields is listed, in order. @type {Field[]} */
let rows = [];

/** The rows that are made, as a text. */
let made = "";

/** Wire the list up. */
export function startList() {
  const draw = oncePerFrame(() => inView() !== made && renderRows());
  const drawAnew = oncePerFrame(renderRows);
  const sort = () => {
    if (state.view !== "list") return;
    renderHead();
    rows = sorted(listed(state.fields, state.standings, state));
    renderRows();
  };
  byId("list-scroll").addEventListener("scroll", draw);
  new ResizeObserver(draw).observe(byId("list-scroll"));
  watch(["fields", "standings", "isLatestLost", "view", "sort", "find", "crop", "ha_from", "ha_to", "ids"], sort);
  watch(["field"], drawAnew);
}

/** What is shown of a field; what is new of it only if a column asks for it. @param {Field} field @returns {Row} */
const rowOf = ({ id, properties: status }) => ({
  status,
  get standing() {
    return state.standings?.of(id) ?? null;
  },
});

/** The column that rows are sorted by, and which way. */
function order() {
  const name = (state.sort ?? "").replace(/^-/, "");
  return { column: [FIELD, ...COLUMNS].find((one) => one.name === name), isDown: (state.sort ?? "").startsWith("-") };
}

/** @param {Field[]} found */
function sorted(found) {
  const { column, isDown } = order();
  if (!column) return found;
  const keyed = found.map((field) => ({ field, key: column.key(rowOf(field)) }));
  keyed.sort((one, other) => compare(one.key, other.key, isDown));
  return keyed.map(({ field }) => field);
}

/** @param {Key} one @param {Key} other @param {boolean} isDown */
function compare(one, other, isDown) {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  const by =
    typeof one === "string" && typeof other === "string"
      ? one.localeCompare(other, "en", { numeric: true })
      : Number(one) - Number(other);
  return isDown ? -by : by;
}

function renderHead() {
  const { column: by, isDown } = order();
  const refocus = heldFocus(byId("list-head"), "data-sort");
  const cells = [FIELD, ...COLUMNS].map(({ name, title }) => {
    const isBy = by?.name === name;
    const next = isBy && !isDown ? `-${name}` : name;
    return h(
      "th",
      { scope: "col", class: `col-${name}`, "aria-sort": isBy ? (isDown ? "descending" : "ascending") : null },
      h("button", { class: "sort", "data-sort": name, onclick: () => change({ sort: next }) }, title),
    );
  });
  byId("list-head").replaceChildren(...cells);
  refocus();
}

/** The first row to make and the one after the last. */
function range() {
  const { scrollTop, clientHeight } = byId("list-scroll");
  // In steps, so that not every movement makes all of them anew.
  const first = Math.floor(scrollTop / ROW_PIXELS / STEP) * STEP - BEYOND;
  const last = Math.ceil((scrollTop + clientHeight) / ROW_PIXELS / STEP) * STEP + BEYOND;
  return [Math.min(Math.max(first, 0), rows.length), Math.min(last, rows.length)];
}

const inView = () => range().join();

/** Make the rows that are in view, between two that are as tall as those before and after them. */
function renderRows() {
  if (state.view !== "list") return;
  const [first, last] = range();
  made = inView();
  const body = byId("list-rows");
  const refocus = heldFocus(body, "data-id");
  byId("list-table").setAttribute("aria-rowcount", String(rows.length + 1));
  body.replaceChildren(
    space(first),
    ...rows.slice(first, last).map((field, at) => tr(rowOf(field), first + at + 2)),
    space(rows.length - last),
  );
  byId("list-none").hidden = rows.length > 0 || state.fields.length === 0;
  byId("list-table").hidden = rows.length === 0;
  refocus();
}

/** @param {number} count Rows that are not made. */
function space(count) {
  const filler = h("tr", { "aria-hidden": "true", class: "space", hidden: count === 0 });
  filler.style.height = `${count * ROW_PIXELS}px`;
  return filler;
}

/** @param {Row} row @param {number} number */
function tr(row, number) {
  const id = row.status.field_id;
  /** @param {MouseEvent} event */
  const open = (event) => pick(id, event.shiftKey || event.ctrlKey);
  return h(
    "tr",
    { "aria-current": state.field.includes(id) ? "true" : null, "aria-rowindex": number },
    h("th", { scope: "row" }, h("button", { class: "link", "data-id": id, onclick: open }, id)),
    ...COLUMNS.map(({ cell, isNumber }) => {
      const said = cell(row);
      return h("td", { class: isNumber ? "number" : null, title: said.filter((one) => typeof one === "string").join("") }, ...said);
    }),
  );
}

/** @param {number | null} value */
function swatch(value) {
  const square = h("i", { class: value === null ? "swatch hatched" : "swatch" });
  if (value !== null) square.style.background = colourOfClass(classOf(value));
  return square;
}

/** What is new of a field, or that it is not known yet. @param {() => string} words */
function newWords(words) {
  if (state.standings) return words();
  return state.isLatestLost ? "not loaded" : "…";
}

/** Where a field stands among those of its crop. @param {Standing | null} standing */
function place(standing) {
  if (standing === null || standing.rank === null) return "–";
  return `${standing.rank} of ${standing.ranked}, z ${signed(standing.peers_z, 1)}`;
}

/** @param {FieldStatus} status */
const lastSeen = (status) => (status.last_date ? longDay(status.last_date) : whyNot(status, status.last_status ?? "missing"));

/** @param {Row} row */
function troubleCount({ status: { missing, counts } }) {
  return missing + counts.failed || null;
}

/** @param {FieldStatus} status */
function troubles({ missing, counts: { failed } }) {
  const said = [missing > 0 ? `${missing} missing` : "", failed > 0 ? `${failed} failed` : ""].filter(Boolean);
  return said.length > 0 ? h("span", { class: "trouble" }, said.join(", ")) : "–";
}
