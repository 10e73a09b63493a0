/** Fields that lie on others: they are drawn above them, the smaller above the larger, so that each is seen. */

/** @import { Shape } from "./mercator.js" */
/** @import { Viewport } from "./viewport.js" */

import { themed } from "./colours.js";
import { areaOf } from "./labels.js";
import { holds } from "./mercator.js";
import { tracePath } from "./shapes.js";

/** Cells of the index that a field is looked up in, at most: one that is larger than that lies below all anyway. */
const MOST_CELLS = 4096;
/** Fields in view, at most, for which it is looked up: more are too small to be told apart. */
const MOST_SEEN = 1500;

/**
 * The fields whose middle lies in another one that is at least as large, the larger first.
 *
 * @param {Shape[]} shapes
 */
function stackedOn(shapes) {
  const side = 2 * (shapes.map((shape) => shape.east - shape.west).sort((one, other) => one - other)[shapes.length >> 1] || 1);
  /** Fields by the cell that their middle lies in. @type {Map<string, number[]>} */
  const cells = new Map();
  /** @param {number} at */
  const cellOf = (at) => Math.floor(at / side);
  shapes.forEach((shape, index) => {
    const { x, y } = middleOf(shape);
    if (!holds(shape, x, y)) return;
    const key = `${cellOf(x)} ${cellOf(y)}`;
    cells.set(key, [...(cells.get(key) ?? []), index]);
  });
  /** @type {Set<number>} */
  const above = new Set();
  shapes.forEach((shape, index) => {
    const [west, east, north, south] = [shape.west, shape.east, shape.north, shape.south].map(cellOf);
    if ((east - west + 1) * (south - north + 1) > MOST_CELLS) return;
    for (let column = west; column <= east; column++) {
      for (let row = north; row <= south; row++) {
        for (const other of cells.get(`${column} ${row}`) ?? []) {
          if (other !== index && isAbove(shapes, other, index)) above.add(other);
        }
      }
    }
  });
  return [...above].sort((one, other) => order(shapes, one, other));
}

export class Stacks {
  /** @param {Shape[]} shapes Of all fields. */
  constructor(shapes) {
    this.shapes = shapes;
    /** Those that lie on others, once it is known. @type {number[] | null} */
    this.stacked = null;
  }

  /** Those of the fields in view that lie on none, and those that do, the uppermost last. @param {number[]} seen */
  among(seen) {
    if (seen.length <= MOST_SEEN) this.stacked ??= stackedOn(this.shapes);
    const isSeen = new Set(this.stacked?.length ? seen : []);
    const above = (this.stacked ?? []).filter((index) => isSeen.has(index));
    const lifted = new Set(above);
    return { below: above.length > 0 ? seen.filter((index) => !lifted.has(index)) : seen, above };
  }
}

/**
 * Outline fields that lie on others so that they stand out.
 *
 * @param {CanvasRenderingContext2D} context @param {Viewport} view @param {Shape[]} all @param {number[]} stacked
 */
export function outlineStacked(context, view, all, stacked) {
  if (stacked.length === 0) return;
  const shapes = stacked.map((index) => all[index]);
  for (const [colour, width] of /** @type {[string, number][]} */ ([["--mark-casing", 3], ["--boundary", 1]])) {
    context.strokeStyle = themed(colour);
    context.lineWidth = width;
    tracePath(context, view, shapes);
    context.stroke();
  }
}

/** @param {Shape[]} shapes @param {number} one @param {number} other */
function isAbove(shapes, one, other) {
  const { x, y } = middleOf(shapes[one]);
  return order(shapes, one, other) > 0 && holds(shapes[other], x, y);
}

/** The larger first; of equal ones that which was registered first. @param {Shape[]} shapes @param {number} one @param {number} other */
const order = (shapes, one, other) => areaOf(shapes[other]) - areaOf(shapes[one]) || one - other;

/** @param {Shape} shape */
const middleOf = ({ west, east, north, south }) => ({ x: (west + east) / 2, y: (north + south) / 2 });
