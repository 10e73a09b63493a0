/** What the address or the search asks for and there is not, in words. */

import { byId } from "./dom.js";
import { finds } from "./standings.js";
import { addressWords, state, watch } from "./state.js";
import { isDay, longDay } from "./words.js";

const NAMED = 3;

/** Say it above what is shown, as long as it is so. */
export function startNotices() {
  watch(["field", "fields", "grid", "date", "find", "ids"], render);
}

function render() {
  const { grid } = state;
  if (!grid) return;
  const said = [...unknownFields(), ...badDate(), ...nothingFound()];
  byId("said").textContent = said.join(" ");
  byId("said").hidden = said.length === 0;
}

function unknownFields() {
  const open = unknown(state.field);
  const group = unknown(state.ids);
  return [
    ...(open.length > 0 ? [`There is no field ${named(open)}.`] : []),
    ...(group.length > 0 ? [`Of the group there is no field ${named(group)}.`] : []),
  ];
}

/** @param {string[]} ids */
const unknown = (ids) => ids.filter((id) => !state.grid?.rows.has(id));

/** @param {string[]} ids */
const named = (ids) => ids.slice(0, NAMED).join(", ") + (ids.length > NAMED ? ` and ${ids.length - NAMED} more` : "");

function badDate() {
  const { grid, date } = state;
  const asked = addressWords().get("date");
  if (asked !== null && !isDay(asked)) return [`The date ${asked} of the address is no day: it is written YYYY-MM-DD.`];
  if (!grid || grid.ids.length === 0 || date === null || (date >= grid.start && date <= grid.end)) return [];
  const known = `${longDay(grid.start)} to ${longDay(grid.end)}`;
  return [`${longDay(date)} is not among the days that are loaded, ${known}: the nearest one is shown.`];
}

function nothingFound() {
  const isIn = finds(state.find);
  const isAny = state.fields.some(({ properties }) => isIn(properties.field_id, properties.plant_type));
  return isAny || state.fields.length === 0 ? [] : [`No field and no crop has “${state.find.trim()}” in its name.`];
}
