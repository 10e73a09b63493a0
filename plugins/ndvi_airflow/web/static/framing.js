/** Which part of the world shows a farm, whatever a single file of fields has brought. */

/** @import { Box } from "./mercator.js" */

import { meet } from "./mercator.js";

/** Times the usual distance from the middle of all fields at which one lies elsewhere. */
const FAR = 20;
const SURROUNDINGS = 0.75;

/**
 * The boxes that are to be in view: the extent with what fields have of it, or else the fields that lie together.
 *
 * @param {Box[]} fields @param {Box | null} extent @returns {Box[]}
 */
export function farm(fields, extent) {
  if (!extent) return together(fields);
  const within = fields.some((box) => meet(box, extent));
  return within || fields.length === 0 ? [extent] : [extent, ...together(fields)];
}

/** The parts of boxes within another one. @param {Box[]} boxes @param {Box | null} within @returns {Box[]} */
export function partsWithin(boxes, within) {
  if (!within) return boxes;
  return boxes.filter((box) => meet(box, within)).map((box) => ({
    west: Math.max(box.west, within.west),
    east: Math.min(box.east, within.east),
    north: Math.max(box.north, within.north),
    south: Math.min(box.south, within.south),
  }));
}

/** A box with what lies around it. @param {Box} box @returns {Box} */
export function around({ west, east, north, south }) {
  const margin = SURROUNDINGS * Math.max(east - west, south - north);
  return { west: west - margin, east: east + margin, north: north - margin, south: south + margin };
}

/** The boxes but those far from most others, mostly by a mistake. @param {Box[]} boxes */
function together(boxes) {
  if (boxes.length === 0) return boxes;
  const x = median(boxes.map(({ west, east }) => (west + east) / 2));
  const y = median(boxes.map(({ north, south }) => (north + south) / 2));
  const distances = boxes.map(({ west, east, north, south }) =>
    Math.max(Math.abs(west - x), Math.abs(east - x), Math.abs(north - y), Math.abs(south - y)),
  );
  const usual = median(distances);
  return boxes.filter((_, index) => distances[index] <= FAR * usual);
}

/** @param {number[]} numbers */
const median = (numbers) => numbers.toSorted((one, other) => one - other)[numbers.length >> 1];
