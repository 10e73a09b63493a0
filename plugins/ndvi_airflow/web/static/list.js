/** The fields as a table: what the map shows, for those who would rather read. */

/** @import { Field, FieldStatus } from "./answers.d.ts" */

import { classOf, colourOfClass } from "./colours.js";
import { byId, h, heldFocus } from "./dom.js";
import { pick, state, watch } from "./state.js";
import { counted, crop, ndvi, mediumDay, whyNot } from "./words.js";

const ROWS = 200;

/** Wire the list up. */
export function startList() {
  let shown = ROWS;
  const render = () => renderList(shown);
  byId("list-filter").addEventListener("input", () => {
    shown = ROWS;
    render();
  });
  byId("list-more").addEventListener("click", () => {
    shown += ROWS;
    render();
  });
  watch(["fields", "grid", "field", "view"], render);
}

/** @param {number} most Rows that are shown. */
function renderList(most) {
  if (state.view !== "list") return;
  const words = byId("list-filter", HTMLInputElement).value.trim().toLowerCase();
  const found = state.fields.filter(({ properties: one }) =>
    `${one.field_id} ${crop(one.plant_type)}`.toLowerCase().includes(words),
  );
  const rows = byId("list-rows");
  const refocus = heldFocus(rows, "data-id");
  rows.replaceChildren(...found.slice(0, most).map(row));
  byId("list-count").textContent = words
    ? `${counted(found.length, "field")} of ${state.fields.length.toLocaleString("en")}`
    : counted(found.length, "field");
  byId("list-more").hidden = found.length <= most;
  refocus();
}

/** @param {Field} field */
function row({ properties: one }) {
  const troubles = troublesOf(one);
  /** @param {MouseEvent} event */
  const open = (event) => pick(one.field_id, event.shiftKey || event.ctrlKey);
  return h(
    "tr",
    { "aria-current": state.field.includes(one.field_id) ? "true" : null },
    h("th", { scope: "row" }, h("button", { class: "link", "data-id": one.field_id, onclick: open }, one.field_id)),
    h("td", {}, crop(one.plant_type)),
    h("td", { class: "number" }, mediumDay(one.plant_date)),
    h("td", { class: "number" }, swatch(one.last_value), ndvi(one.last_value)),
    h("td", {}, one.last_date ? mediumDay(one.last_date) : whyNot(one, one.last_status ?? "missing")),
    h("td", { class: "number" }, `${one.counts.computed} of ${one.days}`),
    h("td", { class: troubles ? "trouble" : "" }, troubles || "–"),
  );
}

/** @param {number | null} value */
function swatch(value) {
  const square = h("i", { class: value === null ? "swatch hatched" : "swatch" });
  if (value !== null) square.style.background = colourOfClass(classOf(value));
  return square;
}

/** @param {FieldStatus} status */
function troublesOf({ missing, counts: { failed } }) {
  return [missing > 0 ? `${missing} missing` : "", failed > 0 ? `${failed} failed` : ""].filter(Boolean).join(", ");
}
