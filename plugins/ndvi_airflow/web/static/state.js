/** What is shown, in one place and in the address, so that a link leads back to it. */

/**
 * @typedef {object} Feature A field as GeoJSON; its properties are those of the API.
 * @property {{type: string, coordinates: any}} geometry
 * @property {Record<string, any>} properties
 *
 * @typedef {object} State
 * @property {"map" | "list" | "days"} view
 * @property {string | null} date Of the map; null is the last day.
 * @property {string[]} field The ids of the fields that are open, the first one with all its details.
 * @property {"latest" | "day"} colour Whether the map shows each field's latest value, or this day's only.
 * @property {string | null} from First day that is loaded; null: as many days as load fast.
 * @property {Record<string, any> | null} session
 * @property {Feature | null} extent
 * @property {Feature[]} fields
 * @property {import("./season.js").Season | null} season
 */

const IN_ADDRESS = ["view", "date", "field", "colour", "from"];
/** Changes of these are steps that the browser's Back button undoes. */
const STEPS = ["view", "field"];

const BEGINNING = { view: "map", date: null, field: [], colour: "latest", from: null };

/** @type {State} */
export const state = { ...BEGINNING, session: null, extent: null, fields: [], season: null, ...read() };

/** @type {{keys: string[], listener: () => void}[]} */
const watchers = [];
let changed = new Set();

/**
 * Call a function after any of these parts of the state have changed.
 *
 * @param {(keyof State)[]} keys
 * @param {() => void} listener
 */
export function watch(keys, listener) {
  watchers.push({ keys, listener });
}

/** @param {Partial<State>} part */
export function change(part) {
  const keys = Object.keys(part).filter((key) => !same(state[key], part[key]));
  if (keys.length === 0) return;
  Object.assign(state, part);
  if (keys.some((key) => IN_ADDRESS.includes(key))) {
    const note = keys.some((key) => STEPS.includes(key)) ? "pushState" : "replaceState";
    history[note](null, "", address());
  }
  tell(keys);
}

/** Open a field, or add it to those that are compared, or take it away again. @param {string} id @param {boolean} more */
export function pick(id, more) {
  const others = state.field.filter((one) => one !== id);
  if (!more) change({ field: [id] });
  else change({ field: others.length < state.field.length ? others : [...state.field, id] });
}

/** The address of what is shown, after the page's own. */
export function address() {
  const words = IN_ADDRESS.filter((key) => !same(state[key], BEGINNING[key])).map(
    (key) => `${key}=${[state[key]].flat().map(encodeURIComponent).join(",")}`,
  );
  return `#${words.join("&")}`;
}

function read() {
  const words = new URLSearchParams(location.hash.slice(1));
  const found = { ...BEGINNING };
  for (const key of IN_ADDRESS) if (words.get(key)) found[key] = words.get(key);
  found.field = String(found.field).split(",").filter(Boolean);
  if (!["map", "list", "days"].includes(found.view)) found.view = BEGINNING.view;
  if (found.colour !== "day") found.colour = BEGINNING.colour;
  for (const key of ["date", "from"]) if (!/^\d{4}-\d\d-\d\d$/.test(found[key] ?? "")) found[key] = null;
  return found;
}

/** Whether two values are the same, or two lists of ids name the same. */
function same(one, other) {
  const ids = (value) => Array.isArray(value) && value.every((item) => typeof item === "string");
  return one === other || (ids(one) && ids(other) && one.join() === other.join());
}

function tell(keys) {
  const isFirst = changed.size === 0;
  keys.forEach((key) => changed.add(key));
  if (!isFirst) return;
  queueMicrotask(() => {
    const now = changed;
    changed = new Set();
    for (const { keys: watched, listener } of watchers) if (watched.some((key) => now.has(key))) listener();
  });
}

window.addEventListener("popstate", () => {
  const found = read();
  const keys = IN_ADDRESS.filter((key) => !same(state[key], found[key]));
  Object.assign(state, found);
  tell(keys);
});
