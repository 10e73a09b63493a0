/** Earlier seasons of a field, drawn behind the one that is shown: aligned by age, or by the day of the year. */

/** @import { FieldStatus, SeasonStatus } from "./answers.d.ts" */
/** @import { Day } from "./season.js" */
/** @import { Align } from "./state.js" */

import * as api from "./api.js";
import { h } from "./dom.js";
import { daysOf } from "./season.js";
import { change } from "./state.js";
import { crop, dayNumber, messageOf } from "./words.js";

/** Seasons that are drawn: of more nobody tells one from the other. */
const MOST = 5;

/** @type {[Align, string][]} */
const CHOICES = [
  ["planting", "by days since planting"],
  ["year", "by day of the year"],
  ["none", "not shown"],
];

/**
 * @typedef {object} Earlier
 * @property {string} name Of the season.
 * @property {string} type The crop.
 * @property {Day[]} days In their order.
 * @property {number} shift Days by which it is drawn later than it was.
 * @property {string} problem Why it could not be loaded; empty if it could.
 */

/** The seasons before this one, the latest first. @param {FieldStatus} status @param {SeasonStatus} shown */
export const seasonsBefore = ({ seasons }, shown) =>
  seasons.filter((one) => one.plant_date < shown.plant_date).toReversed().slice(0, MOST);

/**
 * Load the daily series of earlier seasons; one that is not computed is left out.
 *
 * @param {string} id @param {SeasonStatus[]} seasons @param {SeasonStatus} shown @param {string} index @param {Align} align
 * @returns {Promise<Earlier[]>}
 */
export async function loadEarlier(id, seasons, shown, index, align) {
  if (align === "none") return [];
  const found = await Promise.all(
    seasons.map(async (one) => {
      const known = { name: one.season, type: one.plant_type, shift: shiftOf(one, shown, align) };
      try {
        return { ...known, days: daysOf(await api.series(id, one.season, index)), problem: "" };
      } catch (error) {
        return error instanceof api.NotThere ? null : { ...known, days: [], problem: messageOf(error) };
      }
    }),
  );
  return found.filter((one) => one !== null);
}

/** @param {SeasonStatus} earlier @param {SeasonStatus} shown @param {Align} align */
function shiftOf({ plant_date: before }, { plant_date: planted }, align) {
  if (align === "planting") return dayNumber(planted) - dayNumber(before);
  const [from, to] = [before, planted].map((day) => dayNumber(`${day.slice(0, 4)}-01-01`));
  return to - from;
}

/** How earlier seasons are drawn; nothing if there are none. @param {SeasonStatus[]} seasons @param {Align} align */
export function alignPicker(seasons, align) {
  if (seasons.length === 0) return null;
  const options = CHOICES.map(([value, words]) => h("option", { value, selected: value === align }, words));
  const box = h("select", { id: "align", "data-keep": "align" }, ...options);
  box.addEventListener("change", () => change({ align: /** @type {Align} */ (box.value) }));
  return h("label", {}, "Earlier seasons", box);
}

/** What is said of them in the key; empty if there are none. @param {Earlier[]} earlier @param {Align} align */
export function earlierWords(earlier, align) {
  if (earlier.length === 0) return "";
  const names = earlier.map(({ name, type, problem }) => `${name} (${crop(type)}${problem && `, not loaded: ${problem}`})`);
  return `Smoothed earlier seasons, ${CHOICES.find(([value]) => value === align)?.[1]}: ${names.join(", ")}`;
}
