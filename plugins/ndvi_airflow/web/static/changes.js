/** What has changed since the last pass, crop by crop: what is unusual, what rose and fell, who is far below its peers. */

/** @import { FieldEvent } from "./answers.d.ts" */
/** @import { Standing } from "./standings.js" */

import { byId, h, heldFocus } from "./dom.js";
import { refreshLatest } from "./latest.js";
import { review } from "./reviews.js";
import { eventWords } from "./season_words.js";
import { isNarrowed, listed } from "./standings.js";
import { EVENTS, change, linkTo, state, watch } from "./state.js";
import { counted, crop, dayNumber, hectares, longDay, ndvi, signed } from "./words.js";

/** All ground is seen within so many days. */
const PASS_DAYS = 5;
/** Events of a crop that are shown at first, and at each "more". */
const AT_ONCE = 8;
const MORE = 100;
const RANKED = 3;
/** Smaller changes are none in two digits. */
const LEAST_CHANGE = 0.005;
/** A z from which a field is worth a look. */
const BELOW = -1;

/**
 * @typedef {object} Group A crop.
 * @property {string} type
 * @property {Standing[]} standings Of its fields.
 * @property {FieldEvent[]} events
 */

/** How many events are shown of each crop. @type {Map<string, number>} */
const shown = new Map();

/** Wire the view up. */
export function startChanges() {
  const kind = byId("changes-events", HTMLSelectElement);
  kind.addEventListener("change", () => change({ events: EVENTS.find((one) => one === kind.value) }));
  watch(["events"], () => {
    change({ unusual: null });
    refreshLatest();
  });
  watch(
    ["grid", "fields", "standings", "unusual", "isLatestLost", "view", "session", "find", "crop", "ha_from", "ha_to", "ids", "events"],
    render,
  );
}

function render() {
  if (state.view !== "changes") return;
  byId("changes-events", HTMLSelectElement).value = state.events;
  const { standings, unusual } = state;
  const box = byId("changes");
  if (!standings || !unusual || !areFieldsThere()) {
    const words = state.isLatestLost ? "What is new could not be loaded." : "Loading what is new…";
    byId("changes-pass").textContent = areFieldsThere() ? words : "";
    return;
  }
  byId("changes-pass").textContent = lastPass();
  const refocus = heldFocus(box, "data-keep");
  const groups = groupsOf();
  box.replaceChildren(...(groups.length > 0 ? groups.map(section) : nothing()));
  refocus();
}

/** Fields may come after what is new of them; that they are not there is said of the whole page. */
const areFieldsThere = () => state.grid !== null && state.fields.length >= state.grid.ids.length;

function lastPass() {
  const { standings } = state;
  if (!standings?.lastPass) return "No field has a value yet.";
  const seen = standings.columns.last_date.filter((day) => day === standings.lastPass).length;
  return `Last pass: ${longDay(standings.lastPass)}, ${counted(seen, "field has", "fields have")} a value of it`;
}

function nothing() {
  if (state.fields.length === 0 || !isNarrowed(state)) return [];
  return [h("p", { class: "nothing" }, "No field is as the filters and the search say.")];
}

/** The crops of the fields that are listed, those with most events first. */
function groupsOf() {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  const listedFields = listed(state.fields, state.standings, state);
  const types = new Map(listedFields.map(({ id, properties }) => [id, properties.plant_type]));
  for (const [id, type] of types) {
    const group = groups.get(type) ?? { type, standings: [], events: [] };
    const standing = state.standings?.of(id);
    if (standing) group.standings.push(standing);
    groups.set(type, group);
  }
  for (const event of state.unusual ?? []) {
    const type = types.get(event.field_id);
    if (type !== undefined && event.status !== "withdrawn") groups.get(type)?.events.push(event);
  }
  return [...groups.values()].sort(
    (one, other) => other.events.length - one.events.length || one.type.localeCompare(other.type),
  );
}

/** @param {Group} group */
function section({ type, standings, events }) {
  const area = standings.reduce((sum, { area_ha: its }) => sum + its, 0);
  const title = `changes-${type}`;
  return h(
    "section",
    { class: "crop", "aria-labelledby": title },
    h(
      "header",
      {},
      h("h2", { id: title }, crop(type)),
      h("p", { class: "quiet" }, `${counted(standings.length, "field")}, ${hectares(area)} ha`),
    ),
    h("div", { class: "columns" }, eventPart(type, events), rankPart(standings)),
  );
}

