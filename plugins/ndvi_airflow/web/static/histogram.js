/** How many pixels have which values. */

/** @import { Histogram, PixelStatistics } from "./answers.d.ts" */
/** @import { Scale } from "./raster_scale.js" */

import { svg } from "./dom.js";
import { colourOf } from "./raster_scale.js";

const WIDTH = 300;
const HEIGHT = 120;
const BOTTOM = 20;
const SIDE = 14;

/**
 * @param {Histogram} histogram @param {PixelStatistics} statistics @param {Scale} scale
 */
export function drawHistogram({ start, width, pixels }, { p2, p98, mean, pixels: count }, scale) {
  const end = start + width * pixels.length;
  /** @param {number} value */
  const x = (value) => SIDE + ((value - start) / (end - start)) * (WIDTH - 2 * SIDE);
  const most = Math.max(...pixels);
  const bars = pixels.map((area, number) => {
    const from = start + number * width;
    const height = (area / most) * (HEIGHT - BOTTOM - 12);
    return svg("rect", {
      x: x(from),
      y: HEIGHT - BOTTOM - height,
      width: Math.max(x(from + width) - x(from) - 0.5, 0.5),
      height,
      fill: `rgb(${colourOf(scale, from + width / 2)})`,
    });
  });
  const name = `Histogram of ${Math.round(count)} pixels: from ${scale.say(start)} to ${scale.say(end)}, mean ${scale.say(mean)}, 2nd percentile ${scale.say(p2)}, 98th percentile ${scale.say(p98)}`;
  /** @param {number} value @param {string} kind */
  const upright = (value, kind) => svg("line", { class: kind, x1: x(value), x2: x(value), y1: 8, y2: HEIGHT - BOTTOM });
  return svg(
    "svg",
    { class: "histogram", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": name },
    svg("g", { class: "bars" }, ...bars),
    svg("line", { class: "ground", x1: 0, x2: WIDTH, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }),
    upright(p2, "percentile"),
    upright(p98, "percentile"),
    upright(mean, "mean"),
    svg("text", { x: SIDE, y: HEIGHT - 5, "text-anchor": "start" }, scale.say(start)),
    svg("text", { x: WIDTH - SIDE, y: HEIGHT - 5, "text-anchor": "end" }, scale.say(end)),
  );
}
