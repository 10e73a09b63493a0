/** Shapes on a canvas. */

/** @import { Shape } from "./mercator.js" */
/** @import { Outlines } from "./outlines.js" */
/** @import { Viewport } from "./viewport.js" */

/** Pixels from one point to the next that are worth a line. */
const NEAR = 0.7;

/** Of the box of a field, whose sides are mostly aslant, the part that its point takes. */
const POINT_SHARE = 0.8;

/**
 * Begin a path of shapes, leaving out points that fall on the pixel of the one before.
 *
 * @param {CanvasRenderingContext2D} context @param {Viewport} view @param {Shape[]} shapes
 */
export function tracePath(context, view, shapes) {
  const { scale } = view;
  const { x: left, y: top } = view.toScreen(0, 0);
  context.beginPath();
  for (const { rings } of shapes) {
    for (const ring of rings) traceRing(context, ring, 0, ring.length, scale, left, top);
  }
}

/**
 * The same for many fields, without an object for any of them.
 *
 * @param {CanvasRenderingContext2D} context @param {Viewport} view @param {Outlines} outlines @param {number[]} indexes
 */
export function traceOutlines(context, view, { points, starts, rings }, indexes) {
  const { scale } = view;
  const { x: left, y: top } = view.toScreen(0, 0);
  context.beginPath();
  for (const index of indexes) {
    for (let ring = rings[index]; ring < rings[index + 1]; ring++) {
      traceRing(context, points, 2 * starts[ring], 2 * starts[ring + 1], scale, left, top);
    }
  }
}

/**
 * Fill fields that are too small for a shape.
 *
 * @param {CanvasRenderingContext2D} context @param {Viewport} view @param {Outlines} outlines @param {number[]} indexes
 */
export function fillPoints(context, view, { west, east, north, south }, indexes) {
  const { scale } = view;
  const { x: left, y: top } = view.toScreen(0, 0);
  for (const index of indexes) {
    const width = Math.max((east[index] - west[index]) * scale * POINT_SHARE, 1);
    const height = Math.max((south[index] - north[index]) * scale * POINT_SHARE, 1);
    const x = ((west[index] + east[index]) / 2) * scale + left;
    const y = ((north[index] + south[index]) / 2) * scale + top;
    context.fillRect(x - width / 2, y - height / 2, width, height);
  }
}

/**
 * @param {CanvasRenderingContext2D} context @param {Float64Array} points @param {number} from @param {number} end
 * @param {number} scale @param {number} left @param {number} top
 */
function traceRing(context, points, from, end, scale, left, top) {
  let lastX = points[from] * scale + left;
  let lastY = points[from + 1] * scale + top;
  context.moveTo(lastX, lastY);
  for (let at = from + 2; at < end - 2; at += 2) {
    const x = points[at] * scale + left;
    const y = points[at + 1] * scale + top;
    if (Math.abs(x - lastX) + Math.abs(y - lastY) < NEAR) continue;
    context.lineTo(x, y);
    lastX = x;
    lastY = y;
  }
  context.closePath();
}
