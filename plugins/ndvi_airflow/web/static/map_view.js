/** The map of the state: each field in the colour of its value on the date, with its picture and a tooltip. */

/** @import { FieldStatus } from "./answers.d.ts" */
/** @import { Overlay } from "./overlays.js" */
/** @import { Grid } from "./grid.js" */

import * as api from "./api.js";
import { classOf } from "./colours.js";
import { announce, byId, hideTooltip, showTooltip } from "./dom.js";
import { HATCHED, LEFT_OUT } from "./field_layer.js";
import { FieldMap } from "./map.js";
import { PassGround } from "./pass_ground.js";
import { isListed } from "./standings.js";
import { FILTERED_BY, pick, state, watch } from "./state.js";
import { crop, longDay, ndvi, seasonOn, why, whyNot } from "./words.js";

/** Fields at one place that are named. */
const OTHERS = 3;
/** Where the page is one column, and the map a part of it. */
const narrow = matchMedia("(max-width: 760px)");
/** Under which the browser keeps that a person wants no pictures below the fields. */
const PLAIN = "ndvi-plain-ground";

/** Make the map and let it follow the state. */
export function startMap() {
  const corners = new Corners();
  const ground = new PassGround(() => {
    renderGround(ground);
    map.draw();
  });
  const shows = byId("ground", HTMLInputElement);
  shows.checked = localStorage.getItem(PLAIN) === null;
  const map = new FieldMap(byId("map", HTMLCanvasElement), {
    onPick: (index, more) => pick(idOf(index), more),
    onPoint: (index, x, y) => point(index, x, y, map.under),
    onDraw: drawScaleBar,
    overlayOf: (index) => (map.fields.classes[index] === LEFT_OUT ? null : corners.overlayOf(index, () => map.draw())),
    ground: () => (state.grid && shows.checked ? ground.overlaysOn(state.grid, state.date) : []),
  });
  shows.addEventListener("change", () => {
    if (shows.checked) localStorage.removeItem(PLAIN);
    else localStorage.setItem(PLAIN, "");
    map.draw();
  });
  // The session is another one at each look for news: then what could not be loaded is asked for again.
  watch(["grid", "session"], () => state.grid && ground.follow(state.grid));
  watch(["date"], () => renderGround(ground));
  watch(["outlines", "grid"], () => {
    const { outlines, grid } = state;
    if (!outlines || !grid) return;
    corners.forget();
    if (outlines !== map.fields.outlines) map.setFields(outlines, grid.ids);
    map.setColours(classesShown());
    map.setSelected(selected());
  });
  watch(["date", "colour", ...FILTERED_BY], () => map.setColours(classesShown()));
  watch(["field"], () => map.setSelected(selected()));
  watch(["extent"], () => map.setExtent(state.extent));
  watch(["session"], () => map.setTiles(state.session?.tiles_url ?? null));
  byId("map").addEventListener("blur", hideTooltip);
  byId("zoom-in").addEventListener("click", () => map.view.zoom(1.6));
  byId("zoom-out").addEventListener("click", () => map.view.zoom(1 / 1.6));
  byId("zoom-all").addEventListener("click", () => map.show());
  return map;
}

/** Show what the address asks for: the farm, or on a telephone the field that is open. @param {FieldMap} map */
export function showFirst(map) {
  const open = selected();
  if (narrow.matches && open.length > 0) map.showAround(open);
  else map.show();
}

/** Say of which day the ground is. @param {PassGround} ground */
function renderGround(ground) {
  const days = state.grid ? ground.shownOn(state.grid, state.date) : [];
  const [day] = days.slice(-1);
  byId("ground-choice").hidden = day === undefined;
  byId("ground-day").textContent = day === undefined ? "" : `Satellite, ${longDay(day)}`;
}

/** @param {number} index */
const idOf = (index) => state.grid?.ids[index] ?? "";

const selected = () => state.field.map((id) => state.grid?.rows.get(id)).filter((row) => row !== undefined);

/** The column whose value colours a field, or -1. @param {Grid} grid @param {number} index */
function columnShown(grid, index) {
  const column = grid.column(state.date);
  if (state.colour === "latest") return grid.latest(index, column);
  return grid.value(index, column) === null ? -1 : column;
}

