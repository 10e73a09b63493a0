/** Runs of ndvi_recompute that were asked for here: each is followed until it has ended. */

/** @import { DagRun, TaskInstances } from "./answers.d.ts" */

import * as api from "./api.js";
import { addNote } from "./notes.js";
import { counted, messageOf, periodOf } from "./words.js";

const POLL_MILLISECONDS = 2000;
/** @type {Record<DagRun["state"], string>} */
const SAID = { queued: "waiting for its turn", running: "running", success: "done", failed: "failed" };
/** @type {(string | null)[]} */
const DONE = ["success", "failed", "skipped"];

/**
 * Compute cells again.
 *
 * One run of ndvi_recompute does exactly a selection, and no other task runs again. Clearing the tasks of the daily
 * runs would need a request for each day, and runs that Airflow may have forgotten.
 *
 * @param {{field_ids: string[], start: string, end: string}} cells
 * @param {number} count
 * @param {() => Promise<void>} onEnd Called when the run has ended: its cells have new answers.
 */
export async function recomputeCells(cells, count, onEnd) {
  const { field_ids: ids, start, end } = cells;
  const fields = ids.length === 1 ? ids[0] : counted(ids.length, "field");
  const note = addNote(`${fields}, ${periodOf(start, end)}: ${counted(count, "cell")}`);
  try {
    const [{ dag_run_id: runId }, { is_paused: isPaused }] = await Promise.all([api.recompute(cells), api.recomputeDag()]);
    note.link("Open the run", api.runPage(runId));
    if (isPaused) note.say("waits: ndvi_recompute is paused; unpause it in Airflow", "problem");
    const { state } = await ended(runId, note, isPaused);
    await onEnd();
    note.say(SAID[state], state === "failed" ? "problem" : "good");
  } catch (error) {
    note.say(messageOf(error), "problem");
  }
}

/**
 * Follow a run until it has ended.
 *
 * @param {string} runId
 * @param {ReturnType<typeof addNote>} note Says how far the run is.
 * @param {boolean} isPaused Whether the note says that already, so that a queued run is nothing new.
 */
async function ended(runId, note, isPaused) {
  for (;;) {
    const run = await api.run(runId);
    const { task_instances: tasks } = await api.computeTasks(runId);
    if (["success", "failed"].includes(run.state)) return run;
    if (!isPaused || run.state === "running") note.say(`${SAID[run.state] ?? run.state}${progress(tasks)}`);
    await new Promise((wake) => setTimeout(wake, POLL_MILLISECONDS));
  }
}

/** @param {TaskInstances["task_instances"]} tasks */
function progress(tasks) {
  const mapped = tasks.filter((task) => task.map_index >= 0);
  const done = mapped.filter((task) => DONE.includes(task.state)).length;
  return mapped.length > 0 ? `, ${done} of ${counted(mapped.length, "task")} done` : "";
}
