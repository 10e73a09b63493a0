/** Uploading fields: a file is checked as the intake would, shown on the map, and put into pending/ when confirmed. */

/** @import { Checked } from "./answers.d.ts" */
/** @import { FieldMap } from "./map.js" */

import * as api from "./api.js";
import { announce, byId, h } from "./dom.js";
import { EditForm } from "./edit.js";
import { addNote } from "./notes.js";
import { change, state, watch } from "./state.js";
import { bad, effects, good, problems, rejectedIn } from "./upload_report.js";
import { counted, messageOf, withLongDays } from "./words.js";

/** Where the page is one column. */
const narrow = matchMedia("(max-width: 760px)");

/** The panel for uploads and for editing. What a file would bring is outlined on the map while it is open. */
export class Upload {
  /** @param {FieldMap} map */
  constructor(map) {
    this.map = map;
    this.panel = byId("upload");
    /** The form that made the file which is checked. @type {EditForm | null} */
    this.form = null;
    byId("open-upload").addEventListener("click", () => (this.panel.hidden ? this.open() : this.close()));
    // A field that is opened meanwhile is shown, and the upload stays at hand.
    watch(["field"], () => this.#fold(state.field.length > 0));
    this.#takeDrops();
  }

  /** @param {boolean} isFolded */
  #fold(isFolded) {
    if (this.panel.hidden) return;
    this.panel.classList.toggle("folded", isFolded);
    byId("panel").scrollTop = 0;
    byId("upload-unfold").hidden = !isFolded;
  }

