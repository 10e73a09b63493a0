/** Loads the fields and their days: of what is there already, only what has changed. */

/** @import { Revisions } from "./answers.d.ts" */
/** @import { Table } from "./arrow.js" */

import * as api from "./api.js";
import { Grid } from "./grid.js";
import { Outlines } from "./outlines.js";
import { change, state } from "./state.js";
import { fieldsOf } from "./statuses.js";
import { dayNumber, dayOf, messageOf } from "./words.js";

/** Of many fields, as many cells are loaded as come fast; earlier days are a date away. */
const MOST_CELLS = 1_200_000;
const FEWEST_DAYS = 31;
/** Those with which a picture of very many fields begins: most have a value on one of them. */
const FIRST_DAYS = 8;
/** The API gives no more in one answer. */
const CELLS_A_TIME = 5_000_000;
/** Of more fields the last days are shown first, with boxes for boundaries, and these are simplified. */
const MANY = 1000;
/** Half a Sentinel-2 pixel. */
const TOLERANCE_METRES = 5;

/** @typedef {{start: string, end: string}} Period Both days included. */

/** The days to load. @param {string} first The first that there is. @param {Revisions} now @returns {Period} */
export function periodOf(first, { count, last_day: end }) {
  const fitting = Math.max(Math.floor(MOST_CELLS / Math.max(count, 1)), FEWEST_DAYS);
  const start = state.from ?? later(first, before(end, fitting - 1));
  return { start: start < end ? start : end, end };
}

/**
 * Bring the state up to date.
 *
 * @param {Period} period The days that are shown.
 * @param {Revisions | null} known Of what is in the state.
 * @param {Revisions} now
 * @param {() => void} onPicture Called when all fields are on the map for the first time.
 * @returns {Promise<boolean>} Whether it is; else fields were changed meanwhile, and it has to be loaded again.
 */
export async function load(period, known, now, onPicture) {
  const { grid } = state;
  if (!grid || !known || known.fields !== now.fields) {
    return grid || now.count <= MANY ? loadAll(period, now, onPicture) : loadInSteps(period, now, onPicture);
  }
  const changed = daysOf(period).filter(
    (day) => day < grid.start || day > known.last_day || known.days[day] !== now.days[day],
  );
  const [newer, seasons] = await Promise.all([
    loadDays(period, grid.ids, changed, grid),
    api.seasonColumns(),
  ]);
  return show({ grid: newer }, seasons, now);
}

/** @param {Period} period @param {Revisions} now @param {() => void} onPicture */
async function loadAll(period, now, onPicture) {
  const isFirst = state.grid === null;
  const shapes = boundariesOf(now.count > MANY ? TOLERANCE_METRES : 0);
  const [bounds, boundaries, seasons] = await Promise.all([
    api.fieldColumns(),
    shapes.catch(() => null),
    api.seasonColumns(),
  ]);
  const grid = await loadDays(period, idsOf(bounds), daysOf(period), null);
  if (!show({ outlines: new Outlines(bounds, boundaries), grid }, seasons, now)) return false;
  if (isFirst) onPicture();
  await shapes; // without them all but the map is as it should be, and it has boxes: why is said
  return true;
}

/** @param {number} tolerance */
const boundariesOf = (tolerance) =>
  api.boundaryColumns(tolerance).catch((error) => {
    throw new Error(`The boundaries could not be loaded, and the map has boxes instead. ${messageOf(error)}`);
  });

/** Load what is seen first before the rest. @param {Period} period @param {Revisions} now @param {() => void} onPicture */
async function loadInSteps(period, now, onPicture) {
  const fitting = Math.min(Math.max(Math.floor(MOST_CELLS / now.count), FIRST_DAYS), FEWEST_DAYS);
  const last = { start: later(period.start, before(period.end, fitting - 1)), end: period.end };
  const [bounds, days] = await Promise.all([api.fieldColumns(), api.gridColumns(last.start, last.end)]);
  const ids = idsOf(bounds);
  const recent = new Grid(last.start, last.end, ids);
  recent.fill(last.start, days);
  change({ outlines: new Outlines(bounds), grid: recent });
  onPicture();
  const boundaries = boundariesOf(TOLERANCE_METRES).then((found) => {
    if (found.get("boundary")?.length === ids.length) change({ outlines: new Outlines(bounds, found) });
  });
  const earlier = daysOf(period).filter((day) => day < last.start);
  const shaped = boundaries.catch(() => {});
  const [grid, seasons] = await Promise.all([loadDays(period, ids, earlier, recent), api.seasonColumns(), shaped]);
  const isWhole = show({ grid }, seasons, now);
  await boundaries;
  return isWhole;
}

/**
 * The grid of a period.
 *
 * @param {Period} period @param {string[]} ids Of all fields.
 * @param {string[]} days Those of which something is not known. @param {Grid | null} known
 */
async function loadDays({ start, end }, ids, days, known) {
  const parts = inARow(days, Math.max(Math.floor(CELLS_A_TIME / Math.max(ids.length, 1)), 1));
  const tables = await Promise.all(parts.map((part) => api.gridColumns(part.start, part.end)));
  const grid = new Grid(start, end, ids);
  if (known) grid.takeOver(known);
  tables.forEach((table, index) => grid.fill(parts[index].start, table));
  return grid;
}

/** @param {{grid: Grid, outlines?: Outlines}} loaded @param {Table} seasons @param {Revisions} now */
function show(loaded, seasons, now) {
  const fields = fieldsOf(seasons, now.last_day);
  const count = fields.length;
  if (loaded.grid.ids.length !== count || (loaded.outlines && loaded.outlines.length !== count)) return false;
  change({ ...loaded, fields });
  return true;
}

/** @param {Table} bounds */
function idsOf(bounds) {
  const ids = bounds.get("field_id");
  return Array.from({ length: ids?.length ?? 0 }, (_, row) => ids?.text(row) ?? "");
}

/** @param {Period} period */
const daysOf = ({ start, end }) =>
  Array.from({ length: dayNumber(end) - dayNumber(start) + 1 }, (_, index) => before(start, -index));

/** Some days as periods without a gap, of at most so many days. @param {string[]} days @param {number} most */
function inARow(days, most) {
  /** @type {Period[]} */
  const parts = [];
  for (const day of days) {
    const last = parts.at(-1);
    if (last && before(day, 1) === last.end && dayNumber(day) - dayNumber(last.start) < most) last.end = day;
    else parts.push({ start: day, end: day });
  }
  return parts;
}

/** @param {string} day @param {number} days */
const before = (day, days) => dayOf(dayNumber(day) - days);

/** @param {string} one @param {string} other */
const later = (one, other) => (one > other ? one : other);
