/** Where days and values are on the season curve. */

/** @import { Index, Observation } from "./answers.d.ts" */

import { dayNumber } from "./words.js";

export const LEFT = 34;
export const RIGHT = 10;
export const TOP = 10;
export const BOTTOM = 34;
export const HEIGHT = 230;
export const MAX_RADIUS = 5.5;

/**
 * @typedef {Observation & {value: number | null}} Shown An observation with the value of the index that is shown.
 * @typedef {Observation & {value: number}} Valued
 *
 * @typedef {object} Series
 * @property {string} name
 * @property {string | null} plantDate
 * @property {Shown[]} observations In the order of their days.
 */

/** Between two ticks of a short and of a long axis of values, which begins and ends at one. */
const FINE = 0.2;
const COARSE = 1;
/** So that a value on a tick is not taken for one beyond it. */
const EXACT = 1e-9;
/** The longest axis of values that has fine ticks. */
const FINE_UP_TO = 2;

/** The mean of an index, as far as the day has a value. @param {Observation} one @param {string} index */
export function meanOf(one, index) {
  if (one.status !== "computed") return null;
  return index === "ndvi" ? one.ndvi_mean : (one.indices[index]?.mean ?? null);
}

/** @param {Shown} one @returns {one is Valued} */
export const isValued = (one) => one.value !== null;

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
   * One that holds these series, zero, and the upper end of the index's scale; null if they have no days.
   *
   * @param {Series[]} series @param {number} width @param {Index | undefined} index
   */
  static around(series, width, index) {
    const days = series.flatMap(({ observations, plantDate }) => [
      ...observations.map((one) => dayNumber(one.date)),
      ...(plantDate && observations.length > 0 ? [dayNumber(plantDate)] : []),
    ]);
    if (days.length === 0) return null;
    const values = series.flatMap(({ observations }) => observations.filter(isValued).map((one) => one.value));
    const [low, high] = [Math.min(0, ...values), Math.max(index?.range[1] ?? 1, ...values)];
    const step = high - low > FINE_UP_TO ? COARSE : FINE;
    const [bottom, top] = [Math.floor(low / step + EXACT) * step, Math.ceil(high / step - EXACT) * step];
    return new Frame(width, [Math.min(...days), Math.max(...days)], [bottom, top], step);
  }

  /** @param {number} day */
  x(day) {
    return LEFT + ((day - this.first + 0.5) / (this.last - this.first + 1)) * (this.width - LEFT - RIGHT);
  }

  /** @param {number} value */
  y(value) {
    return TOP + ((this.high - value) / (this.high - this.low)) * (HEIGHT - TOP - BOTTOM);
  }

  /** @param {number} day */
  holds(day) {
    return day >= this.first && day <= this.last;
  }
}
