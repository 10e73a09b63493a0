/** Pointing at the season curve, by mouse or by arrow keys: what a point stands for is said, and it can be chosen. */

/** @import { Observation } from "./answers.d.ts" */
/** @import { Curve, Frame, Shown } from "./curve_frame.js" */

import { MAX_RADIUS, isValued } from "./curve_frame.js";
import { announce, hideTooltip, showTooltip, svg } from "./dom.js";
import { saidOfDay } from "./season_words.js";
import { dayNumber, longDay, said } from "./words.js";

const REACH_PIXELS = 40;

/** @typedef {{curve: Curve, number: number, shown: Shown, x: number, y: number}} Place One observation of a curve. */

/**
 * @param {SVGSVGElement} picture @param {Frame} frame @param {Curve[]} curves
 * @param {string} indexName What the values are of.
 * @param {(curve: number, observation: Observation) => void} onChoice
 */
export function listenToCurve(picture, frame, curves, indexName, onChoice) {
  const places = placesOf(frame, curves);
  const ring = svg("circle", { class: "pointed", r: MAX_RADIUS + 3, visibility: "hidden" });
  picture.append(ring);
  let at = -1;
  /** @param {number} index */
  const point = (index) => {
    at = index;
    ring.setAttribute("visibility", index === -1 ? "hidden" : "visible");
    if (index === -1) return hideTooltip();
    const { curve, shown, x, y } = places[index];
    ring.setAttribute("cx", String(x));
    ring.setAttribute("cy", String(y));
    const box = picture.getBoundingClientRect();
    const title = `${curve.name}, ${longDay(shown.one.date)}`;
    const lines = [...said(shown.one, indexName, shown.value), ...saidOfDay(shown.day, curve.season.plant_type)];
    showTooltip(box.left + x, box.top + y, [title, ...lines]);
    return announce(`${title}: ${lines.join(", ")}`);
  };
  const choose = () => at !== -1 && onChoice(places[at].number, places[at].shown.one);
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const nearest = nearestTo(places, event.clientX - box.left, event.clientY - box.top);
    if (nearest !== at) point(nearest);
  });
  picture.addEventListener("pointerleave", () => point(-1));
  picture.addEventListener("blur", () => point(-1));
  picture.addEventListener("click", choose);
  picture.addEventListener("keydown", (event) => {
    const last = places.length - 1;
    /** @type {Record<string, number>} */
    const targets = { ArrowRight: at + 1, ArrowLeft: at === -1 ? last : at - 1, Home: 0, End: last };
    const to = targets[event.key];
    const isChoice = (event.key === "Enter" || event.key === " ") && at !== -1;
    if (to === undefined && !isChoice) return;
    event.preventDefault();
    if (isChoice) choose();
    else point(Math.min(Math.max(to, 0), last));
  });
}

/**
 * What can be pointed at: all days of the first curve, and those of the others that have a value.
 *
 * @param {Frame} frame @param {Curve[]} curves
 * @returns {Place[]}
 */
function placesOf(frame, curves) {
  return curves
    .flatMap((curve, number) =>
      curve.observations
        .filter((shown) => frame.holds(dayNumber(shown.one.date)) && (number === 0 || isValued(shown)))
        .map((shown) => {
          return { curve, number, shown, x: frame.x(dayNumber(shown.one.date)), y: frame.y(shown.value ?? 0) };
        }),
    )
    .sort((left, right) => left.x - right.x || left.number - right.number);
}

/**
 * The index of the place that is within reach and nearest, or -1.
 *
 * @param {Place[]} places @param {number} x @param {number} y
 */
function nearestTo(places, x, y) {
  let best = -1;
  let reach = REACH_PIXELS;
  places.forEach((place, index) => {
    // Sideways counts more: a person aims at a day.
    const distance = Math.abs(place.x - x) + Math.abs(place.y - y) * 0.3;
    if (distance < reach) [best, reach] = [index, distance];
  });
  return best;
}
