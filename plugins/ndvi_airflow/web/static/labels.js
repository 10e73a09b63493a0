/** The names of fields on the map: those that matter most first, none on another. */

/** @import { Shape } from "./mercator.js" */
/** @import { Viewport } from "./viewport.js" */

import { themed } from "./colours.js";

const FONT = "600 12px system-ui, sans-serif";
/** Pixels that a field is wide and high before its name is written. */
const WIDE_FROM = 56;
const HIGH_FROM = 12;
const LINE = 16;
const AIR = 3;
const MOST = 300;
/** Where a name is written in a field whose middle is taken: so many lines below. */
const LINES = [0, 1, -1, 2, -2, 3, -3, 4, -4];

/** @typedef {{left: number, right: number, top: number, bottom: number}} Place */

/** Widths of names, in pixels. @type {Map<string, number>} */
const widths = new Map();

/**
 * Write the names of fields that have room for them, and of those that are chosen in any case.
 *
 * @param {CanvasRenderingContext2D} context @param {Viewport} view
 * @param {Shape[]} shapes @param {string[]} labels
 * @param {number[]} seen Indexes of the fields in view.
 * @param {Set<number>} chosen Of those that come first.
 * @param {number[]} above Of those that lie on others, whose names are not written there.
 */
export function writeNames(context, view, shapes, labels, seen, chosen, above) {
  context.font = FONT;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 3.5;
  context.strokeStyle = themed("--label-casing");
  context.fillStyle = themed("--label");
  /** @type {Place[]} */
  const taken = [];
  const covers = above.map((index) => ({ index, place: placeOf(view, shapes[index]) }));
  for (const index of inTurn(context, view, shapes, labels, seen, chosen)) {
    if (taken.length >= MOST) return;
    const shape = shapes[index];
    const { x, y } = view.middle(shape);
    const half = widthOf(context, labels[index]) / 2 + AIR;
    const reach = chosen.has(index) ? Infinity : ((shape.south - shape.north) * view.scale) / 2;
    for (const line of LINES) {
      const middle = y + line * LINE;
      const place = { left: x - half, right: x + half, top: middle - LINE / 2, bottom: middle + LINE / 2 };
      if (Math.abs(line * LINE) > reach || taken.some((other) => touch(place, other))) continue;
      if (!chosen.has(index) && covers.some((one) => one.index !== index && touch(place, one.place))) continue;
      taken.push(place);
      context.strokeText(labels[index], x, middle);
      context.fillText(labels[index], x, middle);
      break;
    }
  }
}

/**
 * The fields to name, the chosen ones and then the largest first.
 *
 * @param {CanvasRenderingContext2D} context @param {Viewport} view @param {Shape[]} shapes @param {string[]} labels
 * @param {number[]} seen @param {Set<number>} chosen
 */
function inTurn(context, { scale }, shapes, labels, seen, chosen) {
  /** @param {number} index */
  const hasRoom = (index) => {
    const { west, east, north, south } = shapes[index];
    const width = (east - west) * scale;
    if (width < WIDE_FROM || (south - north) * scale < HIGH_FROM) return false;
    return widthOf(context, labels[index]) <= width;
  };
  const others = seen.filter((index) => !chosen.has(index) && hasRoom(index));
  others.sort((one, other) => areaOf(shapes[other]) - areaOf(shapes[one]));
  return [...seen.filter((index) => chosen.has(index)), ...others];
}

/** The box of a field on the canvas. @param {Viewport} view @param {Shape} shape @returns {Place} */
function placeOf(view, { west, east, north, south }) {
  const { x: left, y: top } = view.toScreen(west, north);
  const { x: right, y: bottom } = view.toScreen(east, south);
  return { left, right, top, bottom };
}

/** About how large a field is. @param {Shape} shape */
export const areaOf = ({ west, east, north, south }) => (east - west) * (south - north);

/** @param {CanvasRenderingContext2D} context @param {string} label */
function widthOf(context, label) {
  const known = widths.get(label);
  if (known !== undefined) return known;
  const width = context.measureText(label).width;
  widths.set(label, width);
  return width;
}

/** @param {Place} one @param {Place} other */
const touch = (one, other) =>
  one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
