/** The season curve: observations as points, a smoothed line, and what the clouds left out. */

/** @import { Index, Observation } from "./answers.d.ts" */
/** @import { Series } from "./curve_frame.js" */

import { SERIES } from "./colours.js";
import { BOTTOM, Frame, HEIGHT, LEFT, MAX_RADIUS, RIGHT, TOP, isValued } from "./curve_frame.js";
import { listenToCurve } from "./curve_pointing.js";
import { h, svg } from "./dom.js";
import { whittaker } from "./smooth.js";
import { classNameOf, dayNumber, dayOf, longDay, monthOf, nameOf } from "./words.js";

/** Of the smoother: follows a crop over two weeks, and not the noise from one pass to the next. */
export const LAMBDA = 20;
/** Days between two values from which on the line between them is only a guess, and dashed. */
export const GAP_DAYS = 12;
const MIN_WIDTH = 240;
const MIN_RADIUS = 2;

/**
 * @typedef {object} Mean The mean of a crop: a value for each day of the season, null where there is none.
 * @property {string} name
 * @property {string} start
 * @property {(number | null)[]} values
 */

/**
 * Draw the curves of fields.
 *
 * @param {HTMLElement} box
 * @param {Series[]} series The first one shows its days without a value too.
 * @param {Mean | null} mean
 * @param {Index | undefined} index Of which the values are.
 * @param {string | null} date The day that is marked.
 * @param {(series: number, observation: Observation) => void} onChoice
 */
export function drawCurve(box, series, mean, index, date, onChoice) {
  const frame = Frame.around(series, Math.max(box.clientWidth, MIN_WIDTH), index);
  if (!frame) {
    box.replaceChildren(h("p", { class: "quiet" }, "No day of this field has an answer yet."));
    return;
  }
  const coloured = series.map((one, number) => ({ one, colour: SERIES[number % SERIES.length] })).reverse();
  const picture = svg(
    "svg",
    {
      viewBox: `0 0 ${frame.width} ${HEIGHT}`,
      width: frame.width,
      height: HEIGHT,
      role: "application",
      tabindex: 0,
      "aria-label": `Season curve of ${nameOf(index)} of ${series.map(({ name }) => name).join(", ")}. Left and right go through its points, Enter shows where one comes from; the table below has all numbers.`,
    },
    axes(frame),
    marks(frame, series[0], date),
    mean && meanLine(frame, mean),
    ...coloured.map(({ one, colour }) => line(frame, one, colour)),
    ...coloured.map(({ one, colour }) => points(frame, one, colour)),
  );
  listenToCurve(picture, frame, series, nameOf(index), onChoice);
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
    if (!isLabel || x < free || x > width - 40) continue;
    free = x + 66;
    group.append(svg("text", { x, y: HEIGHT - 4 }, day === first ? longDay(name).replace(/ \d+$/, "") : monthOf(name)));
  }
  return group;
}

/**
 * The plant date, the marked day, and a strip of the days that have no value.
 *
 * @param {Frame} frame @param {Series} series @param {string | null} date
 */
function marks(frame, { plantDate, observations }, date) {
  const group = svg("g", { class: "marks" });
  /** @param {number} day @param {string} name */
  const upright = (day, name) => {
    const x = frame.x(day);
    group.append(svg("line", { class: name, x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM }));
    return x;
  };
  const side = Math.max(frame.x(frame.first + 1) - frame.x(frame.first) - 1, 1.5);
  for (const one of observations) {
    const x = frame.x(dayNumber(one.date)) - side / 2;
    const name = `day ${classNameOf(one.status)}`;
    group.append(svg("rect", { class: name, x, y: HEIGHT - BOTTOM + 5, width: side, height: 8 }));
  }
  if (plantDate && dayNumber(plantDate) >= frame.first) {
    const x = upright(dayNumber(plantDate), "planted");
    group.append(svg("text", { class: "planted", x: x + 5, y: TOP + 9 }, "planted"));
  }
  if (date && frame.holds(dayNumber(date))) upright(dayNumber(date), "today");
  return group;
}

/**
 * The smoothed line: solid where values are near, dashed over gaps.
 *
 * @param {Frame} frame @param {Series} series @param {string} colour
 */
function line(frame, { observations }, colour) {
  const known = observations.filter(isValued);
  const group = svg("g", { class: "curve" });
  group.style.setProperty("--series", `var(${colour})`);
  if (known.length < 3) return group;
  const days = known.map((one) => dayNumber(one.date));
  const begin = days[0];
  const size = days[days.length - 1] - begin + 1;
  const values = new Float64Array(size);
  const weights = new Float64Array(size);
  known.forEach((one, index) => {
    values[days[index] - begin] = one.value;
    weights[days[index] - begin] = one.valid_fraction ?? 0;
  });
  const smooth = whittaker(values, weights, LAMBDA);
  for (let index = 1; index < days.length; index++) {
    const [from, to] = [days[index - 1], days[index]];
    const part = Array.from(smooth.subarray(from - begin, to - begin + 1), (value, at) => ({ day: from + at, value }));
    group.append(svg("path", { d: pathOf(frame, part), class: to - from > GAP_DAYS ? "gap" : null }));
  }
  return group;
}

/** @param {Frame} frame @param {Series} series @param {string} colour */
function points(frame, { observations }, colour) {
  const group = svg("g", { class: "points" });
  group.style.setProperty("--series", `var(${colour})`);
  for (const one of observations.filter(isValued)) {
    // The area of a point is its share of valid pixels.
    const r = Math.max(MAX_RADIUS * Math.sqrt(one.valid_fraction ?? 0), MIN_RADIUS);
    group.append(svg("circle", { cx: frame.x(dayNumber(one.date)), cy: frame.y(one.value), r }));
  }
  return group;
}

/** @param {Frame} frame @param {Mean} mean */
function meanLine(frame, { start, values }) {
  const from = dayNumber(start);
  const known = values.flatMap((value, index) => {
    return value !== null && frame.holds(from + index) ? [{ day: from + index, value }] : [];
  });
  return svg("path", { class: "mean", d: pathOf(frame, known) });
}

/** @param {Frame} frame @param {{day: number, value: number}[]} places */
function pathOf(frame, places) {
  const steps = places.map(({ day, value }) => `${frame.x(day).toFixed(1)} ${frame.y(value).toFixed(1)}`);
  return steps.length > 0 ? `M${steps.join("L")}` : "";
}
