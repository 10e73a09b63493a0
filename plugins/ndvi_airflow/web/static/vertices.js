/** Moves, adds and removes the corners of a boundary on the map, by pointer and by keyboard. */

/** @import { Geometry, Position } from "./answers.d.ts" */
/** @import { FieldMap } from "./map.js" */
/** @import { Point } from "./mercator.js" */
/** @import { Viewport } from "./viewport.js" */

import { themed } from "./colours.js";
import { announce } from "./dom.js";
import { toLatitude, toLongitude, toX, toY } from "./mercator.js";

/** Pixels around a corner in which it is taken: a target of 24. */
const REACH = 12;
const CORNER = 5;
const CHOSEN = 7;
const MIDDLE = 3.5;
/** Pixels that an arrow key moves a corner, and with Shift. */
const STEP = 1;
const FAR_STEP = 10;
/** A centimetre. */
const DIGITS = 7;
const FEWEST = 3;

/** @typedef {{ring: number, at: number}} Place A corner. */

export class Vertices {
  /**
   * @param {FieldMap} map @param {Geometry} geometry
   * @param {(geometry: Geometry) => void} onChange
   */
  constructor(map, geometry, onChange) {
    this.map = map;
    this.onChange = onChange;
    /** @type {Place | null} */
    this.chosen = null;
    this.isHeld = false;
    /** How many rings each polygon has. @type {number[]} */
    this.polygons = [];
    /** Their corners, the last one not that of the beginning again. @type {Position[][]} */
    this.rings = [];
    this.set(geometry);
  }

  /** Take another boundary. @param {Geometry} geometry */
  set(geometry) {
    const polygons = geometry.type === "MultiPolygon" ? geometry.coordinates : [geometry.coordinates];
    this.isMulti = geometry.type === "MultiPolygon";
    this.polygons = polygons.map((rings) => rings.length);
    this.rings = polygons.flat().map((ring) => ring.slice(0, -1).map(([longitude, latitude]) => [longitude, latitude]));
    this.chosen = null;
    this.#show();
  }

  /** @returns {Geometry} */
  get geometry() {
    const closed = this.rings.map((ring) => [...ring, ring[0]]);
    const polygons = this.polygons.map((count) => closed.splice(0, count));
    return this.isMulti ? { type: "MultiPolygon", coordinates: polygons } : { type: "Polygon", coordinates: polygons[0] };
  }

