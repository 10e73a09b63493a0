/** What lies below the fields on the map: tiles, pictures of passes, the graticule and the extent's outline. */

/** @import { Images } from "./images.js" */
/** @import { Shape } from "./mercator.js" */
/** @import { Overlay } from "./overlays.js" */
/** @import { Viewport } from "./viewport.js" */

import { themed } from "./colours.js";
import { meet, toLatitude, toLongitude, toX, toY } from "./mercator.js";
import { tracePath } from "./shapes.js";

const TILE = 256;
const MAX_TILES = 80;
const MAX_ZOOM = 19;
const GRATICULE = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005];
const GRATICULE_PIXELS = 110;

/** @param {CanvasRenderingContext2D} context @param {Viewport} view */
export function drawLand(context, view) {
  context.fillStyle = themed("--land");
  context.fillRect(0, 0, view.width, view.height);
}

/** @param {CanvasRenderingContext2D} context @param {Viewport} view @param {string} template @param {Images} images */
export function drawTiles(context, view, template, images) {
  const zoom = Math.min(Math.max(Math.round(Math.log2(view.scale / TILE)), 0), MAX_ZOOM);
  const count = 2 ** zoom;
  const side = view.scale / count;
  const { west, north, east, south } = view.box;
  let asked = 0;
  for (let row = Math.max(Math.floor(north * count), 0); row < Math.min(south * count, count); row++) {
    for (let column = Math.floor(west * count); column < east * count; column++) {
      if (++asked > MAX_TILES) return;
      const x = ((column % count) + count) % count;
      const url = template.replace("{z}", String(zoom)).replace("{x}", String(x)).replace("{y}", String(row));
      const image = images.get(url);
      const { x: left, y: top } = view.toScreen(column / count, row / count);
      if (image) context.drawImage(image, left, top, side, side);
    }
  }
}

/**
 * Draw pictures of passes, one over the other.
 *
 * @param {CanvasRenderingContext2D} context @param {Viewport} view @param {Overlay[]} pictures @param {Images} images
 */
export function drawPictures(context, view, pictures, images) {
  const { box } = view;
  for (const { url, corners } of pictures) {
    const [[west, north], [east, south]] = [corners.top_left, corners.bottom_right];
    const place = { west: toX(west), east: toX(east), north: toY(north), south: toY(south) };
    const image = meet(place, box) && images.get(url);
    if (!image) continue;
    const from = view.toScreen(place.west, place.north);
    const to = view.toScreen(place.east, place.south);
    context.drawImage(image, from.x, from.y, to.x - from.x, to.y - from.y);
  }
}

/** @param {CanvasRenderingContext2D} context @param {Viewport} view */
export function drawGraticule(context, view) {
  const step = GRATICULE.findLast((degrees) => (degrees / 360) * view.scale >= GRATICULE_PIXELS) ?? GRATICULE[0];
  const { west, north, east, south } = view.box;
  const { width, height } = view;
  context.strokeStyle = themed("--graticule");
  context.fillStyle = themed("--faint");
  context.font = "11px system-ui, sans-serif";
  context.lineWidth = 1;
  context.beginPath();
  /** @type {[string, number, number][]} */
  const labels = [];
  for (const at of multiples(step, Math.max(toLongitude(west), -180), Math.min(toLongitude(east), 180))) {
    const { x } = view.toScreen(toX(at), 0);
    context.moveTo(Math.round(x) + 0.5, 0);
    context.lineTo(Math.round(x) + 0.5, height);
    labels.push([degreesOf(at, step, "W", "E"), x + 4, 14]);
  }
  for (const at of multiples(step, toLatitude(south), toLatitude(north))) {
    const { y } = view.toScreen(0, toY(at));
    context.moveTo(0, Math.round(y) + 0.5);
    context.lineTo(width, Math.round(y) + 0.5);
    if (y > 40) labels.push([degreesOf(at, step, "S", "N"), 5, y - 5]);
  }
  context.stroke();
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  context.lineWidth = 3;
  context.strokeStyle = themed("--land");
  for (const label of labels) {
    context.strokeText(...label);
    context.fillText(...label);
  }
}

/** @param {CanvasRenderingContext2D} context @param {Viewport} view @param {Shape} extent */
export function drawExtent(context, view, extent) {
  context.strokeStyle = themed("--extent");
  context.lineWidth = 1.5;
  context.setLineDash([6, 4]);
  tracePath(context, view, [extent]);
  context.stroke();
  context.setLineDash([]);
}

/** @param {number} step @param {number} from @param {number} to */
function* multiples(step, from, to) {
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) yield at;
}

/**
 * @param {number} at @param {number} step How fine the number has to be.
 * @param {string} below Zero. @param {string} above
 */
function degreesOf(at, step, below, above) {
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  return `${Math.abs(at).toFixed(digits)}° ${at < 0 ? below : above}`;
}
