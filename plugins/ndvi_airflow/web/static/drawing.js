/** Drawing on the map: boundaries, names, the graticule and tiles. */

import { themed } from "./colours.js";
import { toLatitude, toLongitude, toX, toY } from "./mercator.js";

/** Pixels that a field is wide before its name is written. */
const LABEL_FROM = 56;
const LABEL_PIXELS = 16;
const TILE = 256;
const MAX_TILES = 80;
const GRATICULE = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005];
const GRATICULE_PIXELS = 110;

/** @typedef {import("./map.js").FieldMap} FieldMap */

/** Begin a path of shapes, leaving out points that fall on the pixel of the one before. */
export function path(context, map, shapes) {
  const { scale } = map;
  const left = map.canvas.clientWidth / 2 - map.centre.x * scale;
  const top = map.canvas.clientHeight / 2 - map.centre.y * scale;
  context.beginPath();
  for (const { rings } of shapes) {
    for (const ring of rings) {
      let lastX = ring[0] * scale + left;
      let lastY = ring[1] * scale + top;
      context.moveTo(lastX, lastY);
      for (let at = 2; at < ring.length - 2; at += 2) {
        const x = ring[at] * scale + left;
        const y = ring[at + 1] * scale + top;
        if (Math.abs(x - lastX) + Math.abs(y - lastY) < 0.7) continue;
        context.lineTo(x, y);
        lastX = x;
        lastY = y;
      }
      context.closePath();
    }
  }
}

/** Write the names of the fields that have room for them. @param {CanvasRenderingContext2D} context @param {FieldMap} map @param {number[]} seen */
export function drawLabels(context, map, seen) {
  context.font = "600 12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 3.5;
  context.strokeStyle = themed("--label-casing");
  context.fillStyle = themed("--label");
  const taken = new Set();
  for (const index of seen) {
    const { west, east } = map.shapes[index];
    const room = (east - west) * map.scale;
    if (room < LABEL_FROM || context.measureText(map.labels[index]).width > room) continue;
    const { x, y } = map.position(index);
    // Fields that share a boundary would write over one another.
    const line = [...Array(5).keys()].find((down) => !taken.has(`${Math.round(x)} ${Math.round(y) + down}`)) ?? 0;
    taken.add(`${Math.round(x)} ${Math.round(y) + line}`);
    context.strokeText(map.labels[index], x, y + line * LABEL_PIXELS);
    context.fillText(map.labels[index], x, y + line * LABEL_PIXELS);
  }
}

/** @param {CanvasRenderingContext2D} context @param {FieldMap} map @param {number} width @param {number} height */
export function drawGraticule(context, map, width, height) {
  const step = GRATICULE.findLast((degrees) => (degrees / 360) * map.scale >= GRATICULE_PIXELS) ?? GRATICULE[0];
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  const { x: west, y: north } = map.toWorld(0, 0);
  const { x: east, y: south } = map.toWorld(width, height);
  context.strokeStyle = themed("--graticule");
  context.fillStyle = themed("--faint");
  context.font = "11px system-ui, sans-serif";
  context.lineWidth = 1;
  context.beginPath();
  const labels = [];
  for (let at = Math.ceil(toLongitude(west) / step) * step; at <= toLongitude(east); at += step) {
    const { x } = map.toScreen(toX(at), 0);
    context.moveTo(Math.round(x) + 0.5, 0);
    context.lineTo(Math.round(x) + 0.5, height);
    labels.push([`${Math.abs(at).toFixed(digits)}° ${at < 0 ? "W" : "E"}`, x + 4, 14]);
  }
  for (let at = Math.ceil(toLatitude(south) / step) * step; at <= toLatitude(north); at += step) {
    const { y } = map.toScreen(0, toY(at));
    context.moveTo(0, Math.round(y) + 0.5);
    context.lineTo(width, Math.round(y) + 0.5);
    if (y > 40) labels.push([`${Math.abs(at).toFixed(digits)}° ${at < 0 ? "S" : "N"}`, 5, y - 5]);
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

/** @param {CanvasRenderingContext2D} context @param {FieldMap} map @param {number} width @param {number} height */
export function drawTiles(context, map, width, height) {
  const zoom = Math.min(Math.max(Math.round(Math.log2(map.scale / TILE)), 0), 19);
  const count = 2 ** zoom;
  const side = map.scale / count;
  const from = map.toWorld(0, 0);
  const to = map.toWorld(width, height);
  let asked = 0;
  for (let row = Math.max(Math.floor(from.y * count), 0); row < Math.min(to.y * count, count); row++) {
    for (let column = Math.floor(from.x * count); column < to.x * count; column++) {
      if (++asked > MAX_TILES) return;
      const x = ((column % count) + count) % count;
      const url = map.tilesUrl.replace("{z}", String(zoom)).replace("{x}", String(x)).replace("{y}", String(row));
      const image = map.image(url);
      const { x: left, y: top } = map.toScreen(column / count, row / count);
      if (image) context.drawImage(image, left, top, side, side);
    }
  }
}
