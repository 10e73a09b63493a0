/** The one search, over ids and crops: it narrows the list, and opens a field whose id it is. */

/** @import { FieldMap } from "./map.js" */

import { byId, h } from "./dom.js";
import { finds } from "./standings.js";
import { change, state, watch } from "./state.js";

const MOST_OFFERED = 50;

/** @param {FieldMap} map */
export function startSearch(map) {
  document.addEventListener("focusin", offerIds);
  document.addEventListener("input", offerIds);
  const box = byId("find", HTMLInputElement);
  box.addEventListener("input", (event) => {
    const isTyped = event instanceof InputEvent && event.inputType !== "insertReplacementText";
    change({ find: box.value });
    if (!isTyped) go(map, box.value);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") go(map, box.value);
  });
  watch(["find"], () => box.value !== state.find && (box.value = state.find));
  box.value = state.find;
}

/** Offer ids that have in them what is typed; all of many would keep the browser busy. @param {Event} event */
function offerIds({ target }) {
  const offers = byId("field-ids");
  if (!(target instanceof HTMLInputElement) || target.list !== offers || !state.grid) return;
  const words = target.value.trim().toLowerCase();
  /** @type {string[]} */
  const found = [];
  for (const id of state.grid.ids) {
    if (id.toLowerCase().includes(words)) found.push(id);
    if (found.length === MOST_OFFERED) break;
  }
  offers.replaceChildren(...found.map((id) => h("option", { value: id })));
}

/** Open the field whose id it is; else show the list of those that are found. @param {FieldMap} map @param {string} words */
function go(map, words) {
  const wanted = words.trim();
  const row = state.grid?.rows.get(wanted);
  if (row !== undefined) {
    change({ find: "", field: [wanted] });
    return map.showFields([row]);
  }
  const isIn = finds(wanted);
  const isAny = state.fields.some(({ properties: one }) => isIn(one.field_id, one.plant_type));
  if (wanted && isAny && !["changes", "list"].includes(state.view)) change({ view: "list" });
}
