/** The one search, over ids and crops: it narrows the list, and opens a field whose id it is. */

/** @import { FieldMap } from "./map.js" */

import { byId, h } from "./dom.js";
import { finds } from "./standings.js";
import { change, state, watch } from "./state.js";

const OFFERED = 20;

/** @param {FieldMap} map */
export function startSearch(map) {
  const box = byId("find", HTMLInputElement);
  box.addEventListener("input", (event) => {
    const isTyped = event instanceof InputEvent && event.inputType !== "insertReplacementText";
    offer(box.value);
    change({ find: box.value });
    if (!isTyped) go(map, box.value);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") go(map, box.value);
  });
  watch(["find"], () => box.value !== state.find && (box.value = state.find));
  box.value = state.find;
}

/** Offer the ids that begin so, or have it. @param {string} words */
function offer(words) {
  const isIn = finds(words);
  const found = words.trim() ? state.fields.filter(({ properties: one }) => isIn(one.field_id, "")) : [];
  byId("field-ids").replaceChildren(...found.slice(0, OFFERED).map(({ id }) => h("option", { value: id })));
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
