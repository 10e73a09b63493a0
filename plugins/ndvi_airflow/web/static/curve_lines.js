/** The lines of the season curve: what is smoothed, how sure that is, and what is usual among peers. */

/** @import { Curve, Frame } from "./curve_frame.js" */
/** @import { Earlier } from "./earlier.js" */
/** @import { Day, Peers } from "./season.js" */

import { svg } from "./dom.js";
import { dayNumber, dayOf } from "./words.js";

/** Standard errors that the band around the line is wide, on each side. */
export const BAND_ERRORS = 2;

/** @typedef {{day: number, low: number, high: number}} Span The values of a day, from one to the other. */

/** The smoothed line: solid where values are near, dashed in gaps. @param {Frame} frame @param {Curve} curve */
export function smoothedLine(frame, { days }) {
  const pieces = runs(days, (day) => day.smoothed !== null && frame.holds(dayNumber(day.date)));
  return svg("g", { class: "smoothed" }, ...pieces.flatMap((run) => stretches(run).map((stretch) => piece(frame, stretch))));
}

/**
 * The smoothed lines of earlier seasons, each with its name at its last day that there is room for.
 *
 * @param {Frame} frame @param {Earlier[]} earlier
 */
export function earlierLines(frame, earlier) {
  const lines = earlier.map(({ name, days, shift }) => {
    const moved = days.map((day) => ({ ...day, date: dayOf(dayNumber(day.date) + shift) }));
    const pieces = runs(moved, (day) => day.smoothed !== null && frame.holds(dayNumber(day.date)));
    const last = pieces.at(-1)?.at(-1);
    const paths = pieces.map((run) => svg("path", { d: pathOf(frame, run, (day) => day.smoothed ?? 0) }));
    if (!last) return svg("g", {}, ...paths);
    const [x, y] = [frame.x(dayNumber(last.date)), frame.y(last.smoothed ?? 0)];
    return svg("g", {}, ...paths, svg("text", { x: x - 3, y: y - 5, "text-anchor": "end" }, name));
  });
  return svg("g", { class: "earlier" }, ...lines);
}

/** The band of the smoothed line: so many standard errors. @param {Frame} frame @param {Curve} curve */
export function errorBand(frame, { days }) {
  const known = runs(days, ({ error }) => error !== null);
  return bands("band error", frame, known, ({ smoothed, error }) => {
    const half = BAND_ERRORS * (error ?? 0);
    return [(smoothed ?? 0) - half, (smoothed ?? 0) + half];
  });
}

/** What is usual among peers: the median, and within a band half of them. @param {Frame} frame @param {Curve} curve */
export function peersBand(frame, { days }) {
  const known = runs(days, ({ peers }) => peers !== null);
  /** @param {Day} day */
  const peersOf = (day) => /** @type {Peers} */ (day.peers);
  return svg(
    "g",
    { class: "peers" },
    bands("band", frame, known, (day) => {
      const { median, mad } = peersOf(day);
      return [median - mad, median + mad];
    }),
    ...known.map((run) => svg("path", { d: pathOf(frame, run, (day) => peersOf(day).median) })),
  );
}

/**
 * The days that are so, those that follow one another together.
 *
 * @param {Day[]} days @param {(day: Day) => boolean} isSo
 */
function runs(days, isSo) {
  /** @type {Day[][]} */
  const found = [];
  for (const day of days.filter(isSo)) {
    const run = found.at(-1);
    const before = run?.at(-1);
    if (run && before && dayNumber(day.date) - dayNumber(before.date) === 1) run.push(day);
    else found.push([day]);
  }
  return found;
}

/** Divide days where gaps begin and end; each stretch ends with the day on which the next begins. @param {Day[]} run */
function stretches(run) {
  /** @type {{isGap: boolean, days: Day[]}[]} */
  const found = [];
  for (let at = 1; at < run.length; at++) {
    const isGap = run[at - 1].isGap || run[at].isGap;
    const stretch = found.at(-1);
    if (stretch?.isGap === isGap) stretch.days.push(run[at]);
    else found.push({ isGap, days: [run[at - 1], run[at]] });
  }
  return found;
}

/** @param {Frame} frame @param {{isGap: boolean, days: Day[]}} stretch */
function piece(frame, { isGap, days }) {
  return svg("path", { d: pathOf(frame, days, (day) => day.smoothed ?? 0), class: isGap ? "gap" : null });
}

/** @param {Frame} frame @param {Day[]} days @param {(day: Day) => number} valueOf */
function pathOf(frame, days, valueOf) {
  return `M${days.map((day) => place(frame, day, valueOf(day))).join("L")}`;
}

/**
 * @param {string} name @param {Frame} frame @param {Day[][]} found
 * @param {(day: Day) => [low: number, high: number]} spanOf
 */
function bands(name, frame, found, spanOf) {
  const shapes = found.map((run) => {
    const upper = run.map((day) => place(frame, day, spanOf(day)[1]));
    const lower = run.map((day) => place(frame, day, spanOf(day)[0])).reverse();
    return svg("path", { class: name, d: `M${[...upper, ...lower].join("L")}Z` });
  });
  return svg("g", {}, ...shapes);
}

/** @param {Frame} frame @param {Day} day @param {number} value */
const place = (frame, day, value) => `${frame.x(dayNumber(day.date)).toFixed(1)} ${frame.y(value).toFixed(1)}`;
