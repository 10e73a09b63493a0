/** The map: a canvas in Web Mercator. It draws what it is given, and says what was pointed at. */

/** @import { Extent, Field, Geometry } from "./answers.d.ts" */
/** @import { Outline } from "./marks.js" */
/** @import { Box, Point, Shape } from "./mercator.js" */
/** @import { Overlay } from "./overlays.js" */

import { oncePerFrame, sized } from "./dom.js";
import { FieldLayer } from "./field_layer.js";
import { Glide } from "./glide.js";
import { drawExtent, drawGraticule, drawLand, drawTiles } from "./ground.js";
import { Images } from "./images.js";
import { drawMarks } from "./marks.js";
import { boundsOf, meet, toMetres, toShape } from "./mercator.js";
import { drawOverlays } from "./overlays.js";
import { steer } from "./steering.js";
import { Viewport } from "./viewport.js";

/** Fields in view that take longer to draw than a frame: while the view moves, their picture is moved. */
const MANY = 1500;

/**
 * @typedef {object} Handlers
 * @property {(index: number, more: boolean) => void} onPick A field was chosen; `more` adds it to the others.
 * @property {(index: number, x: number, y: number) => void} onPoint A field is pointed at; -1 is none.
 * @property {(metres: number) => void} onDraw The map was drawn, with so many metres a pixel in its middle.
 * @property {(index: number) => Overlay | null} overlayOf The picture to lay on a field.
 *
 * @typedef {{geometry: Geometry, kind: Outline["kind"]}} Candidate What an upload would bring.
 */

export class FieldMap {
  /** @param {HTMLCanvasElement} canvas @param {Handlers} handlers */
  constructor(canvas, handlers) {
    this.handlers = handlers;
    this.fields = new FieldLayer([]);
    /** Indexes of fields. @type {Set<number>} */
    this.selected = new Set();
    /** The index of a field, or -1. */
    this.pointed = -1;
    /** @type {Shape | null} */
    this.extent = null;
    /** @type {Outline[]} */
    this.candidates = [];
    /** @type {string | null} */
    this.tilesUrl = null;
    /** What to show once the canvas has a size. @type {Box[] | null} */
    this.wanted = null;
    this.draw = oncePerFrame(() => this.#draw());
    this.view = new Viewport(canvas, () => this.#viewChanged());
    this.images = new Images(this.draw);
    this.glide = new Glide(this.view, this.draw);
    steer(this);
    new ResizeObserver(() => {
      if (this.wanted) this.show(...this.wanted);
      this.draw();
    }).observe(canvas);
  }

  /** @param {Field[]} fields */
  setFields(fields) {
    this.fields = new FieldLayer(fields);
    this.pointed = -1;
    this.draw();
  }

  /** @param {(index: number) => number} classOf The class of a field's colour, or `HATCHED`. */
  setColours(classOf) {
    const { classes } = this.fields;
    for (let index = 0; index < classes.length; index++) classes[index] = classOf(index);
    this.draw();
  }

  /** @param {number[]} indexes */
  setSelected(indexes) {
    this.selected = new Set(indexes);
    this.draw();
  }

  /** @param {Extent | null} extent */
  setExtent(extent) {
    this.extent = extent && toShape(extent.geometry);
    this.draw();
  }

  /** @param {string | null} template Of the addresses of background tiles. */
  setTiles(template) {
    this.tilesUrl = template;
    this.draw();
  }

  /** Outline what an upload would bring. @param {Candidate[]} candidates */
  setCandidates(candidates) {
    this.candidates = candidates.map(({ geometry, kind }) => ({ shape: toShape(geometry), kind }));
    this.draw();
  }

  // What is in view

  /** Show these parts of the world, or the whole farm, as large as they fit. @param {...Box} boxes */
  show(...boxes) {
    const all = boxes.length > 0 ? boxes : this.#farm();
    this.wanted = this.view.isEmpty ? boxes : null;
    if (all.length > 0 && !this.wanted) this.view.fit(boundsOf(all));
  }

  /** The extent and the fields that meet it: one that lies far away by mistake does not make the others invisible. */
  #farm() {
    const { extent } = this;
    if (!extent) return this.fields.shapes;
    const within = this.fields.shapes.filter((shape) => meet(shape, extent));
    return [...(within.length > 0 ? within : this.fields.shapes), extent];
  }

  /** Show the fields with these indexes. @param {number[]} indexes */
  showFields(indexes) {
    if (indexes.length > 0) this.show(...indexes.map((index) => this.fields.shapes[index]));
  }

  /** Show what `setCandidates` was given; of what lies outside the extent, mostly by mistake, nothing. */
  showCandidates() {
    const { extent } = this;
    const shapes = this.candidates.map(({ shape }) => shape);
    const shown = extent ? shapes.filter((shape) => meet(shape, extent)) : shapes;
    if (shown.length > 0) this.show(...shown);
  }

  #viewChanged() {
    this.point(-1, 0, 0);
    if (this.glide.last) this.glide.follow();
    else this.draw();
  }

