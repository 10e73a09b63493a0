/** What people say of an event: it is dismissed and taken back, and something is noted on it. */

/** @import { FieldEvent } from "./answers.d.ts" */

import * as api from "./api.js";
import { announce, h } from "./dom.js";
import { addNote } from "./notes.js";
import { state } from "./state.js";
import { longDay, messageOf } from "./words.js";

/** Notes that are being written, by event: they outlive that the events are loaded again. @type {Map<string, string>} */
const drafts = new Map();

/**
 * The buttons of an event, for those who may, and what was said of it.
 *
 * @param {FieldEvent} event
 * @param {() => Promise<unknown>} onSaid Loads the events again; says itself if that fails.
 */
export function review(event, onSaid) {
  const box = h("div", { class: "review" }, remarks(event));
  if (!state.session?.may_review) return box;
  const { event_id: id, note, dismissed } = event;
  if (drafts.has(id)) {
    box.replaceChildren(form(event, box, onSaid));
    return box;
  }
  const turn = h("button", { "data-keep": `turn ${id}`, class: "small" }, dismissed ? "Take back" : "Dismiss");
  const write = h("button", { "data-keep": `note ${id}`, class: "small" }, note === null ? "Note" : "Change the note");
  turn.addEventListener("click", () => say(event, { dismissed: !dismissed, note }, turn, onSaid));
  write.addEventListener("click", () => {
    drafts.set(id, note ?? "");
    box.replaceChildren(form(event, box, onSaid));
    box.querySelector("textarea")?.focus();
  });
  box.append(turn, write);
  return box;
}

/** What was said of an event, if anything was. @param {FieldEvent} event */
export function remarks({ note, dismissed, reviewed_by: by, reviewed_at: at }) {
  if (note === null && !dismissed) return null;
  const who = h("span", { class: "quiet" }, `${dismissed ? "dismissed by " : ""}${by}, ${at === null ? "" : longDay(at)}`);
  return h("p", { class: "said" }, note === null ? null : `“${note}” `, who);
}

/** @param {FieldEvent} event @param {HTMLElement} box @param {() => Promise<unknown>} onSaid */
function form(event, box, onSaid) {
  const { event_id: id, field_id: field } = event;
  const text = h("textarea", { rows: 2, maxlength: 2000, "aria-label": `Note on the event of ${field}`, "data-keep": `draft ${id}` });
  text.value = drafts.get(id) ?? "";
  text.addEventListener("input", () => drafts.set(id, text.value));
  const save = h("button", { class: "primary small" }, "Save");
  const cancel = h("button", { class: "small" }, "Cancel");
  const leave = () => {
    drafts.delete(id);
    const before = review(event, onSaid);
    box.replaceWith(before);
    /** @type {HTMLElement | null} */ (before.querySelector("button:last-child"))?.focus();
  };
  save.addEventListener("click", () =>
    say(event, { dismissed: event.dismissed, note: text.value.trim() || null }, save, onSaid),
  );
  cancel.addEventListener("click", leave);
  text.addEventListener("keydown", (pressed) => {
    if (pressed.key !== "Escape") return;
    pressed.preventDefault();
    leave();
  });
  return h("div", { class: "note-form" }, text, h("div", { class: "buttons" }, save, cancel));
}

/**
 * @param {FieldEvent} event @param {{dismissed: boolean, note: string | null}} said
 * @param {HTMLButtonElement} button @param {() => Promise<unknown>} onSaid
 */
async function say(event, said, button, onSaid) {
  button.disabled = true;
  try {
    await api.reviewEvent(event.event_id, said);
  } catch (error) {
    button.disabled = false;
    addNote(`Event of ${event.field_id}`).say(messageOf(error), "problem");
    return;
  }
  if ((drafts.get(event.event_id) ?? "").trim() === (said.note ?? "")) drafts.delete(event.event_id); // else more was written
  await onSaid();
  button.disabled = false; // it is still there if they could not be loaded again
  if (said.dismissed === event.dismissed) return announce(`Event of ${event.field_id}: noted`);
  const note = addNote(`Event of ${event.field_id}`);
  note.say(said.dismissed ? "dismissed" : "taken back", "good");
  note.offer("Undo", async () => {
    await api.reviewEvent(event.event_id, { dismissed: event.dismissed, note: event.note });
    await onSaid();
  });
}
