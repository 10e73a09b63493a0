/** What is shown, in one place and in the address, so that a link leads back to it. */

/** @import { Extent, Field, FieldEvent, Index, Session } from "./answers.d.ts" */
/** @import { Grid } from "./grid.js" */
/** @import { Outlines } from "./outlines.js" */
/** @import { Standings } from "./standings.js" */

import { isDay } from "./words.js";

/**
 * @typedef {"planting" | "year" | "none"} Align By days since planting, by day of the year, or not at all.
 *
 * @typedef {object} Addressed What the address has of the state.
 * @property {"changes" | "map" | "list" | "days"} view
 * @property {string | null} date Of the map; null is the last day.
 * @property {string[]} field The ids of the fields that are open, the first one with all its details.
 * @property {string | null} season The name of that one's season; null is the season of the date.
 * @property {"latest" | "day"} colour Whether the map shows each field's latest value, or this day's only.
 * @property {string} index Of which the curve is.
 * @property {Align} align How earlier seasons are drawn behind that.
 * @property {string | null} from First day that is loaded; null: as many days as load fast.
 * @property {string} find What is searched for: a part of an id or a crop.
 * @property {string | null} crop The only one whose fields are listed.
 * @property {number | null} ha_from Hectares that a listed field has at least.
 * @property {number | null} ha_to And at most.
 * @property {string[]} ids The only fields that are listed; none is all.
 * @property {string | null} sort The column that the list goes by, with a minus if the highest is first; null: as registered.
 * @property {"open" | "recent" | "dismissed"} events Which of them are listed.
 *
 * @typedef {object} Loaded What the servers answered.
 * @property {Session | null} session
 * @property {Extent | null} extent
 * @property {Index[]} indices
 * @property {Outlines | null} outlines Of the fields, in the order of the grid's rows.
 * @property {Grid | null} grid
 * @property {Field[]} fields With their status, in the same order; of many fields it comes last.
 * @property {Standings | null} standings
 * @property {FieldEvent[] | null} unusual Events of all fields, as `events` says.
 * @property {boolean} isLatestLost Whether both could not be loaded the last time.
 * @property {boolean} isLost Whether all the rest could not be loaded the last time.
 *
 * @typedef {Addressed & Loaded} State
 */

/** @type {(keyof Addressed)[]} */
const IN_ADDRESS = ["view", "date", "field", "season", "colour", "index", "align", "from", "find", "crop", "ha_from", "ha_to", "ids", "sort", "events"];
/** Changes of these are steps that the browser's Back button undoes. @type {(keyof State)[]} */
const STEPS = ["view", "field", "season", "crop", "ids", "events"];
/** @type {State["view"][]} */
export const VIEWS = ["changes", "map", "list", "days"];
/** @type {State["events"][]} */
export const EVENTS = ["open", "recent", "dismissed"];

/** What those parts that narrow what is shown are when they do not. */
export const NO_FILTER = { find: "", crop: null, ha_from: null, ha_to: null, ids: /** @type {string[]} */ ([]) };
/** All that decides which fields the filters leave. @type {(keyof State)[]} */
export const FILTERED_BY = ["fields", "standings", "find", "crop", "ha_from", "ha_to", "ids"];

/** @type {Align[]} */
const ALIGNS = ["planting", "year", "none"];

/** @type {Addressed} */
const BEGINNING = {
  ...{ view: "changes", date: null, field: [], season: null, colour: "latest", index: "ndvi", align: "planting", from: null },
  ...NO_FILTER,
  sort: null,
  events: "open",
};

/** @type {State} */
export const state = {
  ...read(),
  ...{ session: null, extent: null, indices: [], outlines: null, grid: null, fields: [], standings: null, unusual: null, isLatestLost: false, isLost: false },
};

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
    tellFrame();
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
  const usual = { ...BEGINNING, view: usualView(shown.field, shown.date) };
  const words = IN_ADDRESS.filter((key) => !same(shown[key], usual[key])).map(
    (key) => `${key}=${[shown[key]].flat().map(String).map(encodeURIComponent).join(",")}`,
  );
  return `#${words.join("&")}`;
}

/** A link to a field or to a day is one to the map. @param {string[]} field @param {string | null} date */
function usualView(field, date) {
  return field.length > 0 || date !== null ? "map" : BEGINNING.view;
}

/** What the address has, of the page or else of the window whose frame it is in. */
export function addressWords() {
  return new URLSearchParams((location.hash || frame()?.location.hash || "").slice(1));
}

/** @returns {Addressed} */
function read() {
  const words = addressWords();
  /** @param {string} key */
  const day = (key) => {
    const value = words.get(key);
    return value !== null && isDay(value) ? value : null;
  };
  /** @param {string} key */
  const list = (key) => (words.get(key) ?? "").split(",").filter(Boolean);
  /** @param {string} key */
  const hectares = (key) => (words.get(key) && Number(words.get(key)) >= 0 ? Number(words.get(key)) : null);
  const [date, field] = [day("date"), list("field")];
  return {
    view: VIEWS.find((view) => view === words.get("view")) ?? usualView(field, date),
    date,
    field,
    season: words.get("season"),
    colour: words.get("colour") === "day" ? "day" : BEGINNING.colour,
    index: words.get("index") ?? BEGINNING.index,
    align: ALIGNS.find((align) => align === words.get("align")) ?? BEGINNING.align,
    from: day("from"),
    find: words.get("find") ?? "",
    crop: words.get("crop"),
    ha_from: hectares("ha_from"),
    ha_to: hectares("ha_to"),
    ids: list("ids"),
    sort: words.get("sort"),
    events: EVENTS.find((events) => events === words.get("events")) ?? BEGINNING.events,
  };
}

/** Airflow's window, if the page is shown in a frame of it. */
function frame() {
  try {
    return window.parent !== window && window.parent.location.origin === location.origin ? window.parent : null;
  } catch {
    return null; // of another site, which the server forbids
  }
}

/** Keep the address in that of Airflow's window as well: when that is loaded again, it says what was shown. */
function tellFrame() {
  const outer = frame();
  if (!outer || outer.location.hash === location.hash) return;
  const { pathname, search } = outer.location; // a hash alone would be one of Airflow's base address
  outer.history.replaceState(outer.history.state, "", `${pathname}${search}${location.hash}`);
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
  tellFrame();
});
