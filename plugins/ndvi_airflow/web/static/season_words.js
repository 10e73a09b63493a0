/** How what is computed of a season is said to people. */

/** @import { FieldEvent, Reason, SeasonFigures } from "./answers.d.ts" */
/** @import { Day } from "./season.js" */

import { counted, crop, longDay, ndvi, periodOf } from "./words.js";

/** @type {Record<Reason, string>} */
const REASONS = {
  "": "",
  too_few_values: "too few values",
  not_over: "not yet",
  no_amplitude: "the curve is flat",
  no_rise: "high from the first value on",
  no_fall: "high to the last value",
  gap: "in a gap without values",
};

/** @param {string | null} day @param {Reason} reason */
const dayOr = (day, reason) => (day === null ? REASONS[reason] : longDay(day));

/**
 * What a season's curve says, each with its name; null where there is nothing to say.
 *
 * @param {SeasonFigures} figures
 * @returns {[string, string | null][]}
 */
export const phenologyWords = ({ start, start_reason, peak, peak_reason, peak_value, end, end_reason, length }) => [
  ["Start of season", dayOr(start, start_reason)],
  ["Peak", peak === null ? REASONS[peak_reason] : `${ndvi(peak_value)} on ${longDay(peak)}`],
  ["End of season", dayOr(end, end_reason)],
  ["Length", length === null ? null : counted(length, "day")],
];

/**
 * Where the latest value stands among those of the field's own earlier seasons; null if there are none.
 *
 * @param {SeasonFigures} figures @param {string} type The crop.
 */
export function historyWords({ crop_history_count: count, crop_history_percentile: lower, latest, latest_day: day }, type) {
  if (lower === null || day === null) return null;
  const earlier = counted(count, `earlier season of ${crop(type)}`, `earlier seasons of ${crop(type)}`);
  return `${ndvi(latest)} on ${longDay(day)}: higher than ${Math.round(lower)} % of ${earlier} at that age`;
}

/** The peers of a day. @param {string} type Their crop. @param {number} count */
export const peersOf = (type, count) => counted(count, `field of ${crop(type)}`, `fields of ${crop(type)}`);

/**
 * What is computed of a day, beside what was observed on it.
 *
 * @param {Day | undefined} day @param {string} type The crop.
 */
export function saidOfDay(day, type) {
  if (!day) return [];
  const { smoothed, error, isOutlier, isProvisional, peers } = day;
  return [
    isOutlier ? "outlier: does not count" : "",
    isProvisional ? "provisional: counts little until the next value" : "",
    smoothed === null ? "" : `smoothed ${ndvi(smoothed)}${error === null ? "" : ` ± ${ndvi(error)}`}`,
    peers ? `median of ${peersOf(type, peers.count)} ${ndvi(peers.median)}` : "",
  ].filter(Boolean);
}

/**
 * An event in a sentence.
 *
 * @param {FieldEvent} event
 * @param {Day | undefined} day The last one of its evidence.
 */
export function eventWords({ kind, status, first_day: first, last_day: last, value, before, plant_type: type }, day) {
  const change = `NDVI ${ndvi(before)}, then ${ndvi(value)}`;
  const since = status === "open" ? "since" : "from";
  const peers = day?.peers ? peersOf(type, day.peers.count) : `the fields of ${crop(type)}`;
  return {
    drop: `Drop, ${periodOf(first, last)}: ${change}`,
    green_up: `Green-up, ${periodOf(first, last)}: ${change}`,
    harvest_candidate: `Perhaps harvested or mown, ${periodOf(first, last)}: ${change}`,
    below_peers: `Below its peers ${since} ${longDay(first)}: NDVI ${ndvi(value)}, median of ${peers} ${ndvi(before)}`,
    no_value: `No value ${since} ${longDay(first)}`,
  }[kind];
}
