/** The season curve: observations as points, a smoothed line, and what the clouds left out. */

import { SERIES } from "./colours.js";
import { announce, h, hideTooltip, showTooltip, svg } from "./dom.js";
import { whittaker } from "./smooth.js";
import { dayNumber, dayOf, longDay, monthOf, ndvi, percent, word } from "./words.js";

/** Of the smoother: follows a crop over two weeks, and not the noise from one pass to the next. */
export const LAMBDA = 20;
/** Days between two values from which on the line between them is only a guess, and dashed. */
export const GAP_DAYS = 12;
const LEFT = 34;
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 34;
const HEIGHT = 230;
const MIN_RADIUS = 2;
const MAX_RADIUS = 5.5;
const REACH_PIXELS = 40;

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {string | null} plantDate
 * @property {any[]} observations In the order of their days.
 *
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
 * @param {string | null} date The day that is marked.
 * @param {(series: number, observation: any) => void} chosen
 */
export function drawCurve(box, series, mean, date, chosen) {
  const width = Math.max(box.clientWidth, 240);
  const days = series.flatMap(({ observations, plantDate }) => [
    ...observations.map((one) => dayNumber(one.date)),
    ...(plantDate && observations.length > 0 ? [dayNumber(plantDate)] : []),
  ]);
  if (days.length === 0) {
    box.replaceChildren(h("p", { class: "quiet" }, "No day of this field has an answer yet."));
    return;
  }
  const values = series.flatMap(({ observations }) => valued(observations).map((one) => one.ndvi_mean));
  const [first, last] = [Math.min(...days), Math.max(...days)];
  const low = Math.min(0, ...values.map((value) => Math.floor(value * 5) / 5));
  const frame = {
    x: (day) => LEFT + ((day - first + 0.5) / (last - first + 1)) * (width - LEFT - RIGHT),
    y: (value) => TOP + ((1 - value) / (1 - low)) * (HEIGHT - TOP - BOTTOM),
  };
  const picture = svg(
    "svg",
    {
      viewBox: `0 0 ${width} ${HEIGHT}`,
      width,
      height: HEIGHT,
      role: "application",
      tabindex: 0,
      "aria-label": `Season curve of ${series.map(({ name }) => name).join(", ")}. Left and right go through its points, Enter shows where one comes from; the table below has all numbers.`,
    },
    axes(frame, first, last, low, width),
    marks(frame, series[0], date, first, last),
    ...(mean ? [meanLine(frame, mean, first, last)] : []),
    ...series.toReversed().map((one, index) => line(frame, one, SERIES[(series.length - 1 - index) % SERIES.length])),
    ...series.toReversed().map((one, index) => points(frame, one, SERIES[(series.length - 1 - index) % SERIES.length])),
  );
  listen(picture, frame, series, chosen);
  box.replaceChildren(picture);
}

/** @param {any[]} observations */
export const valued = (observations) => observations.filter((one) => one.status === "computed" && one.ndvi_mean !== null);

