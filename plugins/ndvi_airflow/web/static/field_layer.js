/** The fields on the map: their boundaries, filled with the colours of their values, and their names. */

/** @import { Field } from "./answers.d.ts" */
/** @import { Box, Shape } from "./mercator.js" */
/** @import { Viewport } from "./viewport.js" */

import { CLASSES, colourOfClass, hatching, themed } from "./colours.js";
import { holds, toShape } from "./mercator.js";
import { tracePath } from "./shapes.js";

/** What a field without a value has instead of a colour's class. */
export const HATCHED = -1;
/** Pixels that fields are mostly wide before their boundaries are drawn. */
const LINE_FROM = 5;
const FULL_LINE_FROM = 12;

export class FieldLayer {
  /** @param {Field[]} fields */
  constructor(fields) {
    this.shapes = fields.map((field) => toShape(field.geometry));
    this.labels = fields.map((field) => field.properties.field_id);
    /** For each field the class of its colour, or `HATCHED`. */
    this.classes = new Int8Array(fields.length).fill(HATCHED);
    const widths = this.shapes.map((shape) => shape.east - shape.west).sort((one, other) => one - other);
    /** How wide the field in the middle is. */
    this.median = widths[widths.length >> 1] ?? 0;
  }

  /** The fields at a point of the world, the topmost first. @param {number} x @param {number} y */
  at(x, y) {
    const found = [];
    for (let index = this.shapes.length - 1; index >= 0; index--) {
      if (holds(this.shapes[index], x, y)) found.push(index);
    }
    return found;
  }

  /** The fields in a box. @param {Box} box */
  within({ west, north, east, south }) {
    /** @type {number[]} */
    const found = [];
    this.shapes.forEach((shape, index) => {
      if (shape.east >= west && shape.west <= east && shape.south >= north && shape.north <= south) found.push(index);
    });
    return found;
  }

  /**
   * Fill fields, one path for each colour: ten thousand fields are some sixty fills.
   *
   * @param {CanvasRenderingContext2D} context @param {Viewport} view @param {number[]} seen
   */
  fill(context, view, seen) {
    const byClass = Array.from({ length: CLASSES + 1 }, () => /** @type {Shape[]} */ ([]));
    for (const index of seen) byClass[this.classes[index] + 1].push(this.shapes[index]);
    byClass.forEach((shapes, at) => {
      if (shapes.length === 0) return;
      context.fillStyle = at === 0 ? hatching(context) : colourOfClass(at - 1);
      tracePath(context, view, shapes);
      context.fill();
    });
  }

  /** @param {CanvasRenderingContext2D} context @param {Viewport} view @param {number[]} seen */
  outline(context, view, seen) {
    const pixels = this.median * view.scale;
    if (pixels < LINE_FROM) return;
    context.strokeStyle = themed("--boundary");
    context.lineWidth = pixels < FULL_LINE_FROM ? 0.5 : 1;
    const shapes = seen.map((index) => this.shapes[index]);
    tracePath(context, view, shapes);
    context.stroke();
  }
}
