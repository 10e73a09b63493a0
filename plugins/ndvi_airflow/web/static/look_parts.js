/** The controls of what is looked at, and the legend of its colours. */

/** @import { Scale } from "./raster_scale.js" */
/** @import { Mode } from "./look.js" */

import { h } from "./dom.js";
import { colourAt } from "./raster_scale.js";
import { counted, longDay } from "./words.js";

/** @type {[Mode, string][]} */
const MODES = [
  ["day", "One day"],
  ["two", "Two days"],
  ["difference", "Difference"],
  ["zones", "Zones"],
];
const LEGEND_STEPS = 16;

/** @param {Mode} shown @param {boolean} hasTwo Whether there are two days. @param {(mode: Mode) => void} onChoice */
export function modeChoice(shown, hasTwo, onChoice) {
  const buttons = MODES.map(([mode, words]) => {
    const isOff = !hasTwo && (mode === "two" || mode === "difference");
    return h("button", { id: `mode-${mode}`, "aria-pressed": String(mode === shown), disabled: isOff, onclick: () => onChoice(mode) }, words);
  });
  return h("div", { class: "modes", role: "group", "aria-label": "What is shown" }, ...buttons);
}

/** @param {string} id @param {string} label @param {string[]} days @param {string} chosen @param {(day: string) => void} onChoice */
export const dayChoice = (id, label, days, chosen, onChoice) =>
  choice(id, label, days.toReversed().map((day) => [day, longDay(day)]), chosen, onChoice);

/** @param {string} id @param {string} label @param {[value: string, words: string][]} options @param {string} chosen @param {(value: string) => void} onChoice */
export function choice(id, label, options, chosen, onChoice) {
  const box = h("select", { id }, ...options.map(([value, words]) => h("option", { value, selected: value === chosen }, words)));
  box.addEventListener("change", () => onChoice(box.value));
  return h("label", {}, label, box);
}

/**
 * Which days zones are made of.
 *
 * @param {{day: string, share: string}[]} days @param {string[]} chosen @param {(days: string[] | null) => void} onChoice
 */
export function zoneDays(days, chosen, onChoice) {
  const ticks = days.toReversed().map(({ day, share }) => {
    const tick = h("input", { type: "checkbox", id: `zone-${day}`, value: day });
    tick.checked = chosen.includes(day);
    return h("label", {}, tick, `${longDay(day)}, ${share} valid`);
  });
  const box = h("fieldset", { class: "zone-days" }, h("legend", {}, "Days"), ...ticks);
  box.addEventListener("change", () => {
    const ticked = [...box.querySelectorAll("input")].filter(({ checked }) => checked).map(({ value }) => value);
    onChoice(ticked.length > 0 ? ticked.toSorted() : null);
  });
  const isOpen = document.querySelector("details.zone-choice[open]") !== null;
  const words = h("summary", { id: "zone-days" }, `Made of ${counted(chosen.length, "day")}`);
  return h("details", { class: "zone-choice", open: isOpen }, words, box);
}

/** What the colours stand for. @param {string} title @param {Scale} scale */
export function legend(title, { colours, low, high, note, say }) {
  const bar = h("div", { class: "look-scale", role: "img", "aria-label": `Colours of ${title}, from ${say(low)} to ${say(high)}` });
  bar.style.background = `linear-gradient(90deg, ${stops(colours).join()})`;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => h("span", {}, say(low + share * (high - low))));
  return h(
    "div",
    { class: "look-legend" },
    h("strong", {}, title),
    bar,
    h("div", { class: "look-ticks", "aria-hidden": "true" }, ...ticks),
    note ? h("p", { class: "quiet" }, note) : null,
    h("p", { class: "quiet" }, h("i", { class: "swatch hatched" }), " no value"),
  );
}

/** The colours of a scale, closer than its own. @param {string[]} colours */
export const stops = (colours) =>
  Array.from({ length: LEGEND_STEPS + 1 }, (_, step) => `rgb(${colourAt(colours, step / LEGEND_STEPS)})`);
