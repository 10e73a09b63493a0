/** Where days and values are on the season curve. */

/** @import { Observation } from "./answers.d.ts" */

import { dayNumber } from "./words.js";

export const LEFT = 34;
export const RIGHT = 10;
export const TOP = 10;
export const BOTTOM = 34;
export const HEIGHT = 230;
export const MAX_RADIUS = 5.5;

/**
 * @typedef {Observation & {ndvi_mean: number}} Valued
 *
 * @typedef {object} Series
 * @property {string} name
 * @property {string | null} plantDate
 * @property {Observation[]} observations In the order of their days.
 */

/** @param {Observation} one @returns {one is Valued} */
export const isValued = (one) => one.status === "computed" && one.ndvi_mean !== null;

export class Frame {
  /** @param {number} width Pixels. @param {number} first Day. @param {number} last @param {number} low Least value. */
  constructor(width, first, last, low) {
    this.width = width;
    this.first = first;
    this.last = last;
    this.low = low;
  }

  /** One that holds these series and zero; null if they have no days. @param {Series[]} series @param {number} width */
  static around(series, width) {
    const days = series.flatMap(({ observations, plantDate }) => [
      ...observations.map((one) => dayNumber(one.date)),
      ...(plantDate && observations.length > 0 ? [dayNumber(plantDate)] : []),
    ]);
    if (days.length === 0) return null;
    const values = series.flatMap(({ observations }) => observations.filter(isValued).map((one) => one.ndvi_mean));
    const low = Math.min(0, ...values.map((value) => Math.floor(value * 5) / 5));
    return new Frame(width, Math.min(...days), Math.max(...days), low);
  }

  /** @param {number} day */
  x(day) {
    return LEFT + ((day - this.first + 0.5) / (this.last - this.first + 1)) * (this.width - LEFT - RIGHT);
  }

  /** @param {number} value */
  y(value) {
    return TOP + ((1 - value) / (1 - this.low)) * (HEIGHT - TOP - BOTTOM);
  }

  /** @param {number} day */
  holds(day) {
    return day >= this.first && day <= this.last;
  }
}
