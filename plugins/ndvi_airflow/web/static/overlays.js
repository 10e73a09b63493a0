/** NDVI pictures on the fields that are large enough to see their pixels. */

/** @import { Corners } from "./answers.d.ts" */
/** @import { FieldLayer } from "./field_layer.js" */
/** @import { Images } from "./images.js" */
/** @import { Viewport } from "./viewport.js" */

import { hatching } from "./colours.js";
import { toX, toY } from "./mercator.js";
import { tracePath } from "./shapes.js";

/** Pixels that a field is wide before its picture is laid on it. */
const OVERLAY_FROM = 40;
const MAX_OVERLAYS = 40;

/** @typedef {{url: string, corners: Corners}} Overlay */

/**
 * @param {CanvasRenderingContext2D} context @param {Viewport} view @param {FieldLayer} fields @param {number[]} seen
 * @param {Images} images
 * @param {(index: number) => Overlay | null} overlayOf The picture of a field.
 */
export function drawOverlays(context, view, { shapes }, seen, images, overlayOf) {
  const large = seen.filter((index) => (shapes[index].east - shapes[index].west) * view.scale >= OVERLAY_FROM);
  if (large.length > MAX_OVERLAYS) return;
  for (const index of large) {
    const overlay = overlayOf(index);
    const image = overlay && images.get(overlay.url);
    if (!image) continue;
    const [from, to] = [overlay.corners.top_left, overlay.corners.bottom_right].map(([longitude, latitude]) =>
      view.toScreen(toX(longitude), toY(latitude)),
    );
    context.save();
    context.imageSmoothingEnabled = image.naturalWidth > to.x - from.x; // a pixel that is seen is a square
    tracePath(context, view, [shapes[index]]);
    context.fillStyle = hatching(context);
    context.fill();
    context.clip();
    context.drawImage(image, from.x, from.y, to.x - from.x, to.y - from.y);
    context.restore();
  }
}
