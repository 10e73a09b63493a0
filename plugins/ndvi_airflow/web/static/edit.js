/** The form in which crop, dates and boundary of a field are edited. It makes a file, which is uploaded like any other. */

/** @import { FieldFeature, Geometry, SeasonStatus } from "./answers.d.ts" */
/** @import { FieldMap } from "./map.js" */

import { h } from "./dom.js";
import { state } from "./state.js";
import { Vertices } from "./vertices.js";
import { crop, longDay } from "./words.js";

const NEXT = "";

export class EditForm {
  /**
   * @param {FieldMap} map @param {FieldFeature} field
   * @param {(file: File) => void} onCheck @param {() => void} onCancel
   */
  constructor(map, field, onCheck, onCancel) {
    this.map = map;
    this.field = field;
    this.vertices = new Vertices(map, field.geometry, (geometry) => this.#said(geometry));
    this.season = h("select", { id: "edit-season" }, ...seasonOptions(field.properties.seasons));
    this.type = h("input", { id: "edit-type", list: "edit-types", autocomplete: "off", required: true });
    this.planted = h("input", { id: "edit-planted", type: "date", required: true });
    this.ends = h("input", { id: "edit-ends", type: "date" });
    this.geojson = h("textarea", { id: "edit-geojson", rows: 6, spellcheck: "false" });
    this.problem = h("p", { id: "edit-problem", class: "problem", role: "alert", hidden: true });
    this.season.value = field.properties.season;
    this.season.addEventListener("change", () => this.#fill());
    this.geojson.addEventListener("input", () => this.#take());
    this.element = this.#form(onCheck, onCancel);
    this.#fill();
    this.#said(field.geometry);
  }

  /** Let the map be one on which corners are moved. */
  start() {
    this.map.editor = this.vertices;
    this.vertices.set(this.vertices.geometry);
  }

  /** @param {(file: File) => void} onCheck @param {() => void} onCancel */
  #form(onCheck, onCancel) {
    const types = [...new Set(state.fields.map(({ properties }) => properties.plant_type))].sort();
    const reset = h("button", { type: "button" }, "Boundary as it was");
    reset.addEventListener("click", () => {
      this.vertices.set(this.field.geometry);
      this.#said(this.field.geometry);
    });
    const remove = h("button", { type: "button" }, "Remove corner");
    remove.addEventListener("click", () => this.vertices.remove());
    const form = h(
      "form",
      { id: "edit-form" },
      labelled("Season", this.season),
      labelled("Crop", this.type),
      h("datalist", { id: "edit-types" }, ...types.map((type) => h("option", { value: type }))),
      labelled("Planted", this.planted),
      labelled("Ends (may be empty)", this.ends),
      h("h3", {}, "Boundary"),
      h(
        "p",
        { class: "quiet" },
        "Drag a corner on the map, or the middle of an edge for a new one. By keyboard on the map: n and p go from corner to corner, arrows move it, with Shift further, i adds one, Delete removes it.",
      ),
      h("p", { class: "buttons" }, remove, reset),
      h("details", {}, h("summary", {}, "As GeoJSON"), labelled("A Polygon or MultiPolygon", this.geojson)),
      this.problem,
      h(
        "p",
        { class: "buttons" },
        h("button", { class: "primary", id: "edit-check" }, "Check"),
        h("button", { type: "button", onclick: onCancel }, "Cancel"),
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.problem.hidden) onCheck(this.#file());
    });
    return form;
  }

  /** Fill in what is registered of the season that is chosen. */
  #fill() {
    const season = this.field.properties.seasons.find(({ season: name }) => name === this.season.value);
    this.type.value = season?.plant_type ?? "";
    this.planted.value = season?.plant_date ?? "";
    this.ends.value = season?.end_date ?? "";
  }

  /** @param {Geometry} geometry */
  #said(geometry) {
    this.geojson.value = JSON.stringify(geometry);
    this.problem.hidden = true;
  }

  /** Take the boundary that was written or pasted. */
  #take() {
    const geometry = geometryOf(this.geojson.value);
    this.problem.hidden = geometry !== null;
    this.problem.textContent = "The boundary has to be a GeoJSON Polygon or MultiPolygon with positions of two numbers; a ring has to repeat its first position at its end.";
    if (geometry) this.vertices.set(geometry);
  }

  /** What is uploaded. */
  #file() {
    const { field_id: id } = this.field.properties;
    const properties = {
      "object-type": "field",
      "object-id": id,
      "plant-type": this.type.value.trim(),
      "plant-date": this.planted.value,
      ...(this.ends.value ? { "end-date": this.ends.value } : {}),
      ...(this.season.value === NEXT ? {} : { season: this.season.value }),
    };
    const feature = { type: "Feature", properties, geometry: this.vertices.geometry };
    const collection = { type: "FeatureCollection", features: [feature] };
    return new File([JSON.stringify(collection)], `${id}.geojson`, { type: "application/geo+json" });
  }
}

/** @param {SeasonStatus[]} seasons */
function seasonOptions(seasons) {
  const known = seasons.map(({ season, plant_type: type, plant_date: planted }) =>
    h("option", { value: season }, `${season}: ${crop(type)}, from ${longDay(planted)}`),
  );
  return [...known, h("option", { value: NEXT }, "the next season")];
}

/** @param {string} name @param {HTMLElement} box */
const labelled = (name, box) => h("label", { class: "row" }, h("span", {}, name), box);

/** The geometry of a GeoJSON text: of itself, a feature, or a collection of one. @param {string} text @returns {Geometry | null} */
function geometryOf(text) {
  try {
    const document = JSON.parse(text);
    const feature = document.type === "FeatureCollection" ? document.features[0] : document;
    const geometry = feature.type === "Feature" ? feature.geometry : feature;
    const polygons = geometry.type === "MultiPolygon" ? geometry.coordinates : [geometry.coordinates];
    const isArea = ["Polygon", "MultiPolygon"].includes(geometry.type);
    return isArea && polygons.length > 0 && polygons.every(isPolygon) ? geometry : null;
  } catch {
    return null;
  }
}

/** @param {unknown} polygon */
const isPolygon = (polygon) => Array.isArray(polygon) && polygon.length > 0 && polygon.every(isRing);

/** @param {unknown} ring */
const isRing = (ring) => Array.isArray(ring) && ring.length > 3 && ring.every(isPosition) && isSame(ring[0], ring[ring.length - 1]);

/** @param {number[]} one @param {number[]} other */
const isSame = (one, other) => one[0] === other[0] && one[1] === other[1];

/** @param {unknown} position */
const isPosition = (position) =>
  Array.isArray(position) && Number.isFinite(position[0]) && Number.isFinite(position[1]) && Math.abs(position[1]) <= 85;