/** The class of each field's colour. @returns {(index: number) => number} */
function classesShown() {
  const { grid, fields, standings } = state;
  const isIn = isListed(standings, state);
  return (index) => {
    if (!grid) return HATCHED;
    if (index < fields.length && !isIn(fields[index])) return LEFT_OUT;
    const column = columnShown(grid, index);
    const value = column === -1 ? null : grid.value(index, column);
    return value === null ? HATCHED : classOf(value);
  };
}

/** @param {number} index @param {number} x @param {number} y @param {number[]} under All fields there. */
function point(index, x, y, under) {
  const { grid } = state;
  if (index === -1 || !grid) return hideTooltip();
  const status = state.fields[index]?.properties;
  const season = status && (seasonOn(status, dayShown(grid, index)) ?? status);
  const lines = [idOf(index), ...(season ? [crop(season.plant_type)] : []), ...described(grid, index, status)];
  lines.push(...alsoThere(index, under));
  showTooltip(x, y, lines);
  return announce(lines.join(", "));
}

/** Which other fields lie at the same place, and how they are reached. @param {number} index @param {number[]} under */
function alsoThere(index, under) {
  const others = under.filter((other) => other !== index).map(idOf);
  if (others.length === 0) return [];
  const more = others.length > OTHERS ? ` and ${others.length - OTHERS} more` : "";
  return [`Also here: ${others.slice(0, OTHERS).join(", ")}${more}. A further click opens the next one.`];
}

/** The day that the map shows a field on. @param {Grid} grid @param {number} index */
function dayShown(grid, index) {
  const shown = columnShown(grid, index);
  return grid.day(shown === -1 ? grid.column(state.date) : shown);
}

/**
 * What the map says of a field on its date.
 *
 * @param {Grid} grid @param {number} index @param {FieldStatus | undefined} status Unless it is loaded yet.
 */
function described(grid, index, status) {
  const shown = columnShown(grid, index);
  const column = grid.column(state.date);
  const lines = shown === -1 ? [] : [`NDVI ${ndvi(grid.value(index, shown))} on ${longDay(grid.day(shown))}`];
  if (shown === column) return lines;
  const isLast = column === grid.length - 1;
  const planted = { plant_date: status?.plant_date ?? "" };
  const reason = status ? whyNot(isLast ? status : planted, grid.status(index, column)) : why(grid.status(index, column));
  return [...lines, `${longDay(grid.day(column))}: ${reason}`];
}

/** Where the pictures of fields and days lie, once the API has said so. */
class Corners {
  constructor() {
    /** By field and day; null is asked for. @type {Map<string, Overlay["corners"] | null>} */
    this.known = new Map();
  }

  forget() {
    this.known.clear();
  }

  /**
   * The picture to lay on a field, once it is known where it lies.
   *
   * @param {number} index @param {() => void} onKnown @returns {Overlay | null}
   */
  overlayOf(index, onKnown) {
    const { grid } = state;
    const column = grid ? columnShown(grid, index) : -1;
    if (!grid || column === -1) return null;
    const id = idOf(index);
    const day = grid.day(column);
    const corners = this.#corners(id, day, onKnown);
    return corners && { url: api.overlayUrl(id, day, "png").href, corners };
  }

  /** @param {string} id @param {string} day @param {() => void} onKnown */
  #corners(id, day, onKnown) {
    const key = `${id} ${day}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    this.known.set(key, null);
    api.overlay(id, day).then(
      (found) => {
        this.known.set(key, found);
        onKnown();
      },
      () => {}, // the field keeps its plain colour
    );
    return null;
  }
}

/** @param {number} metres A pixel, in the middle of the map. */
function drawScaleBar(metres) {
  const most = metres * 110;
  const step = 10 ** Math.floor(Math.log10(most));
  const length = [5, 2, 1].map((times) => times * step).find((one) => one <= most) ?? step;
  const bar = byId("scale-bar");
  if (bar.firstElementChild) bar.firstElementChild.textContent = length >= 1000 ? `${length / 1000} km` : `${length} m`;
  bar.style.width = `${length / metres}px`;
}
