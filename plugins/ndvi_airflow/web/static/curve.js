/** The season curve: observations as points, their smoothed line, what is usual, what is unusual, and what clouds hid. */

/** @import { Index, Observation } from "./answers.d.ts" */
/** @import { Curve } from "./curve_frame.js" */
/** @import { Earlier } from "./earlier.js" */
/** @import { Known } from "./season.js" */

import { SERIES } from "./colours.js";
import { BOTTOM, Frame, HEIGHT, LEFT, RIGHT, TOP } from "./curve_frame.js";
import { earlierLines, errorBand, peersBand, smoothedLine } from "./curve_lines.js";
import { flags, phenologyMarks, points } from "./curve_marks.js";
import { listenToCurve } from "./curve_pointing.js";
import { h, svg } from "./dom.js";
import { classNameOf, dayNumber, dayOf, longDay, monthOf, nameOf } from "./words.js";

const MIN_WIDTH = 240;
/** Room for a day below the axis. */
const LABEL_PIXELS = 64;
const PLANTED_PIXELS = 48;

/**
 * Draw the curves of fields.
 *
 * @param {HTMLElement} box
 * @param {Curve[]} curves The first one shows its days without a value, its peers and how sure it is, too.
 * @param {Pick<Known, "figures" | "events">} known Of the first one.
 * @param {Earlier[]} earlier Seasons of the first one.
 * @param {string} date The day that is marked.
 * @param {Index | undefined} index Of which the values are.
 * @param {(curve: number, observation: Observation) => void} onChoice
 */
export function drawCurve(box, curves, { figures, events }, earlier, date, index, onChoice) {
  const frame = Frame.around(curves, Math.max(box.clientWidth, MIN_WIDTH), index);
  if (!frame) {
    box.replaceChildren(h("p", { class: "quiet" }, "No day of this season has an answer yet."));
    return;
  }
  const [first] = curves;
  /** @param {SVGElement} shape @param {number} number */
  const coloured = (shape, number) => {
    shape.style.setProperty("--series", `var(${SERIES[number % SERIES.length]})`);
    return shape;
  };
  const picture = svg(
    "svg",
    {
      viewBox: `0 0 ${frame.width} ${HEIGHT}`,
      width: frame.width,
      height: HEIGHT,
      role: "application",
      tabindex: 0,
      "aria-label": `Season curve of ${nameOf(index)} of ${curves.map(({ name }) => name).join(", ")}. Left and right go through its points, Enter shows where one comes from; the table below has all numbers.`,
    },
    axes(frame),
    peersBand(frame, first),
    earlierLines(frame, earlier),
    days(frame, first, date),
    flags(frame, events),
    coloured(errorBand(frame, first), 0),
    ...curves.map((curve, number) => coloured(smoothedLine(frame, curve), number)).reverse(),
    ...curves.map((curve, number) => coloured(points(frame, curve), number)).reverse(),
    figures && phenologyMarks(frame, first, figures),
  );
  listenToCurve(picture, frame, curves, nameOf(index), onChoice);
  box.replaceChildren(picture);
}

/** @param {Frame} frame */
function axes(frame) {
  const { first, last, width } = frame;
  const group = svg("g", { class: "axes" });
  for (let tick = 0; tick <= Math.round((frame.high - frame.low) / frame.step); tick++) {
    const value = frame.low + tick * frame.step;
    const y = frame.y(value);
    group.append(svg("line", { x1: LEFT, x2: width - RIGHT, y1: y, y2: y }));
    group.append(svg("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, value.toFixed(1).replace("-", "−")));
  }
  const step = last - first > 400 ? 3 : 1;
  for (let day = first, free = 0; day <= last; day++) {
    const name = dayOf(day);
    const isLabel = day === first || (name.endsWith("-01") && (Number(name.slice(5, 7)) - 1) % step === 0);
    const x = frame.x(day);
    if (!isLabel || x < free || x > width - LABEL_PIXELS) continue;
    free = x + LABEL_PIXELS + 16;
    group.append(svg("text", { x, y: HEIGHT - 4 }, day === first ? longDay(name) : monthOf(name)));
  }
  return group;
}

/**
 * The plant date, the marked day, and a strip of the days that have no value.
 *
 * @param {Frame} frame @param {Curve} curve @param {string} date
 */
function days(frame, { season, observations }, date) {
  const group = svg("g", { class: "marks" });
  /** @param {number} day @param {string} name */
  const upright = (day, name) => {
    const x = frame.x(day);
    group.append(svg("line", { class: name, x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM }));
    return x;
  };
  const side = Math.max(frame.x(frame.first + 1) - frame.x(frame.first) - 1, 1.5);
  for (const { one } of observations) {
    const x = frame.x(dayNumber(one.date)) - side / 2;
    const name = `day ${classNameOf(one.status)}`;
    group.append(svg("rect", { class: name, x, y: HEIGHT - BOTTOM + 5, width: side, height: 8 }));
  }
  if (frame.holds(dayNumber(season.plant_date))) {
    const x = upright(dayNumber(season.plant_date), "planted");
    const isLate = x > frame.width - RIGHT - PLANTED_PIXELS;
    const place = isLate ? { x: x - 5, "text-anchor": "end" } : { x: x + 5 };
    group.append(svg("text", { class: "planted", y: TOP + 9, ...place }, "planted"));
  } else if (season.plant_date < dayOf(frame.first)) {
    group.append(svg("text", { class: "planted", x: LEFT + 3, y: TOP + 9 }, `‹ planted ${longDay(season.plant_date)}`));
  }
  if (frame.holds(dayNumber(date))) upright(dayNumber(date), "today");
  return group;
}
