/** The parts of a field's panel that are about its season: which one, what its curve says, and what is unusual. */

/** @import { SeasonStatus } from "./answers.d.ts" */
/** @import { Known } from "./season.js" */

import { h } from "./dom.js";
import { remarks } from "./reviews.js";
import { eventWords, historyWords, phenologyWords } from "./season_words.js";
import { change, linkTo } from "./state.js";
import { crop, longDay } from "./words.js";

/**
 * Which season of a field is shown, the newest first; nothing if there is only one.
 *
 * @param {SeasonStatus[]} seasons @param {SeasonStatus} shown
 */
export function seasonPicker(seasons, shown) {
  if (seasons.length < 2) return [];
  const options = seasons.toReversed().map((one) =>
    h("option", { value: one.season, selected: one.season === shown.season }, nameOfSeason(one)),
  );
  const box = h("select", { id: "season", "data-keep": "season" }, ...options);
  box.addEventListener("change", () => change({ season: box.value }));
  return [h("label", { class: "season" }, "Season", box)];
}

/** The crop and the days; and the name, where it is not that of a year. @param {SeasonStatus} season */
function nameOfSeason({ season, plant_type: type, plant_date: start, end_date: end }) {
  const days = end ? `${longDay(start)} to ${longDay(end)}` : `since ${longDay(start)}`;
  return `${crop(type)}, ${days}${start.startsWith(season) ? "" : ` (${season})`}`;
}

/**
 * What the curve says, or why it does not.
 *
 * @param {Known} known @param {string} type The crop.
 */
export function phenology({ figures, problem }, type) {
  if (problem) return h("p", { class: "problem", id: "phenology", role: "alert" }, `The season's numbers are missing. ${problem}`);
  if (!figures) {
    const words = "This season's curve is not computed yet: ndvi_season does it after a day is published.";
    return h("p", { class: "quiet", id: "phenology" }, words);
  }
  /** @param {string} name @param {string | null} words @param {string} [kind] */
  const pair = (name, words, kind) => words && h("div", { class: kind }, h("dt", {}, name), h("dd", {}, words));
  return h(
    "dl",
    { class: "facts", id: "phenology" },
    ...phenologyWords(figures).map(([name, words]) => pair(name, words)),
    pair("Among earlier seasons", historyWords(figures, type), "wide"),
  );
}

/**
 * The events of a season, numbered as their flags are; nothing where none can have been found.
 *
 * @param {Known} known @param {boolean} isNdvi Whether that is of NDVI, as events are.
 */
export function eventList({ events, days, figures }, isNdvi) {
  if (events.length === 0 && !figures) return [];
  const items = events.map((event) => {
    const day = isNdvi ? days.find(({ date }) => date === event.last_day) : undefined;
    const to = { date: event.last_day };
    /** @param {MouseEvent} click */
    const go = (click) => {
      click.preventDefault();
      change(to);
    };
    return h(
      "li",
      { class: event.status },
      h("a", { href: linkTo(to), "data-keep": `event-${event.event_id}`, onclick: go }, eventWords(event, day)),
      event.status === "open" ? null : " (over)",
      remarks(event),
    );
  });
  const found = items.length > 0 ? h("ol", { class: "events" }, ...items) : h("p", { class: "quiet" }, "None in this season.");
  return [h("section", { "aria-labelledby": "events-title" }, h("h3", { id: "events-title" }, "Events"), found)];
}
