/** The pictures of a field's days, of which each leads to its pixels. */

/** @import { Index, Observation, SeasonStatus } from "./answers.d.ts" */
/** @import { Mode } from "./look.js" */

import * as api from "./api.js";
import { h } from "./dom.js";
import { lookAt } from "./look.js";
import { change } from "./state.js";
import { longDay, nameOf, ndvi, percent } from "./words.js";

/**
 * The pictures of a season's days, the newest first; nothing if there are none.
 *
 * @param {string} id @param {SeasonStatus} season @param {Observation[]} observations @param {Index} index That rasters are of.
 */
export function pictures(id, { season }, observations, index) {
  const shown = observations.filter((one) => one.ndvi_mean !== null);
  if (shown.length === 0) return [];
  const subject = {
    id,
    season,
    index,
    days: shown.map(({ date, valid_fraction: share }) => ({ day: date, share: percent(share ?? 0) })),
  };
  /** @param {Mode} mode @param {string} [day] */
  const open = (mode, day) => {
    if (day) change({ date: day });
    lookAt(subject, { mode, day });
  };
  /** @param {string} words @param {Mode} mode */
  const button = (words, mode) => h("button", { "data-keep": `look-${mode}`, onclick: () => open(mode) }, words);
  return [
    h(
      "section",
      { "aria-labelledby": "strip-title" },
      h("h3", { id: "strip-title" }, `Pictures of ${nameOf(index)}`),
      h("ul", { class: "strip" }, ...shown.toReversed().map((one) => h("li", {}, picture(id, one, (day) => open("day", day))))),
      h(
        "p",
        { class: "buttons" },
        shown.length > 1 ? button("Compare two days", "two") : null,
        button("Zones in the field", "zones"),
      ),
    ),
  ];
}

/** @param {string} id @param {Observation} one @param {(day: string) => void} onChoice */
function picture(id, one, onChoice) {
  const image = h("img", { src: api.overlayUrl(id, one.date, "png").href, alt: "", loading: "lazy" });
  image.addEventListener("error", () => image.replaceWith(h("span", { class: "quiet lost" }, "no picture")));
  return h(
    "button",
    { onclick: () => onChoice(one.date), "data-keep": `picture-${one.date}` },
    image,
    h("span", {}, longDay(one.date)),
    " ",
    h("span", { class: "quiet" }, ndvi(one.ndvi_mean)),
  );
}
