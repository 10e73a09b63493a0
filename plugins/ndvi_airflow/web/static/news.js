/** Loads what the page shows, and looks for news. */

import * as api from "./api.js";
import { byId } from "./dom.js";
import { addNote } from "./notes.js";
import { loadGrid } from "./grid.js";
import { refreshLatest } from "./latest.js";
import { change, state } from "./state.js";
import { counted, dayNumber, dayOf, messageOf } from "./words.js";

const POLL_MILLISECONDS = 6000;
/** Looking for news takes at most this share of the time, however many fields there are. */
const POLL_SHARE = 1 / 20;
/** As many cells are loaded at first as come within a moment; earlier days are a date away. */
const MOST_CELLS = 1_200_000;
const FEWEST_DAYS = 31;
/** Beyond this many fields boundaries are simplified by half a Sentinel-2 pixel. */
const SIMPLIFIED_FROM = 1000;
const TOLERANCE_METRES = 5;

export class News {
  /**
   * @param {() => void} onFirst Called when the first fields are in the state.
   * @param {() => Promise<void>} onSame Called when all days are as they were; what is computed of them may not be.
   */
  constructor(onFirst, onSame) {
    this.onFirst = onFirst;
    this.onSame = onSame;
    /** A digest of what is shown, to see whether anything has changed. */
    this.shown = "";
    this.isFirst = true;
  }

  /** Load everything again; show it if it has changed. */
  async refresh() {
    const [session, indices, extent] = await Promise.all([
      api.session(),
      api.indices(),
      state.extent ?? api.extent().catch(() => null),
    ]);
    change({ session, extent });
    if (JSON.stringify(indices) !== JSON.stringify(state.indices)) change({ indices });
    const latest = refreshLatest();
    latest.catch(() => {}); // it is reported when it is awaited
    const { fields, grid } = await load(session.start_date, session.last_day);
    const properties = JSON.stringify(fields.map((field) => field.properties));
    const found = [properties, grid.start, grid.end, digest(grid.codes), digest(grid.values)].join(" ");
    if (found === this.shown) {
      await Promise.all([this.onSame(), latest]);
      byId("problem").hidden = true;
      return;
    }
    this.shown = found;
    const known = new Set(state.fields.map((field) => field.properties.field_id));
    const added = grid.ids.filter((id) => !known.has(id));
    change({ fields, grid });
    if (this.isFirst) this.onFirst();
    else if (added.length > 0) noteAdded(added);
    this.isFirst = false;
    await latest;
    byId("problem").hidden = true;
  }

  /** The same; say on the page if it fails. */
  async tryToRefresh() {
    try {
      await this.refresh();
    } catch (error) {
      byId("problem").textContent = messageOf(error);
      byId("problem").hidden = false;
    }
  }

  /** Look for news as long as the page is there, while it is seen. */
  async keepLooking() {
    for (;;) {
      const began = performance.now();
      if (document.visibilityState === "visible") await this.tryToRefresh();
      const pause = Math.max(POLL_MILLISECONDS, (performance.now() - began) / POLL_SHARE);
      await new Promise((wake) => setTimeout(wake, pause));
    }
  }
}

/** @param {string} first @param {string} last Days that there are. */
async function load(first, last) {
  const count = await api.countFields();
  const fitting = Math.max(Math.floor(MOST_CELLS / Math.max(count, 1)), FEWEST_DAYS);
  const start = state.from ?? later(first, dayOf(dayNumber(last) - fitting + 1));
  const [fields, gridOf] = await Promise.all([
    api.fields(count > SIMPLIFIED_FROM ? TOLERANCE_METRES : 0),
    loadGrid(start < last ? start : last, last),
  ]);
  return { fields, grid: gridOf(fields.map((field) => field.properties.field_id)) };
}

/** @param {string} one @param {string} other */
const later = (one, other) => (one > other ? one : other);

/** A number that differs where the contents do (FNV-1a). @param {Uint8Array | Int16Array} numbers */
function digest(numbers) {
  let hash = 0x811c9dc5;
  for (let at = 0; at < numbers.length; at++) hash = Math.imul(hash ^ numbers[at], 0x01000193);
  return hash;
}

/** @param {string[]} ids */
function noteAdded(ids) {
  const names = ids.slice(0, 3).join(", ") + (ids.length > 3 ? ` and ${ids.length - 3} more` : "");
  addNote(counted(ids.length, "new field")).say(`${names}: registered`, "good");
}
