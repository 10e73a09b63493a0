/** Where days and values are on the season curve. */

/** @import { Index, Observation, SeasonStatus } from "./answers.d.ts" */
/** @import { Day, Known } from "./season.js" */

import { dayNumber } from "./words.js";

export const LEFT = 34;
export const RIGHT = 10;
/** Below the flags of events. */
export const TOP = 26;
export const BOTTOM = 34;
export const HEIGHT = 246;
export const MAX_RADIUS = 5.5;
/** Of points that lie close: without the pixels from one day to the next, and for each of them. */
const LEAST_RADIUS = 2.5;
const RADIUS_A_PIXEL = 3;

/**
 * @typedef {object} Shown An observation with the value of the index that is shown.
 * @property {Observation} one
 * @property {number | null} value
 * @property {Day | undefined} day What is computed of its day.
 *
 * @typedef {Shown & {value: number}} Valued
 *
 * @typedef {object} Curve Of a field.
 * @property {string} name
 * @property {SeasonStatus} season
 * @property {string} begin The first day of that, as far as there are images.
 * @property {Shown[]} observations In the order of their days.
 * @property {Day[]} days In their order; none while nothing is computed.
 */

/** Between two ticks of a short and of a long axis of values, which begins and ends at one. */
const FINE = 0.2;
const COARSE = 1;
/** Before its first answer a season is shown from planting on if that is so many times as long as what is known, or days. */
const MOST_EMPTY = 0.5;
const LEAST_DAYS = 10;
/** So that a value on a tick is not taken for one beyond it. */
const EXACT = 1e-9;
/** The longest axis of values that has fine ticks. */
const FINE_UP_TO = 2;

/**
 * @param {string} name @param {SeasonStatus} season @param {string} begin @param {Known} known
 * @param {string} index Of which the values are.
 * @returns {Curve}
 */
export function makeCurve(name, season, begin, { observations, days }, index) {
  const byDate = new Map(days.map((day) => [day.date, day]));
  const shown = observations.map((one) => ({ one, value: meanOf(one, index), day: byDate.get(one.date) }));
  return { name, season, begin, observations: shown, days };
}

/** The mean of an index, as far as the day has a value. @param {Observation} one @param {string} index */
function meanOf(one, index) {
  if (one.status !== "computed") return null;
  return index === "ndvi" ? one.ndvi_mean : (one.indices[index]?.mean ?? null);
}

/** @param {Shown} shown @returns {shown is Valued} */
export const isValued = (shown) => shown.value !== null;

export class Frame {
  /**
   * @param {number} width Pixels.
   * @param {[number, number]} days The first and the last.
   * @param {[number, number]} values The least and the greatest.
   * @param {number} step Between two ticks of the values.
   */
  constructor(width, [first, last], [low, high], step) {
    this.width = width;
    this.first = first;
    this.last = last;
    this.low = low;
    this.high = high;
    this.step = step;
  }

  /**
   * One that holds the days of the first curve, all values, zero, and the upper end of the index's scale; null if there
   * are no days.
   *
   * @param {Curve[]} curves @param {number} width @param {Index | undefined} index
   */
  static around(curves, width, index) {
    const [{ begin, observations, days: computed }] = curves;
    const valued = computed.filter((day) => day.smoothed !== null);
    const known = [...observations.map(({ one }) => one.date), ...valued.map(({ date }) => date)].map(dayNumber);
    if (known.length === 0) return null;
    const [earliest, last] = [Math.min(...known), Math.max(...known)];
    const isNear = earliest - dayNumber(begin) <= Math.max((last - earliest) * MOST_EMPTY, LEAST_DAYS);
    const first = isNear ? Math.min(dayNumber(begin), earliest) : earliest;
    const values = curves.flatMap(({ observations: some, days }) => [
      ...some.filter(isValued).map(({ value }) => value),
      ...days.flatMap(({ smoothed }) => smoothed ?? []),
    ]);
    const [low, high] = [Math.min(0, ...values), Math.max(index?.range[1] ?? 1, ...values)];
    const step = high - low > FINE_UP_TO ? COARSE : FINE;
    const [bottom, top] = [Math.floor(low / step + EXACT) * step, Math.ceil(high / step - EXACT) * step];
    return new Frame(width, [first, last], [bottom, top], step);
  }

  /** @param {number} day */
  x(day) {
    return LEFT + ((day - this.first + 0.5) / (this.last - this.first + 1)) * (this.width - LEFT - RIGHT);
  }

  /** Those beyond the axis are at its end. @param {number} wanted */
  y(wanted) {
    const value = Math.min(Math.max(wanted, this.low), this.high);
    return TOP + ((this.high - value) / (this.high - this.low)) * (HEIGHT - TOP - BOTTOM);
  }

  /** The radius of the point of a whole field: smaller, the more days there are. */
  get radius() {
    return Math.min(LEAST_RADIUS + RADIUS_A_PIXEL * (this.x(1) - this.x(0)), MAX_RADIUS);
  }

  /** @param {number} day */
  holds(day) {
    return day >= this.first && day <= this.last;
  }
}
