/** Loads what is new of all fields, and what is unusual. */

import * as api from "./api.js";
import { sayProblem } from "./problems.js";
import { Standings } from "./standings.js";
import { change, state } from "./state.js";
import { dayNumber, dayOf, messageOf } from "./words.js";

/** How far back events go that are over. */
const RECENT_DAYS = 60;

/** What the revisions were before that was asked for which is shown. */
let known = "";
/** How often was asked: only the last answer counts. */
let asks = 0;
let isFollowing = false;

/** Load both again if the revisions are others than then, unless that is under way. @param {string} revisions */
export async function followLatest(revisions) {
  if (isFollowing || (revisions === known && state.standings && state.unusual)) return;
  isFollowing = true;
  if (await refreshLatest()) known = revisions;
  isFollowing = false;
}

/** Load both again, and show them, or why that failed. @returns Whether they are shown. */
export async function refreshLatest() {
  const ask = ++asks;
  try {
    const [columns, unusual] = await Promise.all([api.standings(), api.allEvents(eventsWanted())]);
    if (ask !== asks) return false;
    change({ standings: new Standings(columns), unusual, isLatestLost: false });
    sayProblem("latest", "");
    return true;
  } catch (error) {
    known = "";
    if (ask === asks) {
      change({ isLatestLost: true });
      sayProblem("latest", `What is new could not be loaded: ${messageOf(error)}`);
    }
    return false;
  }
}

/** Which events the API is asked for. */
function eventsWanted() {
  if (state.events === "dismissed") return { dismissed: /** @type {const} */ ("true") };
  const dismissed = /** @type {const} */ ("false");
  if (state.events === "open") return { status: /** @type {const} */ ("open"), dismissed };
  const last = state.session?.last_day ?? dayOf(Date.now() / 86_400_000);
  return { since: dayOf(dayNumber(last) - RECENT_DAYS), dismissed };
}
