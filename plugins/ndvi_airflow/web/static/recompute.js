/** Runs of ndvi_catch_up that were asked for here: each is followed until it has ended. */

import * as api from "./api.js";
import { announce, byId, h } from "./dom.js";
import { counted, longDay, shortDay } from "./words.js";

const POLL_MILLISECONDS = 2000;
const ENDED = ["success", "failed"];
const SAID = { queued: "waiting for its turn", running: "running", success: "done", failed: "failed" };

let refresh = async () => {};

/** @param {() => Promise<void>} after Called when a run has ended: its cells have new answers. */
export function startRecompute(after) {
  refresh = after;
}

/**
 * Compute cells again.
 *
 * One run of ndvi_catch_up does exactly a selection: one task for each field, and no other task runs again. Clearing the
 * tasks of the daily runs would need a request for each day, and runs that Airflow may have forgotten.
 *
 * @param {{field_ids: string[], start: string, end: string}} cells
 * @param {number} count
 */
export async function recomputeCells(cells, count) {
  const { field_ids: ids, start, end } = cells;
  const fields = ids.length === 1 ? ids[0] : counted(ids.length, "field");
  const period = start === end ? longDay(start) : `${shortDay(start)} to ${longDay(end)}`;
  const note = addNote(`${fields}, ${period}: ${counted(count, "cell")}`);
  try {
    const [{ dag_run_id: runId }, { is_paused: isPaused }] = await Promise.all([api.recompute(cells), api.catchUp()]);
    note.link("Open the run", api.runPage(runId));
    if (isPaused) note.say("waits: ndvi_catch_up is paused; unpause it in Airflow", "problem");
    await follow(runId, note, isPaused);
  } catch (error) {
    note.say(error.message, "problem");
  }
}

async function follow(runId, note, isPaused) {
  for (;;) {
    const run = await api.run(runId);
    const { task_instances: tasks } = await api.computeTasks(runId);
    const mapped = tasks.filter((task) => task.map_index >= 0);
    const done = mapped.filter((task) => ["success", "failed", "skipped"].includes(task.state)).length;
    const progress = mapped.length > 0 ? `, ${done} of ${counted(mapped.length, "task")} done` : "";
    if (ENDED.includes(run.state)) {
      await refresh();
      note.say(SAID[run.state], run.state === "failed" ? "problem" : "good");
      return;
    }
    if (!isPaused || run.state === "running") note.say(`${SAID[run.state] ?? run.state}${progress}`);
    await new Promise((wake) => setTimeout(wake, POLL_MILLISECONDS));
  }
}

/**
 * Show a note at the foot of the page until it is put away.
 *
 * @param {string} title
 */
export function addNote(title) {
  const text = h("span", { class: "state" }, "asked for");
  const links = h("span", {});
  const close = h("button", { class: "icon", "aria-label": "Put this note away", onclick: () => note.remove() }, "×");
  const note = h("li", {}, h("strong", {}, title), text, links, close);
  byId("notes").append(note);
  return {
    /** @param {string} words @param {"" | "good" | "problem"} [kind] */
    say(words, kind = "") {
      if (text.textContent === words) return;
      text.textContent = words;
      note.className = kind;
      announce(`${title}: ${words}`);
    },
    /** @param {string} words @param {string} href */
    link(words, href) {
      links.replaceChildren(h("a", { href, onclick: (event) => openInAirflow(event, href) }, words));
    },
  };
}

/** Airflow's frame may not lead its window elsewhere; a link of the window itself may. */
function openInAirflow(event, href) {
  if (window.parent === window) return;
  event.preventDefault();
  const link = window.parent.document.createElement("a");
  link.href = href;
  link.click();
}
