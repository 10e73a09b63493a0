/** The sheet of a crop: its fields of a year, those farthest behind the others first. */

/** @import { Field, FieldEvent, SeasonStatus } from "./answers.d.ts" */
/** @import { Day } from "./season.js" */

import * as api from "./api.js";
import { h, svg } from "./dom.js";
import { daysOf } from "./season.js";
import { eventWords } from "./season_words.js";
import { Standings } from "./standings.js";
import { counted, crop, longDay, messageOf, ndvi, signed } from "./words.js";

/** Fields whose season is looked up; of more the sheet has the latest values alone, and no curves. */
const MOST_LOOKED_UP = 200;
const AT_ONCE = 8;
const NAMED = 3;
const WIDTH = 150;
const HEIGHT = 34;

/**
 * @typedef {object} Row
 * @property {string} id
 * @property {SeasonStatus} season
 * @property {number | null} z Of the latest value among the peers.
 * @property {Day[]} days
 * @property {FieldEvent[]} events Open ones.
 * @property {string} problem Why its season could not be loaded; empty if it could.
 */

/** @param {Field[]} fields @param {string} name @param {string | null} year Of planting; the last one without. */
export async function cropSheet(fields, name, year) {
  const all = fields.flatMap(({ id, properties: { seasons } }) =>
    seasons.filter((season) => season.plant_type === name).map((season) => ({ id, season })),
  );
  const years = all.map(({ season }) => season.plant_date.slice(0, 4)).toSorted();
  const shown = year ?? years.at(-1);
  const wanted = all.filter(({ season }) => season.plant_date.startsWith(shown ?? "-"));
  if (wanted.length === 0) return [h("p", { class: "problem", role: "alert" }, `No field of ${crop(name)} was planted${year ? ` in ${year}` : ""}.`)];
  /** @type {[FieldEvent[], string]} */
  const [events, eventsProblem] = await api.allEvents({ status: "open", dismissed: "false" }).then(
    (found) => [found, ""],
    (error) => [[], messageOf(error)],
  );
  const look = wanted.length > MOST_LOOKED_UP ? await latest() : computed;
  const rows = await inBatches(wanted, async ({ id, season }) => ({ id, season, events: eventsOf(events, id, season), ...(await look(id, season)) }));
  rows.sort((one, other) => standing(one) - standing(other));
  const lost = rows.filter(({ problem }) => problem);
  const problems = [
    ...(lost.length > 0 ? [`The season of ${named(lost)} could not be loaded: ${lost[0].problem}`] : []),
    ...(eventsProblem ? [`What is open could not be loaded: ${eventsProblem}`] : []),
  ];
  const behind = rows.filter((row) => standing(row) <= -2).length;
  const open = rows.filter((row) => row.events.length > 0).length;
  const told = [
    `${counted(rows.length, "field")} planted in ${shown}`,
    ...(eventsProblem ? [] : [`${counted(open, "field")} with something open`]),
    ...(lost.length > 0 || rows.every(({ z }) => z === null) ? [] : [`${counted(behind, "field")} far below the others`]),
  ];
  return [
    h(
      "header",
      {},
      h("h1", {}, crop(name)),
      h("p", { class: "quiet" }, told.join("; ")),
    ),
    ...problems.map((words) => h("p", { class: "problem", role: "alert" }, words)),
    table(rows),
    h("p", { class: "sheet-foot" }, `NDVI of Sentinel-2 L2A. The dotted line is the median of the crop's fields, as many days after planting; the z is how many robust deviations the latest value lies from it. Made on ${longDay(new Date().toISOString().slice(0, 10))}.`),
  ];
}

/** @param {FieldEvent[]} events @param {string} id @param {SeasonStatus} season */
const eventsOf = (events, id, { season }) => events.filter((one) => one.field_id === id && one.season === season);

/** Where a field stands among its peers, to sort by; unknown is last. @param {Row} row */
const standing = ({ z }) => z ?? Infinity;

/** @param {Row[]} rows */
const named = (rows) => rows.slice(0, NAMED).map(({ id }) => id).join(", ") + (rows.length > NAMED ? ` and ${rows.length - NAMED} more` : "");

/** @typedef {Pick<Row, "z" | "days" | "problem">} LookedUp */

/** What is computed of a season. @param {string} id @param {SeasonStatus} season @returns {Promise<LookedUp>} */
async function computed(id, { season }) {
  try {
    const figures = (await api.seasons(id)).find((one) => one.season === season)?.indices.ndvi;
    const days = figures ? daysOf(await api.series(id, season, "ndvi")) : [];
    return { z: figures?.peers_z ?? null, days, problem: "" };
  } catch (error) {
    return { z: null, days: [], problem: messageOf(error) };
  }
}

/** What is known of the present season of each field, from one answer. */
async function latest() {
  /** @type {[Standings | null, string]} */
  const [standings, problem] = await api.standings().then(
    (columns) => [new Standings(columns), ""],
    (error) => [null, messageOf(error)],
  );
  /** @param {string} id @param {SeasonStatus} season @returns {LookedUp} */
  return (id, { season }) => {
    const one = standings?.of(id);
    return { z: one?.season === season ? one.peers_z : null, days: [], problem };
  };
}

/**
 * @template Item, Result
 * @param {Item[]} items @param {(item: Item) => Promise<Result>} work
 */
async function inBatches(items, work) {
  /** @type {Result[]} */
  const found = [];
  for (let at = 0; at < items.length; at += AT_ONCE) found.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(work))));
  return found;
}

/** @param {Row[]} rows */
function table(rows) {
  const titles = ["Field", "Planted", "Season", "Latest NDVI", "On", "z", "Open"].map((title) => h("th", { scope: "col" }, title));
  return h("table", {}, h("thead", {}, h("tr", {}, ...titles)), h("tbody", {}, ...rows.map(line)));
}

/** @param {Row} row */
function line({ id, season, z, days, events }) {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, id),
    h("td", {}, longDay(season.plant_date)),
    h("td", {}, days.length > 0 ? spark(id, days) : "–"),
    h("td", { class: "number" }, ndvi(season.last_value)),
    h("td", {}, season.last_date ? longDay(season.last_date) : "–"),
    h("td", { class: "number" }, z === null ? "–" : signed(z)),
    h("td", {}, events.map((event) => eventWords(event, undefined)).join("; ") || "–"),
  );
}

/** A season in miniature, from 0 to 1. @param {string} id @param {Day[]} days */
function spark(id, days) {
  /** @param {number} at @param {number} value */
  const place = (at, value) =>
    `${((at / Math.max(days.length - 1, 1)) * WIDTH).toFixed(1)} ${((1 - Math.min(Math.max(value, 0), 1)) * (HEIGHT - 4) + 2).toFixed(1)}`;
  /** @param {(day: Day) => number | null} valueOf */
  const path = (valueOf) => {
    const places = days.flatMap((day, at) => {
      const value = valueOf(day);
      return value === null ? [] : [place(at, value)];
    });
    return places.length > 1 ? `M${places.join("L")}` : "";
  };
  return svg(
    "svg",
    { class: "spark", width: WIDTH, height: HEIGHT, role: "img", "aria-label": `Smoothed NDVI of ${id}` },
    svg("path", { class: "median", d: path((day) => day.peers?.median ?? null) }),
    svg("path", { d: path((day) => day.smoothed) }),
  );
}
