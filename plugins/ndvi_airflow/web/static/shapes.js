/** Shapes on a canvas. */

/** @import { Shape } from "./mercator.js" */
/** @import { Viewport } from "./viewport.js" */

/** Pixels from one point to the next that are worth a line. */
const NEAR = 0.7;

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
    for (const ring of rings) {
      let lastX = ring[0] * scale + left;
      let lastY = ring[1] * scale + top;
      context.moveTo(lastX, lastY);
      for (let at = 2; at < ring.length - 2; at += 2) {
        const x = ring[at] * scale + left;
        const y = ring[at + 1] * scale + top;
        if (Math.abs(x - lastX) + Math.abs(y - lastY) < NEAR) continue;
        context.lineTo(x, y);
        lastX = x;
        lastY = y;
      }
      context.closePath();
    }
  }
}