  #show() {
    this.map.setCandidates([{ geometry: this.geometry, kind: "good" }]);
  }

  #changed() {
    this.#show();
    this.onChange(this.geometry);
  }

  // By pointer

  /** Take hold of a corner, or of a new one in the middle of an edge; whether there is one. @param {Point} point */
  press(point) {
    const corner = this.#near(point, (ring, at) => this.rings[ring][at]);
    const middle = corner ? null : this.#near(point, (ring, at) => this.#middle({ ring, at }));
    if (middle) this.#insert(middle);
    else this.chosen = corner;
    this.isHeld = this.chosen !== null;
    this.map.draw();
    return this.isHeld;
  }

  /** Move the corner that is held. @param {Point} point */
  drag(point) {
    if (this.isHeld) this.#move(point);
  }

  release() {
    this.isHeld = false;
    this.#say();
  }

  /** The place whose point is nearest, within reach. @param {Point} point @param {(ring: number, at: number) => Position} of */
  #near(point, of) {
    let nearest = REACH;
    /** @type {Place | null} */
    let found = null;
    this.rings.forEach((corners, ring) =>
      corners.forEach((_, at) => {
        const { x, y } = this.#onScreen(of(ring, at));
        const away = Math.hypot(x - point.x, y - point.y);
        if (away > nearest) return;
        nearest = away;
        found = { ring, at };
      }),
    );
    return /** @type {Place | null} */ (found);
  }

  // By keyboard

  /** Do what a key says; whether it said anything. @param {KeyboardEvent} event */
  key(event) {
    const { chosen } = this;
    /** @type {Record<string, (() => void) | undefined>} */
    const always = { n: () => this.#step(1), p: () => this.#step(-1) };
    const far = event.shiftKey ? FAR_STEP : STEP;
    /** @type {Record<string, (() => void) | undefined>} */
    const withChosen = {
      ArrowLeft: () => this.#nudge(-far, 0),
      ArrowRight: () => this.#nudge(far, 0),
      ArrowUp: () => this.#nudge(0, -far),
      ArrowDown: () => this.#nudge(0, far),
      i: () => chosen && this.#insert(chosen),
      Delete: () => this.remove(),
      Backspace: () => this.remove(),
      Escape: () => {
        this.chosen = null;
        this.map.draw();
      },
    };
    const act = always[event.key] ?? (chosen ? withChosen[event.key] : undefined);
    act?.();
    if (act) this.#say();
    return act !== undefined;
  }

  /** @param {1 | -1} by */
  #step(by) {
    const places = this.rings.flatMap((corners, ring) => corners.map((_, at) => ({ ring, at })));
    const now = places.findIndex(({ ring, at }) => ring === this.chosen?.ring && at === this.chosen.at);
    this.chosen = places[now === -1 && by < 0 ? places.length - 1 : (now + by + places.length) % places.length];
    this.map.draw();
  }

  /** @param {number} right Pixels. @param {number} down */
  #nudge(right, down) {
    if (!this.chosen) return;
    const { x, y } = this.#onScreen(this.rings[this.chosen.ring][this.chosen.at]);
    this.#move({ x: x + right, y: y + down });
  }

  /** Remove the chosen corner, unless the ring needs it. */
  remove() {
    if (!this.chosen) return;
    const { ring, at } = this.chosen;
    if (this.rings[ring].length <= FEWEST) return;
    this.rings[ring].splice(at, 1);
    this.chosen = { ring, at: at % this.rings[ring].length };
    this.#changed();
  }

  /** Put a corner into the middle of the edge that begins at a place, and choose it. @param {Place} place */
  #insert(place) {
    this.rings[place.ring].splice(place.at + 1, 0, this.#middle(place));
    this.chosen = { ring: place.ring, at: place.at + 1 };
    this.#changed();
  }

  /** @param {Point} point Of the canvas. */
  #move(point) {
    if (!this.chosen) return;
    const { x, y } = this.map.view.toWorld(point.x, point.y);
    this.rings[this.chosen.ring][this.chosen.at] = [rounded(toLongitude(x)), rounded(toLatitude(y))];
    this.#changed();
  }

  #say() {
    if (!this.chosen) return;
    const { ring, at } = this.chosen;
    const [longitude, latitude] = this.rings[ring][at];
    const part = this.rings.length > 1 ? ` of ring ${ring + 1}` : "";
    announce(`Corner ${at + 1} of ${this.rings[ring].length}${part}: ${longitude.toFixed(5)}, ${latitude.toFixed(5)}`);
  }

  /** @param {Place} place @returns {Position} */
  #middle({ ring, at }) {
    const corners = this.rings[ring];
    const [one, other] = [corners[at], corners[(at + 1) % corners.length]];
    return [rounded((one[0] + other[0]) / 2), rounded((one[1] + other[1]) / 2)];
  }

  /** @param {Position} position */
  #onScreen([longitude, latitude]) {
    return this.map.view.toScreen(toX(longitude), toY(latitude));
  }

  /** @param {CanvasRenderingContext2D} context @param {Viewport} view */
  draw(context, view) {
    context.lineWidth = 2;
    /** @param {Position} position @param {number} radius @param {string} fill */
    const dot = ([longitude, latitude], radius, fill) => {
      const { x, y } = view.toScreen(toX(longitude), toY(latitude));
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fillStyle = themed(fill);
      context.strokeStyle = themed("--ink");
      context.fill();
      context.stroke();
    };
    this.rings.forEach((corners, ring) =>
      corners.forEach((corner, at) => {
        const isChosen = this.chosen?.ring === ring && this.chosen.at === at;
        dot(this.#middle({ ring, at }), MIDDLE, "--paper");
        dot(corner, isChosen ? CHOSEN : CORNER, isChosen ? "--ink" : "--accent");
      }),
    );
  }
}

/** @param {number} degrees */
const rounded = (degrees) => Number(degrees.toFixed(DIGITS));
