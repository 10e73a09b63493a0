/** The scale of the NDVI pictures, and the colours of the theme. */

/** @import { CellStatus } from "./answers.d.ts" */

import { penOf } from "./dom.js";
import { classNameOf } from "./words.js";

/** ColorBrewer's YlGn of nine classes over 0..1, linear between its anchors, as in ndvi_core/picture.py. */
const YLGN = ["#ffffe5", "#f7fcb9", "#d9f0a3", "#addd8e", "#78c679", "#41ab5d", "#238443", "#006837", "#004529"];
const ANCHORS = YLGN.map((anchor) => [1, 3, 5].map((at) => parseInt(anchor.slice(at, at + 2), 16)));

/** Fields are drawn colour by colour, so there are a few, closer than an eye tells apart. */
export const CLASSES = 64;
const COLOURS = Array.from({ length: CLASSES }, (_, index) => {
  const position = (index / (CLASSES - 1)) * (ANCHORS.length - 1);
  const below = Math.min(Math.floor(position), ANCHORS.length - 2);
  const channels = ANCHORS[below].map((low, channel) =>
    Math.round(low + (ANCHORS[below + 1][channel] - low) * (position - below)),
  );
  return `rgb(${channels.join(", ")})`;
});

/** The class of a value; those outside 0..1 have the nearer end's. @param {number} value */
export const classOf = (value) => Math.round(Math.min(Math.max(value, 0), 1) * (CLASSES - 1));
/** @param {number} index */
export const colourOfClass = (index) => COLOURS[index];

/** The colours of compared fields: Okabe and Ito's, which the colour-blind tell apart. */
export const SERIES = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5", "--series-6"];

/** Custom properties that were looked up since the theme changed last. @type {Map<string, string>} */
const known = new Map();

/** The value of a custom property of the style sheet, in the theme that is shown. @param {string} name */
export function themed(name) {
  let value = known.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    known.set(name, value);
  }
  return value;
}

/** @param {CellStatus} status */
export const colourOfStatus = (status) => themed(`--${classNameOf(status)}`);

const HATCH_PIXELS = 8;

/** What a field without a value is filled with. @param {CanvasRenderingContext2D} context */
export function hatching(context) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = HATCH_PIXELS;
  const pen = penOf(tile);
  pen.fillStyle = themed("--hatch-paper");
  pen.fillRect(0, 0, HATCH_PIXELS, HATCH_PIXELS);
  pen.strokeStyle = themed("--hatch-line");
  pen.lineWidth = 1.5;
  for (const shift of [-HATCH_PIXELS, 0, HATCH_PIXELS]) {
    pen.moveTo(shift - 1, HATCH_PIXELS + 1);
    pen.lineTo(shift + HATCH_PIXELS + 1, -1);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat") ?? themed("--hatch-paper");
}

/**
 * Follow Airflow's theme where the page is embedded in it or shares its choice, else the system's.
 *
 * @param {() => void} onChange
 */
export function followTheme(onChange) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const airflow = window.parent === window ? null : window.parent.document.documentElement;
  const apply = () => {
    const chosen = localStorage.getItem("theme");
    const dark = airflow
      ? airflow.classList.contains("dark")
      : chosen === "dark" || (chosen !== "light" && system.matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    known.clear();
    onChange();
  };
  if (airflow) new MutationObserver(apply).observe(airflow, { attributes: true, attributeFilter: ["class"] });
  system.addEventListener("change", apply);
  window.addEventListener("storage", (event) => event.key === "theme" && apply());
  apply();
}
