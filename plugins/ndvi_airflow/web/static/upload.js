/** Uploading fields: a file is checked as the intake would, shown on the map, and put into pending/ when confirmed. */

/** @import { Checked, Effect, Geometry, Problem } from "./answers.d.ts" */
/** @import { Candidate, FieldMap } from "./map.js" */

import * as api from "./api.js";
import { announce, byId, h } from "./dom.js";
import { addNote } from "./notes.js";
import { change, state } from "./state.js";
import { counted, messageOf } from "./words.js";

const SHOWN = 50;
/** @type {Effect[]} */
const EFFECTS = ["new", "changed", "unchanged"];

/** The panel for uploads. What a file would bring is outlined on the map while it is open. */
export class Upload {
  /** @param {FieldMap} map */
  constructor(map) {
    this.map = map;
    this.panel = byId("upload");
    byId("open-upload").addEventListener("click", () => (this.panel.hidden ? this.open() : this.close()));
    this.panel.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    this.#takeDrops();
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
    this.panel.hidden = false;
    document.body.classList.add("with-panel");
    change({ view: "map" });
    this.#render();
    byId("upload-file").focus();
  }

  close() {
    this.panel.hidden = true;
    document.body.classList.toggle("with-panel", state.field.length > 0);
    this.map.setCandidates([]);
    byId("open-upload").focus();
  }

  /** @param {...(Node | null)} parts What is shown below the choice of a file. */
  #render(...parts) {
    this.panel.replaceChildren(
      h(
        "header",
        {},
        h("h2", { id: "upload-title" }, "Upload fields"),
        h("button", { class: "icon", "aria-label": "Close", onclick: () => this.close() }, "×"),
      ),
      choice((file) => this.check(file)),
      ...parts.filter((part) => part !== null),
    );
  }

  /** @param {File} file */
  async check(file) {
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
      this.#render(h("p", { class: "problem", role: "alert" }, `${file.name}: ${messageOf(error)}`));
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
      h("p", { id: "upload-days-due" }, report.summary),
      effects(report),
      problems(report.problems),
      waiting > 0
        ? h("label", {}, tick, ` I have read this: compute all days of the ${counted(waiting, "field")} that wait, too`)
        : null,
      h("p", { class: "buttons" }, confirm, h("button", { onclick: () => this.close() }, "Cancel")),
    );
    announce(summary);
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

/** The indexes of the features of which no field can be made. @param {Checked} report */
function rejectedIn({ problems: all, fields: { features } }) {
  const waiting = new Set(features.filter(({ properties }) => properties.waits).map(({ id }) => id));
  const rejections = all.filter((one) => !one.registered && !(one.id !== null && waiting.has(one.id)));
  return new Set(rejections.map((one) => one.feature));
}

/** @param {Geometry} geometry @returns {Candidate} */
const good = (geometry) => ({ geometry, kind: "good" });

/** A rejected feature, if it has an outline all the same. @param {any} feature @returns {Candidate[]} */
function bad(feature) {
  const isArea = ["Polygon", "MultiPolygon"].includes(feature?.geometry?.type);
  /** @type {number[]} */
  const numbers = isArea ? feature.geometry.coordinates.flat(Infinity) : [];
  const isWhole = numbers.length > 5 && numbers.every((number, at) => Math.abs(number) <= (at % 2 ? 85 : 180));
  return isWhole ? [{ geometry: feature.geometry, kind: "bad" }] : [];
}

/** What registering the fields would do, by their ids. @param {Checked} report */
function effects({ fields: { features } }) {
  const lines = EFFECTS.flatMap((effect) => {
    const those = features.filter((one) => one.properties.effect === effect);
    const said = those.map(({ id, properties: { changes } }) => (changes.length > 0 ? `${id} (${changes.join(", ")})` : id));
    return those.length > 0 ? [h("li", {}, h("b", {}, `${those.length} ${effect}: `), some(said))] : [];
  });
  return h("ul", { class: "found" }, ...lines);
}

/** @param {string[]} ids */
const some = (ids) => ids.slice(0, SHOWN).join(", ") + (ids.length > SHOWN ? ` and ${ids.length - SHOWN} more` : "");

/** @param {Problem[]} all */
function problems(all) {
  if (all.length === 0) return null;
  return h(
    "div",
    {},
    h("h3", {}, headline(all)),
    h("ul", { class: "problems" }, ...all.slice(0, SHOWN).map(problem)),
    all.length > SHOWN ? h("p", {}, `and ${all.length - SHOWN} more`) : null,
  );
}

/** @param {Problem[]} all */
function headline(all) {
  const warnings = all.filter((one) => one.registered).length;
  const parts = [counted(all.length - warnings, "problem"), counted(warnings, "warning")];
  return parts.filter((part) => !part.startsWith("0 ")).join(", ");
}

/** @param {Problem} one */
function problem(one) {
  return h(
    "li",
    { class: one.registered ? "registered" : "" },
    h("b", {}, one.id ?? (one.feature === null ? "The file" : `Feature ${one.feature + 1}`)),
    one.where ? h("code", {}, one.where) : null,
    h("span", {}, one.message),
  );
}
