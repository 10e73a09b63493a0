/** The map: a canvas in Web Mercator. It draws what it is given and tells what was pointed at. */

import { CLASSES, colourOfClass, hatching, themed } from "./colours.js";
import { oncePerFrame, sized } from "./dom.js";
import { drawGraticule, drawLabels, drawTiles, path } from "./drawing.js";
import { boundsOf, holds, toMetres, toShape, toX, toY } from "./mercator.js";

const MARGIN = 48;
const MAX_SCALE = 2 ** 30;
const MIN_SCALE = 512;
const ZOOM_STEP = 1.6;
const PAN_STEP = 60;
const CLICK_PIXELS = 4;
/** Pixels that fields are mostly wide before their boundaries are drawn. */
const LINE_FROM = 5;
const FULL_LINE_FROM = 12;
/** Pixels that a field is wide before its picture is laid on it. */
const OVERLAY_FROM = 40;
const MAX_OVERLAYS = 40;
/** Tiles and pictures that are kept. */
const MAX_IMAGES = 320;
/** Fields in view that take longer to draw than a frame: while the view moves, their picture is moved. */
const MANY = 1500;
const STILL_MILLISECONDS = 120;

/** What a field without a value has instead of a colour's class. */
export const HATCHED = -1;

/**
 * @typedef {object} Told
 * @property {(index: number, more: boolean) => void} pick A field was chosen; `more` adds it to the others.
 * @property {(index: number, x: number, y: number) => void} point A field is pointed at; -1 is none.
 * @property {(index: number) => {url: string, corners: Record<string, number[]>} | null} overlay The picture to lay on a field.
 */

export class FieldMap {
  /** @param {HTMLCanvasElement} canvas @param {Told} told */
  constructor(canvas, told) {
    this.canvas = canvas;
    this.told = told;
    this.centre = { x: 0.5, y: 0.5 };
    this.scale = MIN_SCALE;
    /** @type {import("./mercator.js").Shape[]} */
    this.shapes = [];
    this.labels = [];
    this.classes = new Int8Array(0);
    this.selected = new Set();
    this.pointed = -1;
    this.extent = null;
    this.candidates = [];
    this.tilesUrl = null;
    this.images = new Map();
    this.draw = oncePerFrame(() => this.#draw());
    this.glide = oncePerFrame(() => this.#glide());
    this.snapshot = null;
    this.#listen();
    new ResizeObserver(() => {
      if (this.wanted) this.show(...this.wanted);
      this.draw();
    }).observe(canvas);
  }

  /** @param {import("./state.js").Feature[]} features */
  setFields(features) {
    this.shapes = features.map((feature) => toShape(feature.geometry));
    this.labels = features.map((feature) => feature.properties.field_id);
    const widths = this.shapes.map((shape) => shape.east - shape.west).sort((one, other) => one - other);
    this.width = widths[widths.length >> 1] ?? 0;
    this.classes = new Int8Array(features.length).fill(HATCHED);
    this.pointed = -1;
    this.draw();
  }

  /** @param {import("./state.js").Feature | null} feature */
  setExtent(feature) {
    this.extent = feature && toShape(feature.geometry);
    this.draw();
  }

  /** @param {(index: number) => number} classOf The class of a field's colour, or `HATCHED`. */
  setColours(classOf) {
    for (let index = 0; index < this.classes.length; index++) this.classes[index] = classOf(index);
    this.draw();
  }

  /** @param {number[]} indexes */
  setSelected(indexes) {
    this.selected = new Set(indexes);
    this.draw();
  }

  /** Outline what an upload would bring. @param {{geometry: any, kind: "good" | "bad"}[]} candidates */
  setCandidates(candidates) {
    this.candidates = candidates.map(({ geometry, kind }) => ({ shape: toShape(geometry), kind }));
    this.draw();
  }

  /** Show these shapes, or everything, as large as they fit. @param {...import("./mercator.js").Shape} shapes */
  show(...shapes) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const all = shapes.length > 0 ? shapes : [...this.shapes, ...(this.extent ? [this.extent] : [])];
    this.wanted = width > 0 && height > 0 ? null : shapes;
    if (all.length === 0 || this.wanted) return;
    const box = boundsOf(all);
    this.centre = { x: (box.west + box.east) / 2, y: (box.north + box.south) / 2 };
    const free = Math.min((width - 2 * MARGIN) / (box.east - box.west), (height - 2 * MARGIN) / (box.south - box.north));
    this.#setScale(free);
  }

  /** Show the fields with these indexes. @param {number[]} indexes */
  showFields(indexes) {
    if (indexes.length > 0) this.show(...indexes.map((index) => this.shapes[index]));
  }

  /** Show what `setCandidates` was given. */
  showCandidates() {
    if (this.candidates.length > 0) this.show(...this.candidates.map((candidate) => candidate.shape));
  }

  /** @param {number} factor @param {number} [x] The point of the canvas that stays where it is. @param {number} [y] */
  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const before = this.toWorld(x, y);
    this.#setScale(this.scale * factor);
    const after = this.toWorld(x, y);
    this.centre.x += before.x - after.x;
    this.centre.y += before.y - after.y;
    this.#viewChanged();
  }

