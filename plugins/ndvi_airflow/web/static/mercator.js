/** Web Mercator on a square of side 1, north up, so that map tiles fit. */

/** @param {number} longitude */
export const toX = (longitude) => longitude / 360 + 0.5;
/** @param {number} latitude */
export const toY = (latitude) =>
  0.5 - Math.log(Math.tan(Math.PI / 4 + (latitude * Math.PI) / 360)) / (2 * Math.PI);
/** @param {number} x */
export const toLongitude = (x) => (x - 0.5) * 360;
/** @param {number} y */
export const toLatitude = (y) => (Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) * 360) / Math.PI - 90;

const EARTH_METRES = 40_075_016.686;
/** The length on the ground of a length on the square. @param {number} length @param {number} y */
export const toMetres = (length, y) => length * EARTH_METRES * Math.cos((toLatitude(y) * Math.PI) / 180);

/** @import { Geometry, Ring } from "./answers.d.ts" */
/** @typedef {{x: number, y: number}} Point */
/** @typedef {{west: number, north: number, east: number, south: number}} Box */

/**
 * A polygon or multipolygon on the square.
 *
 * @typedef {Box & {rings: Float64Array[]}} Shape Each ring is x, y, x, y, …: outer ones turn one way, holes the
 *   other, so that the nonzero rule fills them however many shapes one path holds.
 */

/** @param {Geometry} geometry @returns {Shape} */
export function toShape(geometry) {
  const polygons = geometry.type === "MultiPolygon" ? geometry.coordinates : [geometry.coordinates];
  const rings = polygons.flatMap((polygon) => polygon.map((ring, index) => turn(project(ring), index === 0)));
  const shape = { rings, west: Infinity, north: Infinity, east: -Infinity, south: -Infinity };
  for (const ring of rings) {
    for (let at = 0; at < ring.length; at += 2) {
      shape.west = Math.min(shape.west, ring[at]);
      shape.east = Math.max(shape.east, ring[at]);
      shape.north = Math.min(shape.north, ring[at + 1]);
      shape.south = Math.max(shape.south, ring[at + 1]);
    }
  }
  return shape;
}

/** @param {Shape} shape @param {number} x @param {number} y */
export function holds(shape, x, y) {
  if (x < shape.west || x > shape.east || y < shape.north || y > shape.south) return false;
  let inside = false;
  for (const ring of shape.rings) {
    for (let at = 0, before = ring.length - 2; at < ring.length; before = at, at += 2) {
      const [x1, y1, x2, y2] = [ring[at], ring[at + 1], ring[before], ring[before + 1]];
      if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
    }
  }
  return inside;
}

/** @param {Box[]} boxes @returns {Box} */
export function boundsOf(boxes) {
  const all = { west: Infinity, north: Infinity, east: -Infinity, south: -Infinity };
  for (const { west, north, east, south } of boxes) {
    all.west = Math.min(all.west, west);
    all.north = Math.min(all.north, north);
    all.east = Math.max(all.east, east);
    all.south = Math.max(all.south, south);
  }
  return all;
}

/** @param {Ring} ring */
function project(ring) {
  const points = new Float64Array(ring.length * 2);
  ring.forEach(([longitude, latitude], index) => {
    points[index * 2] = toX(longitude);
    points[index * 2 + 1] = toY(latitude);
  });
  return points;
}

/** Bring a ring into the sense of an outer or an inner one. @param {Float64Array} ring @param {boolean} outer */
export function turn(ring, outer) {
  let area = 0;
  for (let at = 0, before = ring.length - 2; at < ring.length; before = at, at += 2) {
    area += ring[before] * ring[at + 1] - ring[at] * ring[before + 1];
  }
  if (area > 0 === outer) return ring;
  ring.reverse();
  for (let at = 0; at < ring.length; at += 2) [ring[at], ring[at + 1]] = [ring[at + 1], ring[at]];
  return ring;
}

/** Whether two boxes have a point in common. @param {Box} one @param {Box} other */
export function meet(one, other) {
  return (
    one.west <= other.east && other.west <= one.east && one.north <= other.south && other.north <= one.south
  );
}
