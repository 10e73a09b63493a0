/** The fields page: brings its parts together, loads what they show and looks for news. */

import * as api from "./api.js";
import { classOf, followTheme } from "./colours.js";
import { startDays } from "./days.js";
import { byId, h, hideTooltip, oncePerFrame, showTooltip, announce } from "./dom.js";
import { startField, whyNot } from "./field.js";
import { startList } from "./list.js";
import { FieldMap, HATCHED } from "./map.js";
import { addNote, startRecompute } from "./recompute.js";
import { loadSeason } from "./season.js";
import { change, pick, state, watch } from "./state.js";
import { startTimeline } from "./timeline.js";
import { startUpload } from "./upload.js";
import { STATUSES, counted, crop, dayNumber, dayOf, longDay, ndvi, shortDay } from "./words.js";

const POLL_MILLISECONDS = 6000;
/** Looking for news takes at most this share of the time, however many fields there are. */
const POLL_SHARE = 1 / 20;
/** As many cells are loaded at first as come within a moment; earlier days are a date away. */
const MOST_CELLS = 1_200_000;
const FEWEST_DAYS = 31;
/** Beyond this many fields boundaries are simplified by half a Sentinel-2 pixel. */
const SIMPLIFIED_FROM = 1000;
const TOLERANCE_METRES = 5;

const map = new FieldMap(byId("map"), { pick: (index, more) => pick(idOf(index), more), point, overlay });
const corners = new Map();
let before = "";
let isShown = false;

const idOf = (index) => state.fields[index].properties.field_id;

/** The column whose value colours a field on the map, or -1. */
function shownColumn(index) {
  const { season, colour } = state;
  const column = season.column(state.date);
  if (colour === "latest") return season.latest(index, column);
  return season.value(index, column) === null ? -1 : column;
}

function colourMap() {
  if (!state.season) return;
  map.setColours((index) => {
    const column = shownColumn(index);
    return column === -1 ? HATCHED : classOf(state.season.value(index, column));
  });
}

function point(index, x, y) {
  if (index === -1) return hideTooltip();
  const { properties } = state.fields[index];
  const lines = [crop(properties.plant_type), ...described(index)];
  showTooltip(x, y, [properties.field_id, ...lines]);
  return announce([properties.field_id, ...lines].join(", "));
}

/** What the map says of a field on its date. */
function described(index) {
  const { season } = state;
  const shown = shownColumn(index);
  const column = season.column(state.date);
  const lines = shown === -1 ? [] : [`NDVI ${ndvi(season.value(index, shown))} on ${longDay(season.day(shown))}`];
  if (shown === column) return lines;
  const isLast = column === season.length - 1;
  const { properties } = state.fields[index];
  const status = season.status(index, column);
  const reason = isLast ? whyNot(properties, status) : whyNot({ plant_date: properties.plant_date }, status);
  return [...lines, `${shortDay(season.day(column))}: ${reason}`];
}

/** The picture to lay on a field, once it is known where it lies. */
function overlay(index) {
  if (!state.season) return null;
  const column = shownColumn(index);
  if (column === -1) return null;
  const id = idOf(index);
  const day = state.season.day(column);
  const key = `${id} ${day}`;
  if (!corners.has(key)) {
    corners.set(key, null);
    api.overlay(id, day).then(
      (found) => {
        corners.set(key, found);
        map.draw();
      },
      () => {}, // the field keeps its plain colour
    );
  }
  const known = corners.get(key);
  return known && { url: api.overlayUrl(id, day, "png").href, corners: known };
}

async function load() {
  const { session, from } = state;
  const count = await api.countFields();
  const { start_date: first, last_day: last } = session;
  const fitting = Math.max(Math.floor(MOST_CELLS / Math.max(count, 1)), FEWEST_DAYS);
  const start = from ?? later(first, dayOf(dayNumber(last) - fitting + 1));
  const [fields, seasonOf] = await Promise.all([
    api.fields(count > SIMPLIFIED_FROM ? TOLERANCE_METRES : 0),
    loadSeason(start < last ? start : last, last),
  ]);
  return { fields, season: seasonOf(fields.map(({ properties }) => properties.field_id)) };
}

const later = (one, other) => (one > other ? one : other);

/** Load everything again; show it if it has changed. */
async function refresh() {
  const [session, extent] = await Promise.all([api.session(), state.extent ?? api.extent().catch(() => null)]);
  change({ session, extent });
  const { fields, season } = await load();
  const now = JSON.stringify(fields.map(({ properties }) => properties)) + season.start + season.end + digest(season.codes) + digest(season.values);
  byId("problem").hidden = true;
  if (now === before) return;
  before = now;
  const known = new Set(state.fields.map(({ properties }) => properties.field_id));
  const added = season.ids.filter((id) => !known.has(id));
  corners.clear();
  change({ fields, season });
  if (isShown && added.length > 0) tellOf(added);
  if (!isShown) requestAnimationFrame(showFirst);
  isShown = true;
}