  #takeDrops() {
    const here = byId("drop-here");
    /** The file that is dragged, if it may be dropped. @param {DragEvent} event */
    const dragged = ({ dataTransfer }) =>
      state.session?.may_upload && dataTransfer?.types.includes("Files") ? dataTransfer : null;
    window.addEventListener("dragover", (event) => {
      if (!dragged(event)) return;
      event.preventDefault();
      here.hidden = false;
    });
    window.addEventListener("dragleave", (event) => event.relatedTarget === null && (here.hidden = true));
    window.addEventListener("drop", (event) => {
      const transfer = dragged(event);
      here.hidden = true;
      if (!transfer) return;
      event.preventDefault();
      this.open();
      this.check(transfer.files[0]);
    });
  }

  open() {
    this.form = null;
    this.#show();
    this.#render();
    byId("upload-file").focus();
  }

  /** Edit a field. @param {string} id */
  async edit(id) {
    try {
      const field = await api.field(id);
      this.form = new EditForm(this.map, field, (file) => this.check(file), () => this.close());
    } catch (error) {
      addNote(`Edit ${id}`).say(messageOf(error), "problem");
      return;
    }
    this.#show();
    this.#showForm();
    this.map.showCandidates();
    byId("edit-type").focus();
  }

  #showForm() {
    this.form?.start();
    this.#render(this.form?.element ?? null);
  }

  #show() {
    this.panel.hidden = false;
    document.body.classList.add("with-panel");
    change({ view: "map" });
  }

  close() {
    this.panel.hidden = true;
    this.panel.classList.remove("folded");
    document.body.classList.toggle("with-panel", state.field.length > 0);
    this.map.editor = null;
    this.map.setCandidates([]);
    byId("open-upload").focus();
  }

  /** @param {...(Node | null)} parts What is shown below the choice of a file, or instead of it. */
  #render(...parts) {
    const { form } = this;
    const unfold = h("button", { id: "upload-unfold", hidden: true, onclick: () => this.#fold(false) }, "Show");
    this.panel.replaceChildren(
      h(
        "header",
        {},
        h("h2", { id: "upload-title" }, form ? `Edit ${form.field.id}` : "Upload fields"),
        unfold,
        h("button", { class: "icon", "aria-label": "Close the upload", onclick: () => this.close() }, "×"),
      ),
      ...(form ? [] : [choice((file) => this.check(file))]),
      ...parts.filter((part) => part !== null),
    );
    this.#fold(false);
    if (!form && narrow.matches) this.panel.querySelector(".drop + *")?.scrollIntoView(); // below the choice it would be off the screen
  }

  /** @param {File} file */
  async check(file) {
    this.map.editor = null;
    this.#render(h("p", { role: "status" }, `Checking ${file.name}…`));
    this.map.setCandidates([]);
    try {
      const [report, features] = await Promise.all([api.checkUpload(file), featuresOf(file)]);
      const rejected = rejectedIn(report);
      this.map.setCandidates([
        ...report.fields.features.map(({ geometry }) => good(geometry)),
        ...features.filter((_, index) => rejected.has(index)).flatMap(bad),
      ]);
      this.map.showCandidates();
      this.#showReport(file, report);
    } catch (error) {
      this.#render(h("p", { class: "problem", role: "alert" }, `${file.name}: ${messageOf(error)}`), this.#back());
    }
  }

  /** @param {File} file @param {Checked} report */
  #showReport(file, report) {
    const fields = report.fields.features.map(({ properties }) => properties);
    const rejected = rejectedIn(report).size;
    const summary = `${counted(fields.length, "field")} can be registered, ${
      rejected > 0 ? counted(rejected, "feature") : "none"
    } cannot`;
    const waiting = fields.filter(({ waits }) => waits).length;
    const tick = h("input", { id: "upload-days", type: "checkbox" });
    const confirm = h("button", { class: "primary", id: "upload-confirm" });
    const offer = () => {
      const count = fields.filter(({ effect, waits }) => effect !== "unchanged" && (tick.checked || !waits)).length;
      confirm.textContent = count > 0 ? `Upload ${counted(count, "field")}` : "Nothing to upload";
      confirm.disabled = count === 0;
    };
    tick.addEventListener("change", offer);
    confirm.addEventListener("click", () => this.#send(file, confirm, tick.checked));
    offer();
    this.#render(
      h("h3", {}, file.name),
      h("p", { id: "upload-summary" }, summary),
      h("p", { id: "upload-days-due" }, withLongDays(report.summary)),
      h("div", { id: "upload-problems" }, ...problems(report.problems)),
      h("div", { id: "upload-effects" }, ...effects(report)),
      waiting > 0
        ? h("label", {}, tick, ` I have read this: compute all days of the ${counted(waiting, "field")} that wait, too`)
        : null,
      h("p", { class: "buttons" }, confirm, this.#back(), h("button", { onclick: () => this.close() }, "Cancel")),
    );
    announce(summary);
  }

  /** The way back to the form that made the file. */
  #back() {
    return this.form && h("button", { id: "upload-back", onclick: () => this.#showForm() }, "Change it");
  }

  /** @param {File} file @param {HTMLButtonElement} button @param {boolean} confirm */
  async #send(file, button, confirm) {
    button.disabled = true;
    const note = addNote(`Upload of ${file.name}`);
    try {
      await api.upload(file, confirm);
      note.say("in pending/: it is registered within a minute, and its days are computed then", "good");
      this.close();
    } catch (error) {
      note.say(messageOf(error), "problem");
      button.disabled = false;
    }
  }
}

/** @param {(file: File) => void} onChoice */
function choice(onChoice) {
  const chooser = h("input", { id: "upload-file", type: "file", accept: ".geojson,.json,application/geo+json" });
  chooser.addEventListener("change", () => chooser.files?.[0] && onChoice(chooser.files[0]));
  return h(
    "label",
    { class: "drop" },
    h("span", {}, "Drop a GeoJSON file anywhere on this page, or choose one:"),
    chooser,
    h("span", { class: "quiet" }, "It is only checked at first; nothing is registered before you say so."),
  );
}

/**
 * The features of a file, none if it is no GeoJSON: then the check says what is wrong with it.
 *
 * @param {File} file
 * @returns {Promise<unknown[]>}
 */
async function featuresOf(file) {
  try {
    const document = JSON.parse(await file.text());
    return document.type === "Feature" ? [document] : (document.features ?? []);
  } catch {
    return [];
  }
}
