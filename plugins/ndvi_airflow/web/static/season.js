/** The seasons of a field: which of them are shown, and what is known of these. */

/** @import { DailySeries, FieldEvent, FieldStatus, Observation, SeasonStatus, SeasonFigures } from "./answers.d.ts" */

import * as api from "./api.js";
import { isWithin, messageOf } from "./words.js";

/** Later than every day that has a name. */
const NEVER = "9999-12-31";
/** Fewer say nothing of what is usual. */
const MIN_PEERS = 8;

/**
 * @typedef {object} Day A day of a season in an index, as it was computed.
 * @property {string} date
 * @property {number | null} smoothed
 * @property {number | null} error
 * @property {boolean} isOutlier
 * @property {boolean} isProvisional
 * @property {boolean} isGap
 * @property {Peers | null} peers Null if they are too few.
 *
 * @typedef {{count: number, median: number, mad: number}} Peers What is usual among the fields of a crop.
 *
 * @typedef {object} Known What is known of the seasons of a field that are shown.
 * @property {Observation[]} observations
 * @property {Day[]} days None while nothing is computed.
 * @property {SeasonFigures | undefined} figures Of the first season.
 * @property {FieldEvent[]} events Of the first season, in the order of their last days.
 * @property {string} problem Why what is computed could not be loaded; empty if it could.
 */

/** Of a field of which nothing is computed. @type {Omit<Known, "observations">} */
const NOTHING = { days: [], figures: undefined, events: [], problem: "" };

/**
 * The season that is shown of a field: the one of this name, or else that of the day, or the last one before.
 *
 * @param {FieldStatus} status @param {string | null} name @param {string} day
 * @returns {SeasonStatus}
 */
export function seasonOf({ seasons }, name, day) {
  return seasons.find(({ season }) => season === name) ?? seasons.findLast((one) => one.plant_date <= day) ?? seasons[0];
}

/**
 * The seasons of another field that are shown beside this one: all that have days in common with it.
 *
 * @param {FieldStatus} other @param {SeasonStatus} shown
 */
export const seasonsBeside = ({ seasons }, shown) =>
  seasons.filter((one) => one.plant_date <= (shown.end_date ?? NEVER) && shown.plant_date <= (one.end_date ?? NEVER));

/**
 * Load what is known of seasons of a field.
 *
 * @param {string} id
 * @param {SeasonStatus[]} shown
 * @param {api.Period} period Outside of which nothing is shown.
 * @param {string} index
 * @returns {Promise<Known>}
 */
export async function loadSeasons(id, shown, period, index) {
  const [observations, numbers] = await Promise.all([
    api.observations(id, period),
    // A fault in what is computed keeps nobody from the observations.
    loadNumbers(id, shown, index).catch((error) => ({ ...NOTHING, problem: messageOf(error) })),
  ]);
  const inSeason = observations.filter(({ date }) => shown.some((season) => isWithin(season, date)));
  return { observations: inSeason, ...numbers };
}

/** @param {string} id @param {SeasonStatus[]} shown @param {string} index */
async function loadNumbers(id, shown, index) {
  const [seasons, events] = await Promise.all([api.seasons(id), api.events(id)]);
  const names = shown.map(({ season }) => season);
  const found = seasons.filter(({ season, indices }) => names.includes(season) && indices[index]);
  const series = await Promise.all(found.map(({ season }) => api.series(id, season, index)));
  return {
    days: series.flatMap(daysOf),
    figures: found.find(({ season }) => season === names[0])?.indices[index],
    events: events
      .filter(({ season, status }) => season === names[0] && status !== "withdrawn")
      .sort((one, other) => (one.last_day < other.last_day ? -1 : 1)),
    problem: "",
  };
}

/** @param {DailySeries} series @returns {Day[]} */
export const daysOf = (series) =>
  series.day.map((date, at) => ({
    date,
    smoothed: series.smoothed[at],
    error: series.error[at],
    isOutlier: series.outlier[at],
    isProvisional: series.provisional[at],
    isGap: series.gap[at],
    peers: peersOf(series.peers_count[at], series.peers_median[at], series.peers_mad[at]),
  }));

/** @param {number} count @param {number | null} median @param {number | null} mad */
const peersOf = (count, median, mad) =>
  count < MIN_PEERS || median === null || mad === null ? null : { count, median, mad };
