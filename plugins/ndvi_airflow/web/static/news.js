/** Loads what the page shows, and looks for news. */

/** @import { Revisions } from "./answers.d.ts" */

import * as api from "./api.js";
import { byId } from "./dom.js";
import { followLatest } from "./latest.js";
import { load, periodOf } from "./loading.js";
import { addNote } from "./notes.js";
import { sayProblem } from "./problems.js";
import { change, state } from "./state.js";
import { counted, messageOf } from "./words.js";

const POLL_MILLISECONDS = 6000;
/** Looking for news takes at most this share of the time, however many fields there are. */
const POLL_SHARE = 1 / 20;

export class News {
  /**
   * @param {() => void} onFirst Called when all fields are on the map.
   * @param {(isNew: boolean) => void} onSame Called when all days are as they were; with whether seasons were computed or events reviewed.
   */
  constructor(onFirst, onSame) {
    this.onFirst = onFirst;
    this.onSame = onSame;
    /** What is shown but for seasons, to see whether anything has changed. */
    this.shown = "";
    /** Of the seasons that are shown. */
    this.seasons = "";
    /** @type {Revisions | null} */
    this.known = null;
    /** The time of day at which all that is shown was so; empty before. */
    this.asOf = "";
  }

  /** Load what has changed, and show it. */
  async refresh() {
    const [session, now, indices, extent] = await Promise.all([
      api.session(),
      api.revisions(),
      api.indices(),
      state.extent ?? api.extent().catch(() => null),
    ]);
    change({ session, extent });
    if (JSON.stringify(indices) !== JSON.stringify(state.indices)) change({ indices });
    // Neither this nor `onSame` is waited for: how long they take must not decide how soon a new pass is seen.
    followLatest(JSON.stringify(now));
    const { seasons, ...others } = now;
    const period = periodOf(session.start_date, now);
    const shown = JSON.stringify([period, others]);
    if (shown === this.shown) {
      this.onSame(seasons !== this.seasons);
      this.seasons = seasons;
      this.#found();
      return;
    }
    const before = state.grid?.ids;
    const isWhole = await load(period, this.known, now, this.onFirst);
    this.#found();
    if (!isWhole) return;
    this.shown = shown;
    this.seasons = seasons;
    this.known = now;
    if (before && state.grid) noteAdded(before, state.grid.ids);
  }

  #found() {
    this.asOf = new Date().toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    change({ isLost: false });
    sayProblem("page", "");
  }

  /** The same; say on the page if it fails. */
  async tryToRefresh() {
    try {
      await this.refresh();
    } catch (error) {
      if (!state.grid) byId("summary").textContent = "Not loaded";
      change({ isLost: true });
      sayProblem("page", messageOf(error) + (this.asOf && ` What is shown is as it was at ${this.asOf}.`));
    }
  }

  /** Look for news as long as the page is there, while it is seen. */
  async keepLooking() {
    for (;;) {
      const began = performance.now();
      const share = this.known ? POLL_SHARE : 1; // what comes after is less than all
      if (document.visibilityState === "visible") await this.tryToRefresh();
      const pause = Math.max(POLL_MILLISECONDS, (performance.now() - began) / share);
      await new Promise((wake) => setTimeout(wake, pause));
    }
  }
}

/** @param {string[]} before @param {string[]} now Ids of all fields. */
function noteAdded(before, now) {
  if (before === now) return;
  const known = new Set(before);
  const ids = now.filter((id) => !known.has(id));
  if (ids.length === 0) return;
  const names = ids.slice(0, 3).join(", ") + (ids.length > 3 ? ` and ${ids.length - 3} more` : "");
  addNote(counted(ids.length, "new field")).say(`${names}: registered`, "good");
}
