/** The fields on the map: their boundaries, filled with the colours of their values, and their names. */

/** @import { Box, Shape } from "./mercator.js" */
/** @import { Outlines } from "./outlines.js" */
/** @import { Viewport } from "./viewport.js" */

import { CLASSES, colourOfClass, hatching, themed } from "./colours.js";
import { holds } from "./mercator.js";
import { FieldShape } from "./outlines.js";
import { fillPoints, traceOutlines } from "./shapes.js";

/** What a field without a value has instead of a colour's class. */
export const HATCHED = -1;
/** What a field has that the filters leave out: its boundary alone is drawn. */
export const LEFT_OUT = -2;
/** Pixels that fields are mostly wide before they are drawn in their shape. */
const SHAPE_FROM = 4;
/** Pixels that fields are mostly wide before their boundaries are drawn. */
const LINE_FROM = 5;
const FULL_LINE_FROM = 12;

export class FieldLayer {
  /** @param {Outlines} outlines @param {string[]} ids */
  constructor(outlines, ids) {
    this.outlines = outlines;
    /** @type {Shape[]} */
    this.shapes = ids.map((_, index) => new FieldShape(outlines, index));
    this.labels = ids;
    /** For each field the class of its colour, `HATCHED` or `LEFT_OUT`. */
    this.classes = new Int8Array(ids.length).fill(HATCHED);
  }

  /** The fields at a point of the world, the topmost first. @param {number} x @param {number} y */
  at(x, y) {
    return this.outlines.around(x, y).filter((index) => holds(this.shapes[index], x, y));
  }

  /** The fields in a box. @param {Box} box */
  within(box) {
    return this.outlines.within(box);
  }

  /** Those that may be named: what the filters leave, and what is chosen. @param {number[]} seen @param {Set<number>} chosen */
  named(seen, chosen) {
    return seen.filter((index) => this.classes[index] !== LEFT_OUT || chosen.has(index));
  }

  /**
   * Fill fields, colour by colour: ten thousand fields are some sixty fills. Small ones are points.
   *
   * @param {CanvasRenderingContext2D} context @param {Viewport} view @param {number[]} seen
   */
  fill(context, view, seen) {
    const { outlines } = this;
    const byClass = Array.from({ length: CLASSES + 1 }, () => /** @type {number[]} */ ([]));
    for (const index of seen) byClass[this.classes[index] + 1]?.push(index);
    const arePoints = outlines.median * view.scale < SHAPE_FROM || !outlines.areShaped;
    byClass.forEach((indexes, at) => {
      if (indexes.length === 0) return;
      context.fillStyle = at === 0 ? hatching(context) : colourOfClass(at - 1);
      if (arePoints) return fillPoints(context, view, outlines, indexes);
      traceOutlines(context, view, outlines, indexes);
      context.fill();
    });
  }

  /** @param {CanvasRenderingContext2D} context @param {Viewport} view @param {number[]} seen */
  outline(context, view, seen) {
    const pixels = this.outlines.median * view.scale;
    if (pixels < LINE_FROM || !this.outlines.areShaped) return;
    context.strokeStyle = themed("--boundary");
    context.lineWidth = pixels < FULL_LINE_FROM ? 0.5 : 1;
    traceOutlines(context, view, this.outlines, seen);
    context.stroke();
  }
}
