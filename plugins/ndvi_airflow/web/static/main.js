/** The fields page: brings its parts together. */

/** @import { CellStatus } from "./answers.d.ts" */

import { followTheme } from "./colours.js";
import { DayGrid } from "./days.js";
import { byId, h, oncePerFrame } from "./dom.js";
import { FieldPanel } from "./field.js";
import { startList } from "./list.js";
import { showFirst, startMap } from "./map_view.js";
import { News } from "./news.js";
import { recomputeCells } from "./recompute.js";
import { VIEWS, change, state, watch } from "./state.js";
import { startTimeline } from "./timeline.js";
import { Upload } from "./upload.js";
import { STATUSES, counted, longDay } from "./words.js";

/** @type {CellStatus[]} */
const TROUBLES = ["missing", "failed"];

const map = startMap();
const panel = new FieldPanel();
const news = new News(
  () =>
    requestAnimationFrame(() => {
      showFirst(map);
      performance.mark("fields-shown");
    }),
  () => panel.look(),
);

function renderFields() {
  const { grid, fields } = state;
  byId("map-none").hidden = fields.length > 0;
  if (!grid) return;
  byId("field-ids").replaceChildren(...grid.ids.map((id) => h("option", { value: id })));
  byId("days-from", HTMLInputElement).value = grid.start;
  const counts = grid.counts();
  /** @param {CellStatus} status */
  const count = (status) => counts[STATUSES.indexOf(status)];
  byId("summary").textContent = [
    counted(fields.length, "field"),
    `recorded to ${longDay(grid.end)}`,
    ...TROUBLES.filter(count).map((status) => `${counted(count(status), "cell")} ${status}`),
  ].join(" · ");
}

/** @type {NodeListOf<HTMLElement>} */
const tabs = document.querySelectorAll("[data-view]");

function renderView() {
  for (const view of VIEWS) byId(`${view}-view`).hidden = state.view !== view;
  for (const tab of tabs) {
    if (tab.dataset.view === state.view) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  byId("timeline").hidden = state.view !== "map";
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
  const find = byId("find", HTMLInputElement);
  const go = () => {
    const id = find.value.trim();
    const row = state.grid?.rows.get(id);
    if (row === undefined) return;
    change({ field: [id] });
    map.showFields([row]);
  };
  find.addEventListener("change", go);
  find.addEventListener("input", (event) => !(event instanceof InputEvent) && go());
}

const drawTimeline = startTimeline();
const days = new DayGrid((cells, count) => recomputeCells(cells, count, () => news.refresh()));
startList();
new Upload(map);
watch(["fields", "grid"], renderFields);
watch(["view", "colour"], renderView);
watch(["session"], renderSession);
listen();
renderView();
followTheme(oncePerFrame(() => [map.draw(), drawTimeline(), days.draw()]));
news.keepLooking();
