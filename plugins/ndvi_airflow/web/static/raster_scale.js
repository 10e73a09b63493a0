/** The colours of rasters: which value has which, and what the legend says of it. */

/** @import { Index, PixelsAnswer } from "./answers.d.ts" */

import { ndvi, signed } from "./words.js";

/** ColorBrewer's diverging scheme BrBG of nine classes, which the colour-blind tell apart. */
const BRBG = ["#8c510a", "#bf812d", "#dfc27d", "#f6e8c3", "#f5f5f5", "#c7eae5", "#80cdc1", "#35978f", "#01665e"];
/** Of a difference: what is beyond has the colour of the end. */
const MOST = 0.5;
/** A scale spans at least so much, or noise would look like something. */
const LEAST = 0.02;

/**
 * @typedef {object} Scale
 * @property {string[]} colours From the lower to the upper end, evenly spaced.
 * @property {number} low
 * @property {number} high
 * @property {string} note What has to be known to compare it with another picture's; empty if nothing has.
 * @property {(value: number) => string} say
 */

/**
 * The scale of an index: its own, or stretched to what is there.
 *
 * @param {Index} index @param {PixelsAnswer[]} answers Of the days that are shown. @param {boolean} isRelative
 * @returns {Scale}
 */
export function scaleOf({ range: [from, to], colours }, answers, isRelative) {
  const spread = spreadOf(answers);
  if (!isRelative || !spread) return { colours, low: from, high: to, note: "", say: ndvi };
  const [low, high] = widened(spread.low, spread.high);
  const note = "Relative: from the 2nd to the 98th percentile of what is shown, so the same colour is another value in another picture.";
  return { colours, low, high, note, say: ndvi };
}

/** The scale of a difference, whose middle is no change. @param {PixelsAnswer[]} answers @param {boolean} isRelative @returns {Scale} */
export function scaleOfDifference(answers, isRelative) {
  const spread = spreadOf(answers);
  const most = isRelative && spread ? Math.max(Math.abs(spread.low), Math.abs(spread.high), LEAST) : MOST;
  const note = isRelative
    ? "Relative: up to the 2nd or 98th percentile of what is shown, so the same colour is another difference in another picture."
    : "";
  return { colours: BRBG, low: -most, high: most, note, say: signed };
}

/** The colours of so many zones, the lowest first. @param {Index} index @param {number} count @returns {string[]} */
export const coloursOfZones = ({ colours }, count) =>
  Array.from({ length: count }, (_, zone) => css(colourAt(colours, 0.1 + (0.75 * zone) / (count - 1))));

/** @param {Scale} scale @param {number} value @returns {[number, number, number]} */
export const colourOf = ({ colours, low, high }, value) => colourAt(colours, (value - low) / (high - low));

/** @param {string[]} colours @param {number} position From 0 to 1. @returns {[number, number, number]} */
export function colourAt(colours, position) {
  const place = Math.min(Math.max(position, 0), 1) * (colours.length - 1);
  const below = Math.min(Math.floor(place), colours.length - 2);
  const [from, to] = [colours[below], colours[below + 1]].map(channels);
  /** @param {number} channel */
  const between = (channel) => Math.round(from[channel] + (to[channel] - from[channel]) * (place - below));
  return [between(0), between(1), between(2)];
}

/** @param {string} colour As `#rrggbb`. */
const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

/** @param {[number, number, number]} colour */
const css = (colour) => `#${colour.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;

/** @param {PixelsAnswer[]} answers */
function spreadOf(answers) {
  const known = answers.flatMap(({ statistics }) => statistics ?? []);
  if (known.length === 0) return null;
  return { low: Math.min(...known.map(({ p2 }) => p2)), high: Math.max(...known.map(({ p98 }) => p98)) };
}

/** @param {number} low @param {number} high @returns {[number, number]} */
function widened(low, high) {
  const more = Math.max(LEAST - (high - low), 0) / 2;
  return [low - more, high + more];
}
