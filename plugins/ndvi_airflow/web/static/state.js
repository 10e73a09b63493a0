/** What is shown, in one place and in the address, so that a link leads back to it. */

/** @import { Extent, Field, Index, Session } from "./answers.d.ts" */
/** @import { Grid } from "./grid.js" */

/**
 * @typedef {"planting" | "year" | "none"} Align By days since planting, by day of the year, or not at all.
 *
 * @typedef {object} Addressed What the address has of the state.
 * @property {"map" | "list" | "days"} view
 * @property {string | null} date Of the map; null is the last day.
 * @property {string[]} field The ids of the fields that are open, the first one with all its details.
 * @property {string | null} season The name of that one's season; null is the season of the date.
 * @property {"latest" | "day"} colour Whether the map shows each field's latest value, or this day's only.
 * @property {string} index Of which the curve is.
 * @property {Align} align How earlier seasons are drawn behind that.
 * @property {string | null} from First day that is loaded; null: as many days as load fast.
 *
 * @typedef {object} Loaded What the servers answered.
 * @property {Session | null} session
 * @property {Extent | null} extent
 * @property {Index[]} indices
 * @property {Field[]} fields
 * @property {Grid | null} grid
 *
 * @typedef {Addressed & Loaded} State
 */

/** @type {(keyof Addressed)[]} */
const IN_ADDRESS = ["view", "date", "field", "season", "colour", "index", "align", "from"];
/** Changes of these are steps that the browser's Back button undoes. @type {(keyof State)[]} */
const STEPS = ["view", "field", "season"];
/** @type {State["view"][]} */
export const VIEWS = ["map", "list", "days"];

/** @type {Align[]} */
const ALIGNS = ["planting", "year", "none"];

/** @type {Addressed} */
const BEGINNING = { view: "map", date: null, field: [], season: null, colour: "latest", index: "ndvi", align: "planting", from: null };

/** @type {State} */
export const state = { ...read(), session: null, extent: null, indices: [], fields: [], grid: null };

/** @type {{keys: (keyof State)[], listener: () => void}[]} */
const watchers = [];
/** What has changed since the watchers were notified last. @type {Set<keyof State>} */
const changed = new Set();

/**
 * Call a function after any of these parts of the state have changed.
 *
 * @param {(keyof State)[]} keys
 * @param {() => void} listener
 */
export function watch(keys, listener) {
  watchers.push({ keys, listener });
}

/** @param {Partial<State>} wanted */
export function change(wanted) {
  const part = withSeason(wanted);
  const given = /** @type {(keyof State)[]} */ (Object.keys(part));
  const keys = given.filter((key) => !same(state[key], part[key]));
  if (keys.length === 0) return;
  Object.assign(state, part);
  if (IN_ADDRESS.some((key) => keys.includes(key))) {
    const note = keys.some((key) => STEPS.includes(key)) ? "pushState" : "replaceState";
    history[note](null, "", address(state));
  }
  notify(keys);
}

/**
 * Open a field, or add it to those that are compared, or take it away again.
 *
 * @param {string} id @param {boolean} more
 */
export function pick(id, more) {
  const others = state.field.filter((one) => one !== id);
  if (!more) change({ field: [id] });
  else change({ field: others.length < state.field.length ? others : [...state.field, id] });
}

/** A link to what would be shown then. @param {Partial<Addressed>} part */
export const linkTo = (part) => address({ ...state, ...withSeason(part) });

/** Names of seasons are those of one field: another one has others. @template {Partial<Addressed>} T @param {T} part */
const withSeason = (part) => (part.field && part.field[0] !== state.field[0] ? { season: null, ...part } : part);

/** The address of what is shown, after the page's own. @param {Addressed} shown */
function address(shown) {
  const words = IN_ADDRESS.filter((key) => !same(shown[key], BEGINNING[key])).map(
    (key) => `${key}=${[shown[key]].flat().map(String).map(encodeURIComponent).join(",")}`,
  );
  return `#${words.join("&")}`;
}

/** @returns {Addressed} */
function read() {
  const words = new URLSearchParams(location.hash.slice(1));
  /** @param {string} key */
  const day = (key) => /^\d{4}-\d\d-\d\d$/.exec(words.get(key) ?? "")?.[0] ?? null;
  return {
    view: VIEWS.find((view) => view === words.get("view")) ?? BEGINNING.view,
    date: day("date"),
    field: (words.get("field") ?? "").split(",").filter(Boolean),
    season: words.get("season"),
    colour: words.get("colour") === "day" ? "day" : BEGINNING.colour,
    index: words.get("index") ?? BEGINNING.index,
    align: ALIGNS.find((align) => align === words.get("align")) ?? BEGINNING.align,
    from: day("from"),
  };
}

/** Whether two values are the same, or two lists of ids name the same. @param {unknown} one @param {unknown} other */
function same(one, other) {
  return one === other || (areIds(one) && areIds(other) && one.join() === other.join());
}

/** @param {unknown} value @returns {value is string[]} */
function areIds(value) {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** Call the watchers of these parts, once for all changes that are made in one go. @param {(keyof State)[]} keys */
function notify(keys) {
  if (changed.size === 0) queueMicrotask(callWatchers);
  keys.forEach((key) => changed.add(key));
}

function callWatchers() {
  const now = new Set(changed);
  changed.clear();
  for (const { keys, listener } of watchers) if (keys.some((key) => now.has(key))) listener();
}

window.addEventListener("popstate", () => {
  const found = read();
  const keys = IN_ADDRESS.filter((key) => !same(state[key], found[key]));
  Object.assign(state, found);
  notify(keys);
});
