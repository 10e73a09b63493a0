/** What narrows every view: crop, hectares, a group of ids. All of it is in the address. */

import { byId, h } from "./dom.js";
import { isNarrowed, listed } from "./standings.js";
import { FILTERED_BY, NO_FILTER, change, state, watch } from "./state.js";
import { counted, crop } from "./words.js";

/** Wire the filters up. */
export function startFilters() {
  const type = byId("filter-crop", HTMLSelectElement);
  const [least, most] = [byId("filter-from", HTMLInputElement), byId("filter-to", HTMLInputElement)];
  const ids = byId("filter-ids", HTMLTextAreaElement);
  type.addEventListener("change", () => change({ crop: type.value || null }));
  least.addEventListener("change", () => change({ ha_from: hectares(least) }));
  most.addEventListener("change", () => change({ ha_to: hectares(most) }));
  byId("filter-group-use").addEventListener("click", () => {
    change({ ids: [...new Set(ids.value.split(/[\s,;]+/).filter(Boolean))] });
    byId("filter-group", HTMLDetailsElement).open = false;
  });
  byId("filter-none").addEventListener("click", () => {
    change(NO_FILTER);
    byId("filter-crop").focus();
  });
  watch(["fields"], renderCrops);
  watch(["grid", ...FILTERED_BY], render);
  renderCrops();
  render();
}

/** @param {HTMLInputElement} box */
const hectares = (box) => (box.value !== "" && box.valueAsNumber >= 0 ? box.valueAsNumber : null);

/** All crops, each once, and the one that the address names. */
function renderCrops() {
  const types = new Set(state.fields.map(({ properties }) => properties.plant_type));
  if (state.crop !== null) types.add(state.crop);
  const options = [...types].sort().map((one) => h("option", { value: one }, crop(one)));
  byId("filter-crop").replaceChildren(h("option", { value: "" }, "all crops"), ...options);
  byId("filter-crop", HTMLSelectElement).value = state.crop ?? "";
}

function render() {
  const all = state.grid?.ids.length ?? 0;
  byId("filters").hidden = all === 0;
  if (byId("filters").hidden) return;
  if (byId("filter-crop", HTMLSelectElement).value !== (state.crop ?? "")) renderCrops();
  byId("filter-from", HTMLInputElement).value = state.ha_from === null ? "" : String(state.ha_from);
  byId("filter-to", HTMLInputElement).value = state.ha_to === null ? "" : String(state.ha_to);
  byId("filter-ids", HTMLTextAreaElement).value = state.ids.join("\n");
  byId("filter-group-name").textContent = state.ids.length > 0 ? `Group: ${counted(state.ids.length, "id")}` : "Group";
  byId("filter-none").hidden = !isNarrowed(state);
  byId("filter-count").textContent = count(all);
}

/** How many fields the filters leave, once all are loaded. @param {number} all */
function count(all) {
  if (!isNarrowed(state)) return counted(all, "field");
  if (state.fields.length < all) return "";
  return `${counted(listed(state.fields, state.standings, state).length, "field")} of ${all.toLocaleString("en")}`;
}