  /** @param {number} x Pixels. @param {number} y */
  pan(x, y) {
    this.centre.x -= x / this.scale;
    this.centre.y = Math.min(Math.max(this.centre.y - y / this.scale, 0), 1);
    this.#viewChanged();
  }

  /** The middle of a field on the canvas. @param {number} index */
  position(index) {
    const { west, east, north, south } = this.shapes[index];
    return this.toScreen((west + east) / 2, (north + south) / 2);
  }

  #setScale(scale) {
    this.scale = Math.min(Math.max(scale, MIN_SCALE), MAX_SCALE);
    this.#viewChanged();
  }

  #viewChanged() {
    this.point(-1, 0, 0);
    if (this.snapshot) this.glide();
    else this.draw();
  }

  /** Move and scale the last picture as the view did; draw anew once it stands still. */
  #glide() {
    if (!this.snapshot) return;
    const { picture, centre, scale } = this.snapshot;
    const { context, width, height } = sized(this.canvas);
    const factor = this.scale / scale;
    const x = (centre.x - this.centre.x) * this.scale + (width - width * factor) / 2;
    const y = (centre.y - this.centre.y) * this.scale + (height - height * factor) / 2;
    context.fillStyle = themed("--land");
    context.fillRect(0, 0, width, height);
    context.drawImage(picture, x, y, width * factor, height * factor);
    clearTimeout(this.still);
    this.still = window.setTimeout(this.draw, STILL_MILLISECONDS);
  }

  /** Keep the picture of many fields. */
  #keep(many) {
    if (!many) {
      this.snapshot = null;
      return;
    }
    const picture = this.snapshot?.picture ?? document.createElement("canvas");
    picture.width = this.canvas.width;
    picture.height = this.canvas.height;
    picture.getContext("2d").drawImage(this.canvas, 0, 0);
    this.snapshot = { picture, centre: { ...this.centre }, scale: this.scale };
  }

  /** Mark a field as pointed at. @param {number} index @param {number} x @param {number} y */
  point(index, x, y) {
    if (index !== this.pointed) this.draw();
    if (index !== -1 || this.pointed !== -1) this.told.point(index, x, y);
    this.pointed = index;
  }

  toWorld(x, y) {
    return {
      x: this.centre.x + (x - this.canvas.clientWidth / 2) / this.scale,
      y: this.centre.y + (y - this.canvas.clientHeight / 2) / this.scale,
    };
  }

  toScreen(x, y) {
    return {
      x: (x - this.centre.x) * this.scale + this.canvas.clientWidth / 2,
      y: (y - this.centre.y) * this.scale + this.canvas.clientHeight / 2,
    };
  }

  /** The fields at a point of the canvas, the topmost first. */
  #at(x, y) {
    const world = this.toWorld(x, y);
    const found = [];
    for (let index = this.shapes.length - 1; index >= 0; index--) {
      if (holds(this.shapes[index], world.x, world.y)) found.push(index);
    }
    return found;
  }

  // What people do

  #listen() {
    const { canvas } = this;
    const pointers = new Map();
    let moved = 0;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, place(event));
      if (pointers.size === 1) moved = 0;
    });
    canvas.addEventListener("pointermove", (event) => {
      const now = place(event);
      const before = pointers.get(event.pointerId);
      if (!before) {
        const [index = -1] = this.#at(now.x, now.y);
        this.point(index, event.clientX, event.clientY);
        canvas.style.cursor = index === -1 ? "grab" : "pointer";
        return;
      }
      moved += Math.hypot(now.x - before.x, now.y - before.y);
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      pointers.set(event.pointerId, now);
      if (other) {
        const factor = Math.hypot(now.x - other.x, now.y - other.y) / Math.hypot(before.x - other.x, before.y - other.y);
        this.zoom(factor || 1, (now.x + other.x) / 2, (now.y + other.y) / 2);
      } else if (moved > CLICK_PIXELS) this.pan(now.x - before.x, now.y - before.y);
    });
    canvas.addEventListener("pointerup", (event) => {
      const { x, y } = place(event);
      if (pointers.delete(event.pointerId) && moved <= CLICK_PIXELS) this.#pick(x, y, event.shiftKey || event.ctrlKey);
    });
    canvas.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => this.point(-1, 0, 0));
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const { x, y } = place(event);
        this.zoom(2 ** (-event.deltaY / (event.deltaMode === 1 ? 8 : 250)), x, y);
      },
      { passive: false },
    );
    canvas.addEventListener("dblclick", (event) => {
      const { x, y } = place(event);
      this.zoom(ZOOM_STEP ** 2, x, y);
    });
    canvas.addEventListener("keydown", (event) => {
      if (event.altKey || event.metaKey || event.ctrlKey) return;
      const act = this.#keys()[event.key];
      if (!act) return;
      event.preventDefault();
      act(event);
    });
  }

  #keys() {
    return {
      ArrowLeft: () => this.pan(PAN_STEP, 0),
      ArrowRight: () => this.pan(-PAN_STEP, 0),
      ArrowUp: () => this.pan(0, PAN_STEP),
      ArrowDown: () => this.pan(0, -PAN_STEP),
      "+": () => this.zoom(ZOOM_STEP),
      "=": () => this.zoom(ZOOM_STEP),
      "-": () => this.zoom(1 / ZOOM_STEP),
      0: () => this.show(),
      n: () => this.#step(1),
      p: () => this.#step(-1),
      Enter: (event) => this.pointed !== -1 && this.told.pick(this.pointed, event.shiftKey),
    };
  }

  /** Point at the next field, and bring it into view. */
  #step(by) {
    const count = this.shapes.length;
    if (count === 0) return;
    const index = this.pointed === -1 ? (by > 0 ? 0 : count - 1) : (this.pointed + by + count) % count;
    const { x, y } = this.position(index);
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (x < 0 || y < 0 || x > width || y > height) this.pan(width / 2 - x, height / 2 - y);
    const at = this.position(index);
    const box = this.canvas.getBoundingClientRect();
    this.point(index, box.left + at.x, box.top + at.y);
  }

  /** Of fields that lie over one another, a further click takes the next one. */
  #pick(x, y, more) {
    const found = this.#at(x, y);
    if (found.length === 0) return;
    const at = found.findIndex((index) => this.selected.has(index));
    this.told.pick(found[(at + 1) % found.length], more);
  }

  // Drawing

  #draw() {
    const { context, width, height } = sized(this.canvas);
    if (width === 0 || height === 0) return;
    context.fillStyle = themed("--land");
    context.fillRect(0, 0, width, height);
    if (this.tilesUrl) drawTiles(context, this, width, height);
    drawGraticule(context, this, width, height);
    if (this.extent) {
      context.strokeStyle = themed("--extent");
      context.lineWidth = 1.5;
      context.setLineDash([6, 4]);
      path(context, this, [this.extent]);
      context.stroke();
      context.setLineDash([]);
    }
    const seen = this.#seen(width, height);
    this.#fill(context, seen);
    this.#drawOverlays(context, seen);
    if (this.width * this.scale >= LINE_FROM) {
      context.strokeStyle = themed("--boundary");
      context.lineWidth = this.width * this.scale < FULL_LINE_FROM ? 0.5 : 1;
      path(
        context,
        this,
        seen.map((index) => this.shapes[index]),
      );
      context.stroke();
    }
    this.#drawMarks(context);
    drawLabels(context, this, seen);
    this.#keep(seen.length > MANY);
    document.dispatchEvent(new CustomEvent("map-drawn", { detail: { metres: toMetres(1 / this.scale, this.centre.y) } }));
  }

  /** The fields that are in view. */
  #seen(width, height) {
    const { x: west, y: north } = this.toWorld(0, 0);
    const { x: east, y: south } = this.toWorld(width, height);
    const seen = [];
    this.shapes.forEach((shape, index) => {
      if (shape.east >= west && shape.west <= east && shape.south >= north && shape.north <= south) seen.push(index);
    });
    return seen;
  }

  /** One path for each colour: ten thousand fields are some sixty fills. */
  #fill(context, seen) {
    const byClass = Array.from({ length: CLASSES + 1 }, () => []);
    for (const index of seen) byClass[this.classes[index] + 1].push(this.shapes[index]);
    byClass.forEach((shapes, at) => {
      if (shapes.length === 0) return;
      context.fillStyle = at === 0 ? hatching(context) : colourOfClass(at - 1);
      path(context, this, shapes);
      context.fill();
    });
  }

  #drawMarks(context) {
    const mark = (shapes, colour, width) => {
      path(context, this, shapes);
      context.strokeStyle = themed("--mark-casing");
      context.lineWidth = width + 2.5;
      context.stroke();
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.stroke();
    };
    context.lineJoin = "round";
    for (const kind of ["good", "bad"]) {
      const shapes = this.candidates.filter((candidate) => candidate.kind === kind).map(({ shape }) => shape);
      if (shapes.length === 0) continue;
      context.setLineDash(kind === "good" ? [] : [7, 5]);
      mark(shapes, themed(kind === "good" ? "--accent" : "--failed"), 2.5);
      context.setLineDash([]);
    }
    const chosen = [...this.selected].filter((index) => index < this.shapes.length);
    if (chosen.length > 0) mark(chosen.map((index) => this.shapes[index]), themed("--accent"), 2.5);
    if (this.pointed !== -1 && !this.selected.has(this.pointed)) {
      mark([this.shapes[this.pointed]], themed("--ink"), 1.5);
    }
  }

  /** Lay the NDVI pictures on the fields that are large enough to see their pixels. */
  #drawOverlays(context, seen) {
    const large = seen.filter((index) => (this.shapes[index].east - this.shapes[index].west) * this.scale >= OVERLAY_FROM);
    if (large.length > MAX_OVERLAYS) return;
    for (const index of large) {
      const overlay = this.told.overlay(index);
      const image = overlay && this.image(overlay.url);
      if (!image) continue;
      const [from, to] = [overlay.corners.top_left, overlay.corners.bottom_right].map(([longitude, latitude]) =>
        this.toScreen(toX(longitude), toY(latitude)),
      );
      context.save();
      context.imageSmoothingEnabled = image.naturalWidth > to.x - from.x; // a pixel that is seen is a square
      path(context, this, [this.shapes[index]]);
      context.fillStyle = hatching(context);
      context.fill();
      context.clip();
      context.drawImage(image, from.x, from.y, to.x - from.x, to.y - from.y);
      context.restore();
    }
  }

  /** An image that has been loaded, or null; then it is, and the map drawn again. */
  image(url) {
    let image = this.images.get(url);
    if (!image) {
      image = new Image();
      image.onload = () => this.draw();
      image.src = url;
      this.images.set(url, image);
      if (this.images.size > MAX_IMAGES) this.images.delete(this.images.keys().next().value);
    }
    return image.complete && image.naturalWidth > 0 ? image : null;
  }
}
