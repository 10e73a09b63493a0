/** What the check of an upload says, made of the API's answer. */

/** @import { Checked, CheckedField, Effect, Geometry, Problem } from "./answers.d.ts" */
/** @import { Candidate } from "./marks.js" */

import { h } from "./dom.js";
import { counted, crop, longDay, withLongDays } from "./words.js";

const SHOWN = 50;
/** @type {Effect[]} */
const EFFECTS = ["new", "changed", "unchanged"];

/** The indexes of the features of which no field can be made. @param {Checked} report */
export function rejectedIn({ problems: all, fields: { features } }) {
  const waiting = new Set(features.filter(({ properties }) => properties.waits).map(({ id }) => id));
  const rejections = all.filter((one) => !one.registered && !(one.id !== null && waiting.has(one.id)));
  return new Set(rejections.map((one) => one.feature));
}

/** @param {Geometry} geometry @returns {Candidate} */
export const good = (geometry) => ({ geometry, kind: "good" });

/** A rejected feature, if it has an outline all the same. @param {any} feature @returns {Candidate[]} */
export function bad(feature) {
  const isArea = ["Polygon", "MultiPolygon"].includes(feature?.geometry?.type);
  /** @type {number[]} */
  const numbers = isArea ? feature.geometry.coordinates.flat(Infinity) : [];
  const isWhole = numbers.length > 5 && numbers.every((number, at) => Math.abs(number) <= (at % 2 ? 85 : 180));
  return isWhole ? [{ geometry: feature.geometry, kind: "bad" }] : [];
}

/** What registering the fields would do, one by one. @param {Checked} report */
export function effects({ fields: { features } }) {
  return EFFECTS.flatMap((effect) => {
    const those = features.filter((one) => one.properties.effect === effect);
    if (those.length === 0) return [];
    return [
      h("h3", {}, `${those.length.toLocaleString("en")} ${effect}`),
      effect === "unchanged" ? h("p", { class: "found" }, some(those.map(({ id }) => id))) : outcomes(those),
    ];
  });
}

/** @param {CheckedField[]} those */
function outcomes(those) {
  const left = those.length - SHOWN;
  return h(
    "ul",
    { class: "found" },
    ...those.slice(0, SHOWN).map(outcome),
    left > 0 ? h("li", {}, `and ${left.toLocaleString("en")} more`) : null,
  );
}

/** @param {CheckedField} field */
function outcome({ id, properties: { season, plant_type: type, plant_date: planted, end_date: end, changes, days, waits } }) {
  const until = end === null ? "" : ` to ${longDay(end)}`;
  return h(
    "li",
    {},
    h("b", {}, id),
    h("span", {}, `Season ${season}: ${crop(type)}, from ${longDay(planted)}${until}`),
    changes.length > 0 ? h("span", {}, `Changes: ${withLongDays(changes.join(", "))}`) : null,
    h("span", {}, days > 0 ? `${counted(days, "day becomes", "days become")} due${waits ? ": waits for a confirmation" : ""}` : "No day becomes due"),
  );
}

/** @param {string[]} ids */
const some = (ids) => ids.slice(0, SHOWN).join(", ") + (ids.length > SHOWN ? ` and ${ids.length - SHOWN} more` : "");

/** What is wrong, and what looks wrong. @param {Problem[]} all */
export function problems(all) {
  const wrong = all.filter((one) => !one.registered);
  const odd = all.filter((one) => one.registered);
  return [...problemList(wrong, "problem"), ...problemList(odd, "warning")];
}

/** @param {Problem[]} those @param {string} word */
function problemList(those, word) {
  if (those.length === 0) return [];
  return [
    h("h3", {}, counted(those.length, word)),
    h("ul", { class: "problems" }, ...those.slice(0, SHOWN).map(problem)),
    ...(those.length > SHOWN ? [h("p", {}, `and ${those.length - SHOWN} more`)] : []),
  ];
}

/** @param {Problem} one */
function problem(one) {
  return h(
    "li",
    { class: one.registered ? "registered" : "" },
    h("b", {}, one.id ?? (one.feature === null ? "The file" : `Feature ${one.feature + 1}`)),
    one.where ? h("code", {}, one.where) : null,
    h("span", {}, one.message),
  );
}
