/** The fields page: brings its parts together. */

/** @import { CellStatus } from "./answers.d.ts" */

import { followTheme } from "./colours.js";
import { startChanges } from "./changes.js";
import { DayGrid } from "./days.js";
import { byId, oncePerFrame } from "./dom.js";
import { FieldPanel } from "./field.js";
import { startFilters } from "./filters.js";
import { startList } from "./list.js";
import { showFirst, startMap } from "./map_view.js";
import { News } from "./news.js";
import { startNotices } from "./notices.js";
import { recomputeCells } from "./recompute.js";
import { startSearch } from "./search.js";
import { VIEWS, change, state, watch } from "./state.js";
import { startTimeline } from "./timeline.js";
import { Upload } from "./upload.js";
import { STATUSES, counted, longDay } from "./words.js";

/** @type {CellStatus[]} */
const TROUBLES = ["missing", "failed"];

const map = startMap();
const panel = new FieldPanel((id) => upload.edit(id));
const news = new News(
  () =>
    requestAnimationFrame(() => {
      showFirst(map);
      performance.mark("map-shown");
    }),
  (isNew) => panel.look(isNew),
);

function renderFields() {
  const { grid, fields } = state;
  if (!grid) return;
  byId("no-fields").hidden = grid.ids.length > 0;
  byId("no-fields-how").textContent = state.session?.may_upload
    ? "Drop a GeoJSON file with their boundaries, crops and plant dates anywhere on this page, or press Upload. It is checked first; nothing is registered before you say so."
    : "Somebody with the right to trigger field_registration can upload a GeoJSON file here.";
  byId("days-from", HTMLInputElement).value = grid.start;
  const counts = grid.counts();
  /** @param {CellStatus} status */
  const count = (status) => counts[STATUSES.indexOf(status)];
  // Of many fields the earlier days come with the fields: until then the counts are not those of all.
  const troubles = TROUBLES.filter((status) => count(status) && fields.length >= grid.ids.length);
  byId("summary").textContent = [
    counted(grid.ids.length, "field"),
    `recorded to ${longDay(grid.end)}`,
    ...troubles.map((status) => `${counted(count(status), "cell")} ${status}`),
  ].join(" · ");
}

/** Say what is not there yet: the map needs no more than the grid, and the fields may come later. */
function renderWaiting() {
  const { grid, fields, view, isLost } = state;
  const waiting = byId("waiting");
  waiting.hidden = grid !== null && (view === "map" || fields.length >= grid.ids.length);
  const words = isLost ? "The fields could not be loaded. This is tried again by itself." : "Loading the fields…";
  if (waiting.textContent !== words) waiting.textContent = words;
}

/** @type {NodeListOf<HTMLElement>} */
const tabs = document.querySelectorAll("[data-view]");

function renderView() {
  for (const view of VIEWS) byId(`${view}-view`).hidden = state.view !== view;
  for (const tab of tabs) {
    if (tab.dataset.view === state.view) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  byId("timeline").hidden = state.view !== "map" || state.grid?.ids.length === 0;
  byId("colour", HTMLSelectElement).value = state.colour;
}

function renderSession() {
  const { session } = state;
  byId("open-upload").hidden = !session?.may_upload;
  byId("attribution").textContent = session?.tiles_url ? session.tiles_attribution : "";
}

function listen() {
  for (const tab of tabs) {
    tab.addEventListener("click", () => change({ view: VIEWS.find((view) => view === tab.dataset.view) }));
  }
  const colour = byId("colour", HTMLSelectElement);
  colour.addEventListener("change", () => change({ colour: colour.value === "day" ? "day" : "latest" }));
  const from = byId("days-from", HTMLInputElement);
  from.addEventListener("change", () => {
    change({ from: from.value || null });
    news.tryToRefresh();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (!byId("upload").hidden) upload.close();
    else change({ field: [] });
  });
}

const drawTimeline = startTimeline();
const days = new DayGrid((cells, count) => recomputeCells(cells, count, () => news.refresh()));
startChanges();
startFilters();
startList();
startNotices();
startSearch(map);
const upload = new Upload(map);
watch(["grid", "fields"], renderFields);
watch(["fields"], () => state.fields.length > 0 && performance.mark("all-shown"));
watch(["grid", "fields", "view", "isLost"], renderWaiting);
watch(["grid", "view", "colour"], renderView);
watch(["session"], renderSession);
listen();
renderView();
renderWaiting();
followTheme(oncePerFrame(() => [map.draw(), drawTimeline(), days.draw()]));
news.keepLooking();
