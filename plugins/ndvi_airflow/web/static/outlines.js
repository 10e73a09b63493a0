/** The boundaries of many fields on the square of the map, as arrays: what is drawn and pointed at in each frame. */

/** @import { Column, Table } from "./arrow.js" */
/** @import { Box, Shape } from "./mercator.js" */

import { toX, toY, turn } from "./mercator.js";

/** Units of a degree in the columns of the API. */
const FIXED_POINT = 1e7;

export class Outlines {
  /**
   * @param {Table | null} fields Their bounds; null are no fields.
   * @param {Table | null} boundaries Without, fields are boxes.
   */
  constructor(fields = null, boundaries = null) {
    /** @param {string} name @param {(degrees: number) => number} project */
    const edge = (name, project) => Float64Array.from(fields?.get(name)?.values ?? [], project);
    this.west = edge("west", toX);
    this.east = edge("east", toX);
    this.north = edge("north", toY);
    this.south = edge("south", toY);
    this.length = this.west.length;
    /** The first ring of each field, and the end of the last one. @type {Int32Array} */
    this.rings = new Int32Array(0);
    /** The first point of each ring, and the end of the last one. @type {Int32Array} */
    this.starts = new Int32Array(0);
    /** x, y, x, y, … of all rings. @type {Float64Array} */
    this.points = new Float64Array(0);
    const boundary = boundaries?.get("boundary");
    if (boundary) this.#take(boundary);
    const widths = this.east.map((east, index) => east - this.west[index]).sort();
    /** How wide the field in the middle is. */
    this.median = widths[widths.length >> 1] ?? 0;
  }

  /** Whether fields have more than their bounds. */
  get areShaped() {
    return this.rings.length > 0;
  }

  /** @param {Column} boundary Polygons of rings of points. */
  #take({ offsets, each: polygons }) {
    const rings = polygons.each;
    const units = rings.each.each.values;
    this.rings = offsets.map((polygon) => polygons.offsets[polygon]);
    this.starts = rings.offsets;
    this.points = new Float64Array(units.length);
    for (let at = 0; at < units.length; at += 2) {
      this.points[at] = toX(units[at] / FIXED_POINT);
      this.points[at + 1] = toY(units[at + 1] / FIXED_POINT);
    }
    for (let polygon = 0; polygon < polygons.length; polygon++) {
      const first = polygons.offsets[polygon];
      for (let ring = first; ring < polygons.offsets[polygon + 1]; ring++) turn(this.ring(ring), ring === first);
    }
  }

  /** @param {number} ring */
  ring(ring) {
    return this.points.subarray(2 * this.starts[ring], 2 * this.starts[ring + 1]);
  }

  /** The fields in a box. @param {Box} box */
  within({ west, north, east, south }) {
    /** @type {number[]} */
    const found = [];
    for (let index = 0; index < this.length; index++) {
      if (this.east[index] < west || this.west[index] > east) continue;
      if (this.south[index] >= north && this.north[index] <= south) found.push(index);
    }
    return found;
  }

  /** The fields whose box has a point in it, the topmost first. @param {number} x @param {number} y */
  around(x, y) {
    return this.within({ west: x, north: y, east: x, south: y }).reverse();
  }
}

/** A field's outline as a shape of its own, for what is drawn of a few. @implements {Shape} */
export class FieldShape {
  /** @param {Outlines} all @param {number} index */
  constructor(all, index) {
    this.all = all;
    this.index = index;
  }

  get west() {
    return this.all.west[this.index];
  }
  get north() {
    return this.all.north[this.index];
  }
  get east() {
    return this.all.east[this.index];
  }
  get south() {
    return this.all.south[this.index];
  }
  get rings() {
    const { all, index, west, north, east, south } = this;
    if (!all.areShaped) return [Float64Array.of(west, north, east, north, east, south, west, south, west, north)];
    const first = all.rings[index];
    return Array.from({ length: all.rings[index + 1] - first }, (_, ring) => all.ring(first + ring));
  }
}
