/** The map: a canvas in Web Mercator. It draws what it is given, and says what was pointed at. */

/** @import { Extent } from "./answers.d.ts" */
/** @import { Candidate, Outline } from "./marks.js" */
/** @import { Box, Point, Shape } from "./mercator.js" */
/** @import { Overlay } from "./overlays.js" */
/** @import { Vertices } from "./vertices.js" */

import { oncePerFrame, sized } from "./dom.js";
import { FieldLayer } from "./field_layer.js";
import { Glide } from "./glide.js";
import { around, farm, partsWithin } from "./framing.js";
import { drawExtent, drawGraticule, drawLand, drawPictures, drawTiles } from "./ground.js";
import { Images } from "./images.js";
import { areaOf, writeNames } from "./labels.js";
import { drawMarks } from "./marks.js";
import { boundsOf, meet, toMetres, toShape } from "./mercator.js";
import { Outlines } from "./outlines.js";
import { drawOverlays } from "./overlays.js";
import { Stacks, outlineStacked } from "./stacks.js";
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
 * @property {() => Overlay[]} ground The pictures below the fields.
 */

export class FieldMap {
  /** @param {HTMLCanvasElement} canvas @param {Handlers} handlers */
  constructor(canvas, handlers) {
    this.handlers = handlers;
    this.fields = new FieldLayer(new Outlines(), []);
    /** Indexes of fields. @type {Set<number>} */
    this.selected = new Set();
    this.pointed = -1; // no field
    /** @type {Shape | null} */
    this.extent = null;
    /** @type {Outline[]} */
    this.candidates = [];
    /** @type {string | null} */
    this.tilesUrl = null;
    /** The fields that the pointer is on, the topmost first. @type {number[]} */
    this.under = [];
    /** Which of them lie on others. */
    this.stacks = new Stacks([]);
    /** What is shown as large as it fits, until a person moves the map. @type {Box[] | null} */
    this.fitted = null;
    /** Whether the chosen fields are to be in view, until a person moves the map. */
    this.isRevealing = false;
    /** Moves the corners of a boundary, while one is edited. @type {Vertices | null} */
    this.editor = null;
    this.draw = oncePerFrame(() => this.#draw());
    this.view = new Viewport(canvas, () => this.#viewChanged());
    this.images = new Images(this.draw);
    this.glide = new Glide(this.view, this.draw);
    steer(this);
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  /** @param {Outlines} outlines @param {string[]} ids */
  setFields(outlines, ids) {
    this.fields = new FieldLayer(outlines, ids);
    this.pointed = -1;
    this.under = [];
    this.stacks = new Stacks(this.fields.shapes);
    this.draw();
  }

  /** @param {(index: number) => number} classOf The class of a field's colour, `HATCHED` or `LEFT_OUT`. */
  setColours(classOf) {
    const { classes } = this.fields;
    for (let index = 0; index < classes.length; index++) classes[index] = classOf(index);
    this.draw();
  }

  /** @param {number[]} indexes */
  setSelected(indexes) {
    if (indexes.some((index) => !this.selected.has(index))) this.isRevealing = true;
    this.selected = new Set(indexes);
    this.#reveal();
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
    const all = boxes.length > 0 ? boxes : farm(this.fields.shapes, this.extent);
    this.fitted = boxes;
    if (all.length > 0 && !this.view.isEmpty) this.view.fit(boundsOf(all));
  }

  /** Note that a person has moved the map, or points at something on it: it stays where it is from now on. */
  touch() {
    this.fitted = null;
    this.isRevealing = false;
  }

  #resize() {
    this.view.resize();
    if (this.fitted) this.show(...this.fitted);
    this.#reveal();
    this.draw();
  }

  /** Bring the chosen fields into view if nothing of them is. */
  #reveal() {
    const shapes = this.#selectedShapes();
    if (!this.isRevealing || shapes.length === 0 || this.view.isEmpty) return;
    if (shapes.some((shape) => meet(shape, this.view.box))) return;
    const { x, y } = this.view.middle(boundsOf(shapes));
    this.view.pan(this.view.width / 2 - x, this.view.height / 2 - y);
  }

  /** Show the fields with these indexes. @param {number[]} indexes */
  showFields(indexes) {
    if (indexes.length > 0) this.show(...indexes.map((index) => this.fields.shapes[index]));
  }

  /** Show fields with what lies around them. @param {number[]} indexes */
  showAround(indexes) {
    this.show(around(boundsOf(indexes.map((index) => this.fields.shapes[index]))));
  }

  /** Show what `setCandidates` was given; of what lies outside the extent, mostly by mistake, nothing. */
  showCandidates() {
    const shown = partsWithin(
      this.candidates.map(({ shape }) => shape),
      this.extent,
    );
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
    const { shapes } = this.fields;
    return this.fields.at(x, y).sort((one, other) => areaOf(shapes[one]) - areaOf(shapes[other]));
  }

  /** Point at what is at a point of the canvas. @param {Point} point @param {number} x Of the window. @param {number} y */
  pointAt(point, x, y) {
    this.under = this.fieldsAt(point);
    this.point(this.under[0] ?? -1, x, y);
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
    this.under = [index];
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
    drawPictures(context, view, this.handlers.ground(), this.images);
    if (this.extent) drawExtent(context, view, this.extent);
    const seen = fields.within(view.box);
    const { below, above } = this.stacks.among(seen);
    fields.fill(context, view, below);
    for (const index of above) fields.fill(context, view, [index]);
    drawOverlays(context, view, fields, [...below, ...above], this.images, this.handlers.overlayOf);
    fields.outline(context, view, below);
    outlineStacked(context, view, fields.shapes, above);
    const pointed = this.selected.has(this.pointed) ? null : (fields.shapes[this.pointed] ?? null);
    drawMarks(context, view, this.candidates, this.#selectedShapes(), pointed);
    writeNames(context, view, fields.shapes, fields.labels, fields.named(seen, this.selected), this.selected, above);
    this.editor?.draw(context, view);
    if (seen.length > MANY) this.glide.keep();
    else this.glide.forget();
    this.handlers.onDraw(toMetres(1 / view.scale, view.centre.y));
  }

  #selectedShapes() {
    const { shapes } = this.fields;
    return [...this.selected].filter((index) => index < shapes.length).map((index) => shapes[index]);
  }
}
