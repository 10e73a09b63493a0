/** The marks on the season curve: observations, start, peak and end of the season, and events. */

/** @import { FieldEvent, SeasonFigures } from "./answers.d.ts" */
/** @import { Curve, Frame, Valued } from "./curve_frame.js" */

import { BOTTOM, HEIGHT, LEFT, TOP, isValued } from "./curve_frame.js";
import { svg } from "./dom.js";
import { dayNumber } from "./words.js";

const MIN_RADIUS = 2;
const MARK_RADIUS = 5;
const FLAG_PIXELS = 16;
const FLAG_TOP = 2;

/** @typedef {"value" | "outlier" | "provisional" | "start" | "peak" | "end"} Mark */

/**
 * A mark that differs from the others by its shape.
 *
 * @param {Mark} kind @param {number} x @param {number} y @param {number} r
 */
export function mark(kind, x, y, r) {
  /** @param {[number, number][]} corners */
  const shape = (corners) => corners.map(([dx, dy]) => `${(x + dx * r).toFixed(1)} ${(y + dy * r).toFixed(1)}`).join("L");
  /** @type {Partial<Record<Mark, string>>} */
  const paths = {
    outlier: `M${shape([[-1, -1], [1, 1]])}M${shape([[-1, 1], [1, -1]])}`,
    start: `M${shape([[-1, 0.8], [0, -1], [1, 0.8]])}Z`,
    peak: `M${shape([[-1, 0], [0, -1], [1, 0], [0, 1]])}Z`,
    end: `M${shape([[-1, -0.8], [0, 1], [1, -0.8]])}Z`,
  };
  return paths[kind] ? svg("path", { class: kind, d: paths[kind] }) : svg("circle", { class: kind, cx: x, cy: y, r });
}

/** The observations; the area of a point is its share of valid pixels. @param {Frame} frame @param {Curve} curve */
export function points(frame, { observations }) {
  const shown = observations.filter(isValued).filter(({ one }) => frame.holds(dayNumber(one.date)));
  return svg("g", { class: "points" }, ...shown.map((valued) => point(frame, valued)));
}

/** @param {Frame} frame @param {Valued} valued */
function point(frame, { one, value, day }) {
  const r = Math.max(frame.radius * Math.sqrt(one.valid_fraction ?? 0), MIN_RADIUS);
  const [x, y] = [frame.x(dayNumber(one.date)), frame.y(value)];
  if (day?.isOutlier) return mark("outlier", x, y, Math.max(r * 0.8, MIN_RADIUS + 1));
  return mark(day?.isProvisional ? "provisional" : "value", x, y, r);
}

/** Start, peak and end of the season, on its line. @param {Frame} frame @param {Curve} curve @param {SeasonFigures} figures */
export function phenologyMarks(frame, { days }, figures) {
  const marks = (/** @type {const} */ (["start", "peak", "end"])).map((kind) => {
    const smoothed = days.find(({ date }) => date === figures[kind])?.smoothed ?? null;
    if (smoothed === null) return null;
    return mark(kind, frame.x(dayNumber(figures[kind] ?? "")), frame.y(smoothed), MARK_RADIUS);
  });
  return svg("g", { class: "phenology" }, ...marks);
}

/**
 * A flag for each event, with its number in the list: a line leads to the last day of its evidence, a bar lies over all.
 *
 * @param {Frame} frame @param {FieldEvent[]} events In the order of their last days.
 */
export function flags(frame, events) {
  const apart = Math.min(FLAG_PIXELS + 1, (frame.width - LEFT) / Math.max(events.length, 1));
  let free = 0;
  const shown = events.map((event, number) => {
    const [first, last] = [frame.x(dayNumber(event.first_day)), frame.x(dayNumber(event.last_day))];
    const most = frame.width - FLAG_PIXELS / 2 - (events.length - 1 - number) * apart - 1;
    const x = Math.min(Math.max(last, free), most);
    free = x + apart;
    return svg(
      "g",
      { class: event.status },
      svg("path", { class: "leader", d: `M${x} ${FLAG_TOP + FLAG_PIXELS}L${last} ${TOP}V${HEIGHT - BOTTOM}` }),
      svg("rect", { class: "span", x: first - 1, y: TOP - 2, width: last - first + 2, height: 3 }),
      svg("rect", { x: x - FLAG_PIXELS / 2, y: FLAG_TOP, width: FLAG_PIXELS, height: FLAG_PIXELS, rx: 3 }),
      svg("text", { x, y: FLAG_TOP + 12, "text-anchor": "middle" }, String(number + 1)),
    );
  });
  return svg("g", { class: "flags" }, ...shown);
}