  // What people point at

  /** The fields at a point of the canvas, the topmost first. @param {Point} point */
  fieldsAt(point) {
    const { x, y } = this.view.toWorld(point.x, point.y);
    return this.fields.at(x, y);
  }

  /** Mark a field as pointed at. @param {number} index @param {number} x Of the window, in pixels. @param {number} y */
  point(index, x, y) {
    if (index !== this.pointed) this.draw();
    if (index !== -1 || this.pointed !== -1) this.handlers.onPoint(index, x, y);
    this.pointed = index;
  }

  /** Point at the next field, and bring it into view. @param {1 | -1} by */
  step(by) {
    const { shapes } = this.fields;
    const count = shapes.length;
    if (count === 0) return;
    const start = by > 0 ? 0 : count - 1;
    const index = this.pointed === -1 ? start : (this.pointed + by + count) % count;
    const { x, y } = this.view.middle(shapes[index]);
    const { width, height } = this.view;
    if (x < 0 || y < 0 || x > width || y > height) this.view.pan(width / 2 - x, height / 2 - y);
    const at = this.view.middle(shapes[index]);
    const box = this.view.canvas.getBoundingClientRect();
    this.point(index, box.left + at.x, box.top + at.y);
  }

  /** Choose the field that is pointed at. @param {boolean} more */
  pickPointed(more) {
    if (this.pointed !== -1) this.handlers.onPick(this.pointed, more);
  }

  /**
   * Choose the field at a point of the canvas. Of fields that lie over one another, a further click takes the next one.
   *
   * @param {Point} point @param {boolean} more
   */
  pickAt(point, more) {
    const found = this.fieldsAt(point);
    if (found.length === 0) return;
    const at = found.findIndex((index) => this.selected.has(index));
    this.handlers.onPick(found[(at + 1) % found.length], more);
  }

  #draw() {
    const { context } = sized(this.view.canvas);
    const { view, fields } = this;
    if (view.isEmpty) return;
    drawLand(context, view);
    if (this.tilesUrl) drawTiles(context, view, this.tilesUrl, this.images);
    drawGraticule(context, view);
    if (this.extent) drawExtent(context, view, this.extent);
    const seen = fields.within(view.box);
    fields.fill(context, view, seen);
    drawOverlays(context, view, fields, seen, this.images, this.handlers.overlayOf);
    fields.outline(context, view, seen);
    drawMarks(context, view, this.candidates, this.#selectedShapes(), this.#pointedShape());
    fields.name(context, view, seen);
    if (seen.length > MANY) this.glide.keep();
    else this.glide.forget();
    this.handlers.onDraw(toMetres(1 / view.scale, view.centre.y));
  }

  #selectedShapes() {
    const { shapes } = this.fields;
    return [...this.selected].filter((index) => index < shapes.length).map((index) => shapes[index]);
  }

  #pointedShape() {
    return this.selected.has(this.pointed) ? null : (this.fields.shapes[this.pointed] ?? null);
  }
}
