/** Loads what is new of all fields, and what is unusual. */

import * as api from "./api.js";
import { Standings } from "./standings.js";
import { change, state } from "./state.js";
import { dayNumber, dayOf } from "./words.js";

/** How far back events go that are over. */
const RECENT_DAYS = 60;

/** What was shown last, to see whether anything has changed. */
let known = { standings: "", unusual: "" };

/** Load both again; show what has changed. */
export async function refreshLatest() {
  const wanted = state.events;
  const [columns, unusual] = await Promise.all([api.standings(), api.allEvents(eventsWanted())]);
  const found = { standings: JSON.stringify(columns), unusual: JSON.stringify(unusual) };
  if (found.standings !== known.standings) change({ standings: new Standings(columns) });
  const isAsked = wanted === state.events; // else the next answer is
  if (isAsked && (found.unusual !== known.unusual || state.unusual === null)) change({ unusual });
  known = isAsked ? found : { ...found, unusual: known.unusual };
}

/** Which events the API is asked for. */
function eventsWanted() {
  if (state.events === "dismissed") return { dismissed: /** @type {const} */ ("true") };
  const dismissed = /** @type {const} */ ("false");
  if (state.events === "open") return { status: /** @type {const} */ ("open"), dismissed };
  const last = state.session?.last_day ?? dayOf(Date.now() / 86_400_000);
  return { since: dayOf(dayNumber(last) - RECENT_DAYS), dismissed };
}
