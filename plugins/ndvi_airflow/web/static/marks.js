/** Outlines that stand out on the map: of fields that are open or pointed at, and of what an upload would bring. */

/** @import { Geometry } from "./answers.d.ts" */
/** @import { Shape } from "./mercator.js" */
/** @import { Viewport } from "./viewport.js" */

import { themed } from "./colours.js";
import { tracePath } from "./shapes.js";

const CASING = 2.5;
const STRONG = 2.5;
const WEAK = 1.5;

/** @typedef {{shape: Shape, kind: "good" | "bad"}} Outline */
/** @typedef {{geometry: Geometry, kind: Outline["kind"]}} Candidate What an upload would bring. */

/**
 * @param {CanvasRenderingContext2D} context @param {Viewport} view
 * @param {Outline[]} candidates What an upload would bring.
 * @param {Shape[]} selected
 * @param {Shape | null} pointed
 */
export function drawMarks(context, view, candidates, selected, pointed) {
  /** @param {Shape[]} shapes @param {string} colour @param {number} width */
  const mark = (shapes, colour, width) => {
    if (shapes.length === 0) return;
    tracePath(context, view, shapes);
    context.strokeStyle = themed("--mark-casing");
    context.lineWidth = width + CASING;
    context.stroke();
    context.strokeStyle = themed(colour);
    context.lineWidth = width;
    context.stroke();
  };
  /** @param {Outline["kind"]} kind */
  const shapesOf = (kind) => candidates.filter((one) => one.kind === kind).map(({ shape }) => shape);
  context.lineJoin = "round";
  mark(shapesOf("good"), "--accent", STRONG);
  context.setLineDash([7, 5]);
  mark(shapesOf("bad"), "--failed", STRONG);
  context.setLineDash([]);
  mark(selected, "--accent", STRONG);
  if (pointed) mark([pointed], "--ink", WEAK);
}
