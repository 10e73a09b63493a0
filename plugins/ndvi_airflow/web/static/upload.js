/** Uploading fields: a file is checked by the rules of the intake, shown on the map, and put into pending/ on a word. */

import * as api from "./api.js";
import { announce, byId, h } from "./dom.js";
import { addNote } from "./recompute.js";
import { change, state } from "./state.js";
import { counted } from "./words.js";

const SHOWN = 50;
const EFFECTS = ["new", "changed", "unchanged"];

/** @type {import("./map.js").FieldMap} */
let map;
/** The file that was checked, and what it would bring. */
let checked = null;

/** @param {import("./map.js").FieldMap} onMap */
export function startUpload(onMap) {
  map = onMap;
  byId("open-upload").addEventListener("click", () => (byId("upload").hidden ? open() : close()));
  byId("upload").addEventListener("keydown", (event) => event.key === "Escape" && close());
  const hasFile = (event) => state.session?.may_upload && event.dataTransfer?.types.includes("Files");
  window.addEventListener("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    byId("drop-here").hidden = false;
  });
  window.addEventListener("dragleave", (event) => event.relatedTarget === null && (byId("drop-here").hidden = true));
  window.addEventListener("drop", (event) => {
    byId("drop-here").hidden = true;
    if (!hasFile(event)) return;
    event.preventDefault();
    open();
    check(event.dataTransfer.files[0]);
  });
}

function open() {
  checked = null;
  byId("upload").hidden = false;
  document.body.classList.add("with-panel");
  change({ view: "map" });
  render(choice());
  byId("upload-file").focus();
}

function close() {
  checked = null;
  byId("upload").hidden = true;
  document.body.classList.toggle("with-panel", state.field.length > 0);
  map.setCandidates([]);
  byId("open-upload").focus();
}

function render(...parts) {
  byId("upload").replaceChildren(
    h(
      "header",
      {},
      h("h2", { id: "upload-title" }, "Upload fields"),
      h("button", { class: "icon", "aria-label": "Close", onclick: close }, "×"),
    ),
    ...parts,
  );
}

function choice() {
  const chooser = h("input", {
    id: "upload-file",
    type: "file",
    accept: ".geojson,.json,application/geo+json",
    onchange: () => chooser.files[0] && check(chooser.files[0]),
  });
  return h(
    "label",
    { class: "drop" },
    h("span", {}, "Drop a GeoJSON file anywhere on this page, or choose one:"),
    chooser,
    h("span", { class: "quiet" }, "It is only checked at first; nothing is registered before you say so."),
  );
}

/** @param {File} file */
async function check(file) {
  render(choice(), h("p", { role: "status" }, `Checking ${file.name}…`));
  map.setCandidates([]);
  try {
    const [report, features] = await Promise.all([api.checkUpload(file), featuresOf(file)]);
    checked = { file, report };
    const bad = new Set(report.problems.filter((one) => !one.registered).map((one) => one.feature));
    const good = report.fields.features.map(({ geometry }) => ({ geometry, kind: "good" }));
    map.setCandidates([...good, ...drawable(features.filter((_, index) => bad.has(index)))]);
    map.showCandidates();
    showReport(bad);
  } catch (error) {
    render(choice(), h("p", { class: "problem", role: "alert" }, `${file.name}: ${error.message}`));
  }
}

/** The features of a file, none if it is no GeoJSON: then the check says what is wrong with it. */
async function featuresOf(file) {
  try {
    const document = JSON.parse(await file.text());
    return document.type === "Feature" ? [document] : (document.features ?? []);
  } catch {
    return [];
  }
}

/** Those of the rejected features that have an outline all the same. */
function drawable(features) {
  return features.flatMap((feature) => {
    const isArea = ["Polygon", "MultiPolygon"].includes(feature?.geometry?.type);
    const numbers = isArea ? feature.geometry.coordinates.flat(Infinity) : [];
    const isWhole = numbers.length > 5 && numbers.every((number, at) => Math.abs(number) <= (at % 2 ? 85 : 180));
    return isWhole ? [{ geometry: feature.geometry, kind: "bad" }] : [];
  });
}

function showReport(bad) {
  const { file, report } = checked;
  const good = report.fields.features.length;
  const idsOf = (effect) => report.fields.features.filter((one) => one.properties.effect === effect).map((one) => one.id);
  const summary = `${counted(good, "field")} can be registered, ${bad.size > 0 ? counted(bad.size, "feature") : "none"} cannot`;
  render(
    choice(),
    h("h3", {}, file.name),
    h("p", { id: "upload-summary" }, summary),
    h(
      "ul",
      { class: "found" },
      ...EFFECTS.filter((effect) => idsOf(effect).length > 0).map((effect) =>
        h("li", {}, h("b", {}, `${idsOf(effect).length} ${effect}: `), some(idsOf(effect))),
      ),
    ),
    problems(report.problems),
    h(
      "p",
      { class: "buttons" },
      h("button", { class: "primary", id: "upload-confirm", disabled: good === 0, onclick: send }, `Upload ${counted(good, "field")}`),
      h("button", { onclick: close }, "Cancel"),
    ),
  );
  announce(summary);
}

const some = (ids) => ids.slice(0, SHOWN).join(", ") + (ids.length > SHOWN ? ` and ${ids.length - SHOWN} more` : "");

function problems(all) {
  if (all.length === 0) return null;
  return h(
    "div",
    {},
    h("h3", {}, counted(all.length, "problem")),
    h(
      "ul",
      { class: "problems" },
      ...all.slice(0, SHOWN).map((one) =>
        h(
          "li",
          { class: one.registered ? "mended" : "" },
          h("b", {}, one.id ?? (one.feature === null ? "The file" : `Feature ${one.feature + 1}`)),
          one.where ? h("code", {}, one.where) : null,
          h("span", {}, one.message),
        ),
      ),
    ),
    all.length > SHOWN ? h("p", {}, `and ${all.length - SHOWN} more`) : null,
  );
}

async function send() {
  byId("upload-confirm").disabled = true;
  const { file } = checked;
  const note = addNote(`Upload of ${file.name}`);
  try {
    await api.upload(file);
    note.say("in pending/: it is registered within a minute, and its days are computed then", "good");
    close();
  } catch (error) {
    note.say(error.message, "problem");
    byId("upload-confirm").disabled = false;
  }
}