const NONE = { open: "Nothing unusual is open.", recent: "Nothing unusual in sixty days.", dismissed: "No event was dismissed." };

/** @param {string} type @param {FieldEvent[]} events */
function eventPart(type, events) {
  if (events.length === 0) return h("p", { class: "quiet" }, NONE[state.events]);
  const most = shown.get(type) ?? AT_ONCE;
  const more = h("button", { class: "small", "data-keep": `more ${type}` }, `Show ${counted(events.length - most, "more event")}`);
  more.addEventListener("click", () => {
    shown.set(type, most + MORE);
    render();
  });
  return h(
    "div",
    {},
    h("ul", { class: "unusual" }, ...events.slice(0, most).map(eventLine)),
    events.length > most ? more : null,
  );
}

/** @param {FieldEvent} event */
function eventLine(event) {
  const { field_id: id, season, last_day: day, status } = event;
  const isNew = state.standings !== null && day === state.standings.of(id)?.last_date;
  const about = isNew ? "new" : status === "closed" ? "over" : "";
  return h(
    "li",
    {},
    h(
      "p",
      {},
      h("a", { href: linkTo({ view: "map", field: [id], season, date: day }), "data-keep": `open ${event.event_id}` }, id),
      about ? h("span", { class: "tag" }, about) : null,
      ` ${eventWords(event, undefined)}`,
    ),
    evidence(event),
    review(event, refreshLatest),
  );
}

/** The days that an event rests on, each a link to the map on it. @param {FieldEvent} event */
function evidence({ field_id: id, season, evidence: days }) {
  const links = days.map(([day]) => h("a", { href: linkTo({ view: "map", field: [id], season, date: day }) }, longDay(day)));
  if (links.length === 0) return null;
  return h("p", { class: "evidence" }, "Rests on ", ...links.flatMap((link, at) => (at === 0 ? [link] : [", ", link])));
}

/** @param {Standing[]} standings */
function rankPart(standings) {
  const last = dayNumber(state.standings?.lastPass ?? "1970-01-01");
  const seen = standings.filter(({ last_date: day }) => day !== null && dayNumber(day) > last - PASS_DAYS);
  const changed = seen.filter(({ change: by }) => by !== null && Math.abs(by) >= LEAST_CHANGE);
  const byChange = changed.sort((one, other) => (one.change ?? 0) - (other.change ?? 0));
  const below = seen.filter(({ peers_z: z }) => z !== null && z <= BELOW).sort((one, other) => (one.peers_z ?? 0) - (other.peers_z ?? 0));
  return h(
    "div",
    { class: "ranks" },
    ...ranks("Fell most since the pass before", byChange.filter(({ change: by }) => (by ?? 0) < 0), changeWords),
    ...ranks("Rose most", byChange.filter(({ change: by }) => (by ?? 0) > 0).toReversed(), changeWords),
    ...ranks("Furthest below peers", below, peerWords),
  );
}

/** @param {string} title @param {Standing[]} found @param {(one: Standing) => string} words */
function ranks(title, found, words) {
  if (found.length === 0) return [];
  const lines = found.slice(0, RANKED).map((one) => {
    const { field_id: id, last_date: date } = one;
    const href = linkTo({ view: "map", field: [id], date });
    return h("li", {}, h("a", { href, "data-keep": `${title} ${id}` }, id), ` ${words(one)}`);
  });
  return [h("h3", {}, title), h("ol", {}, ...lines)];
}

/** @param {Standing} one */
const changeWords = ({ change: by, last_value: value, before_date: before, last_date: last }) =>
  `${signed(by)} to ${ndvi(value)}, ${longDay(before ?? "")} to ${longDay(last ?? "")}`;

/** @param {Standing} one */
const peerWords = ({ rank, ranked, peers_z: z, peers_date: day }) =>
  `${rank} of ${ranked}, z ${signed(z, 1)} on ${longDay(day ?? "")}`;
