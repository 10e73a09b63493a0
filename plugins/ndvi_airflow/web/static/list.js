/** The fields as a table: what the map shows, for those who would rather read. */

import { classOf, colourOfClass } from "./colours.js";
import { byId, h } from "./dom.js";
import { whyNot } from "./field.js";
import { pick, state, watch } from "./state.js";
import { counted, crop, ndvi, shortDay } from "./words.js";

const ROWS = 200;

let shown = ROWS;

/** Wire the list up. */
export function startList() {
  byId("list-filter").addEventListener("input", () => {
    shown = ROWS;
    render();
  });
  byId("list-more").addEventListener("click", () => {
    shown += ROWS;
    render();
  });
  watch(["fields", "season", "field", "view"], render);
}

function render() {
  if (state.view !== "list") return;
  const words = byId("list-filter").value.trim().toLowerCase();
  const found = state.fields.filter(({ properties: one }) =>
    `${one.field_id} ${crop(one.plant_type)}`.toLowerCase().includes(words),
  );
  const focused = document.activeElement?.closest("#list-rows") && document.activeElement.dataset.id;
  byId("list-rows").replaceChildren(...found.slice(0, shown).map(row));
  byId("list-count").textContent = words ? `${counted(found.length, "field")} of ${state.fields.length.toLocaleString("en")}` : counted(found.length, "field");
  byId("list-more").hidden = found.length <= shown;
  if (focused) byId("list-rows").querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
}

function row({ properties: one }) {
  const isOpen = state.field.includes(one.field_id);
  const swatch = h("i", { class: one.last_value === null ? "swatch hatched" : "swatch" });
  if (one.last_value !== null) swatch.style.background = colourOfClass(classOf(one.last_value));
  const troubles = [
    one.missing > 0 ? `${one.missing} missing` : "",
    one.counts.failed > 0 ? `${one.counts.failed} failed` : "",
  ].filter(Boolean);
  return h(
    "tr",
    { "aria-current": isOpen ? "true" : null },
    h(
      "th",
      { scope: "row" },
      h("button", { class: "link", "data-id": one.field_id, onclick: (event) => pick(one.field_id, event.shiftKey || event.ctrlKey) }, one.field_id),
    ),
    h("td", {}, crop(one.plant_type)),
    h("td", { class: "number" }, shortDay(one.plant_date)),
    h("td", { class: "number" }, swatch, one.last_value === null ? "–" : ndvi(one.last_value)),
    h("td", {}, one.last_date ? shortDay(one.last_date) : whyNot(one, one.last_status ?? "missing")),
    h("td", { class: "number" }, `${one.counts.computed} of ${one.days}`),
    h("td", { class: troubles.length > 0 ? "trouble" : "" }, troubles.join(", ") || "–"),
  );
}