function showFirst() {
  map.show();
  performance.mark("fields-shown");
}

/** A number that differs where the contents do (FNV-1a). */
function digest(numbers) {
  let hash = 0x811c9dc5;
  for (let at = 0; at < numbers.length; at++) hash = Math.imul(hash ^ numbers[at], 0x01000193);
  return ` ${hash}`;
}

function tellOf(added) {
  const names = added.slice(0, 3).join(", ") + (added.length > 3 ? ` and ${added.length - 3} more` : "");
  addNote(counted(added.length, "new field")).say(`${names}: registered`, "good");
}

async function keepLooking() {
  for (;;) {
    const began = performance.now();
    if (document.visibilityState === "visible") {
      await refresh().catch((error) => showProblem(error.message));
    }
    const pause = Math.max(POLL_MILLISECONDS, (performance.now() - began) / POLL_SHARE);
    await new Promise((wake) => setTimeout(wake, pause));
  }
}

function showProblem(message) {
  byId("problem").textContent = message;
  byId("problem").hidden = false;
}

// What is shown

function renderFields() {
  map.setFields(state.fields);
  colourMap();
  select();
  byId("map-none").hidden = state.fields.length > 0;
  byId("field-ids").replaceChildren(...state.season.ids.map((id) => h("option", { value: id })));
}

function renderSummary() {
  const { season, fields } = state;
  if (!season) return;
  const counts = season.counts();
  const count = (status) => counts[STATUSES.indexOf(status)];
  const troubles = ["missing", "failed"].filter((status) => count(status) > 0);
  byId("summary").textContent = [
    counted(fields.length, "field"),
    `recorded to ${longDay(season.end)}`,
    ...troubles.map((status) => `${counted(count(status), "cell")} ${status}`),
  ].join(" · ");
}

function renderView() {
  for (const view of ["map", "list", "days"]) byId(`${view}-view`).hidden = state.view !== view;
  for (const button of document.querySelectorAll("[data-view]")) {
    if (button.dataset.view === state.view) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  byId("timeline").hidden = state.view !== "map";
  byId("colour").value = state.colour;
}

function select() {
  const rows = state.field.map((id) => state.season?.rows.get(id)).filter((row) => row !== undefined);
  map.setSelected(rows);
}

function renderSession() {
  const { session } = state;
  byId("open-upload").hidden = !session?.may_upload;
  map.tilesUrl = session?.tiles_url ?? null;
  byId("attribution").textContent = session?.tiles_url ? session.tiles_attribution : "";
  map.draw();
}

function drawScaleBar({ detail: { metres } }) {
  const most = metres * 110;
  const step = 10 ** Math.floor(Math.log10(most));
  const length = [5, 2, 1].map((times) => times * step).find((one) => one <= most) ?? step;
  byId("scale-bar").firstElementChild.textContent = length >= 1000 ? `${length / 1000} km` : `${length} m`;
  byId("scale-bar").style.width = `${length / metres}px`;
}

function listen() {
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => change({ view: button.dataset.view }));
  }
  byId("zoom-in").addEventListener("click", () => map.zoom(1.6));
  byId("zoom-out").addEventListener("click", () => map.zoom(1 / 1.6));
  byId("zoom-all").addEventListener("click", () => map.show());
  byId("colour").addEventListener("change", () => change({ colour: byId("colour").value }));
  byId("days-from").addEventListener("change", () => {
    change({ from: byId("days-from").value || null });
    refresh().catch((error) => showProblem(error.message));
  });
  const find = byId("find");
  const go = () => {
    const row = state.season?.rows.get(find.value.trim());
    if (row === undefined) return;
    change({ field: [find.value.trim()] });
    map.showFields([row]);
  };
  find.addEventListener("change", go);
  find.addEventListener("input", (event) => !(event instanceof InputEvent) && go());
  document.addEventListener("map-drawn", drawScaleBar);
  map.canvas.addEventListener("blur", hideTooltip);
}

function start() {
  const drawTimeline = startTimeline();
  const drawDays = startDays();
  startField();
  startList();
  startUpload(map);
  startRecompute(refresh);
  watch(["fields", "season"], renderFields);
  watch(["fields", "season"], renderSummary);
  watch(["season"], () => (byId("days-from").value = state.season.start));
  watch(["date", "colour"], colourMap);
  watch(["field"], select);
  watch(["view", "colour"], renderView);
  watch(["session"], renderSession);
  watch(["extent"], () => map.setExtent(state.extent));
  listen();
  renderView();
  followTheme(oncePerFrame(() => [map.draw(), drawTimeline(), drawDays()]));
  keepLooking();
}

start();