function axes(frame, first, last, low, width) {
  const group = svg("g", { class: "axes" });
  for (let value = low; value < 1.01; value += 0.2) {
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

/** The plant date, the marked day, and a strip of the days that have no value. */
function marks(frame, { plantDate, observations }, date, first, last) {
  const group = svg("g", { class: "marks" });
  const upright = (day, name) => {
    const x = frame.x(day);
    group.append(svg("line", { class: name, x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM }));
    return x;
  };
  const side = Math.max(frame.x(first + 1) - frame.x(first) - 1, 1.5);
  for (const one of observations) {
    const name = `day ${one.status.replaceAll("_", "-")}`;
    group.append(
      svg("rect", { class: name, x: frame.x(dayNumber(one.date)) - side / 2, y: HEIGHT - BOTTOM + 5, width: side, height: 8 }),
    );
  }
  if (plantDate && dayNumber(plantDate) >= first) {
    const x = upright(dayNumber(plantDate), "planted");
    group.append(svg("text", { class: "planted", x: x + 5, y: TOP + 9 }, "planted"));
  }
  if (date && dayNumber(date) >= first && dayNumber(date) <= last) upright(dayNumber(date), "today");
  return group;
}

/** The smoothed line: solid where values are near, dashed over gaps. */
function line(frame, { observations }, colour) {
  const known = valued(observations);
  const group = svg("g", { class: "curve" });
  group.style.setProperty("--series", `var(${colour})`);
  if (known.length < 3) return group;
  const begin = dayNumber(known[0].date);
  const size = dayNumber(known.at(-1).date) - begin + 1;
  const values = new Float64Array(size);
  const weights = new Float64Array(size);
  for (const one of known) {
    values[dayNumber(one.date) - begin] = one.ndvi_mean;
    weights[dayNumber(one.date) - begin] = one.valid_fraction;
  }
  const smooth = whittaker(values, weights, LAMBDA);
  for (let index = 1; index < known.length; index++) {
    const [from, to] = [dayNumber(known[index - 1].date) - begin, dayNumber(known[index].date) - begin];
    const path = Array.from(smooth.subarray(from, to + 1), (value, at) => {
      return `${at === 0 ? "M" : "L"}${frame.x(begin + from + at).toFixed(1)} ${frame.y(value).toFixed(1)}`;
    });
    group.append(svg("path", { d: path.join(""), class: to - from > GAP_DAYS ? "gap" : null }));
  }
  return group;
}

function points(frame, { observations }, colour) {
  const group = svg("g", { class: "points" });
  group.style.setProperty("--series", `var(${colour})`);
  for (const one of valued(observations)) {
    // The area of a point is its share of valid pixels.
    const r = Math.max(MAX_RADIUS * Math.sqrt(one.valid_fraction), MIN_RADIUS);
    group.append(svg("circle", { cx: frame.x(dayNumber(one.date)), cy: frame.y(one.ndvi_mean), r }));
  }
  return group;
}

function meanLine(frame, { start, values }, first, last) {
  const from = dayNumber(start);
  const known = values
    .map((value, index) => ({ value, day: from + index }))
    .filter(({ value, day }) => value !== null && day >= first && day <= last);
  const path = known.map(({ value, day }, at) => `${at ? "L" : "M"}${frame.x(day).toFixed(1)} ${frame.y(value).toFixed(1)}`);
  return svg("path", { class: "mean", d: path.join("") });
}

/** Pointing at a point, by mouse or by arrow keys, tells its numbers; choosing it shows where it comes from. */
function listen(picture, frame, series, chosen) {
  const all = series
    .flatMap(({ name, observations }, number) =>
      observations.map((one) => ({
        name,
        number,
        one,
        x: frame.x(dayNumber(one.date)),
        y: frame.y(one.status === "computed" ? one.ndvi_mean : 0),
      })),
    )
    .filter(({ number, one }) => number === 0 || one.status === "computed")
    .sort((left, right) => left.x - right.x || left.number - right.number);
  const ring = svg("circle", { class: "pointed", r: MAX_RADIUS + 3, visibility: "hidden" });
  picture.append(ring);
  let at = -1;
  const point = (index) => {
    at = index;
    ring.setAttribute("visibility", index === -1 ? "hidden" : "visible");
    if (index === -1) return hideTooltip();
    const { name, one, x, y } = all[index];
    ring.setAttribute("cx", x);
    ring.setAttribute("cy", y);
    const box = picture.getBoundingClientRect();
    const lines = said(one);
    showTooltip(box.left + x, box.top + y, [`${name}, ${longDay(one.date)}`, ...lines]);
    return announce(`${name}, ${longDay(one.date)}: ${lines.join(", ")}`);
  };
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best = -1;
    let reach = REACH_PIXELS;
    all.forEach((candidate, index) => {
      // Sideways counts more: a person aims at a day.
      const distance = Math.abs(candidate.x - x) + Math.abs(candidate.y - y) * 0.3;
      if (distance < reach) [best, reach] = [index, distance];
    });
    if (best !== at) point(best);
  });
  picture.addEventListener("pointerleave", () => point(-1));
  picture.addEventListener("blur", () => point(-1));
  picture.addEventListener("click", () => at !== -1 && chosen(all[at].number, all[at].one));
  picture.addEventListener("keydown", (event) => {
    const to = { ArrowRight: at + 1, ArrowLeft: at === -1 ? all.length - 1 : at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      point(Math.min(Math.max(to, 0), all.length - 1));
    } else if ((event.key === "Enter" || event.key === " ") && at !== -1) {
      event.preventDefault();
      chosen(all[at].number, all[at].one);
    }
  });
}

/** An observation in a few words. @param {any} one */
export function said(one) {
  if (one.status !== "computed") return [word(one.status), one.reason ?? ""].filter(Boolean);
  return [`NDVI ${ndvi(one.ndvi_mean)} ± ${ndvi(one.ndvi_std)}`, `${percent(one.valid_fraction)} of the field valid`];
}
