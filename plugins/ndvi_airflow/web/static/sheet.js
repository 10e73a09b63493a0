/** A sheet to print: a field in its season, or the fields of a crop. */

import * as api from "./api.js";
import { byId, h } from "./dom.js";
import { cropSheet } from "./sheet_crop.js";
import { fieldSheet } from "./sheet_field.js";
import { fieldsOf } from "./statuses.js";
import { crop, messageOf } from "./words.js";

const wanted = new URLSearchParams(location.hash.slice(1));
const sheet = byId("sheet");

async function show() {
  const name = wanted.get("crop");
  if (name !== null) {
    document.title = `${crop(name)} · NDVI`;
    const [seasons, { last_day: lastDay }] = await Promise.all([api.seasonColumns(), api.revisions()]);
    return cropSheet(fieldsOf(seasons, lastDay), name, wanted.get("year"));
  }
  const id = wanted.get("field") ?? "";
  document.title = `${id} · NDVI`;
  const [field, indices, session] = await Promise.all([api.field(id), api.indices(), api.session()]);
  const index = indices.find((one) => one.name === wanted.get("index")) ?? indices[0];
  return fieldSheet(field, wanted.get("season"), index, indices[0], session);
}

const isFramed = window.parent !== window;
byId("print").hidden = isFramed;
byId("print").addEventListener("click", () => window.print());
if (isFramed) byId("print").after(h("p", {}, "Airflow's frame does not let a page print. Open this address in a tab of its own: ", h("code", {}, location.href)));
byId("back", HTMLAnchorElement).href = wanted.has("field") ? `./#field=${encodeURIComponent(wanted.get("field") ?? "")}` : "./";
window.addEventListener("hashchange", () => location.reload());
show()
  .then((parts) => {
    byId("print", HTMLButtonElement).disabled = false;
    return parts;
  })
  .catch((error) => [h("p", { class: "problem", role: "alert" }, messageOf(error))])
  .then((parts) => {
    sheet.replaceChildren(...parts);
    sheet.removeAttribute("aria-busy");
    sheet.dispatchEvent(new Event("shown"));
  });
