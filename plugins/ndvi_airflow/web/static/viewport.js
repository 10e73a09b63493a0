/** What a canvas shows of the world: its centre and scale, and the way from points of one to points of the other. */

/** @import { Box, Point } from "./mercator.js" */

const MARGIN = 48;
const MAX_SCALE = 2 ** 30;
const MIN_SCALE = 512;

export class Viewport {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} onChange
   */
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.onChange = onChange;
    /** The point of the world in the middle of the canvas. @type {Point} */
    this.centre = { x: 0.5, y: 0.5 };
    /** Pixels that the whole world is wide. */
    this.scale = MIN_SCALE;
    /** The size of the canvas when it was last looked at. @type {{width: number, height: number} | null} */
    this.size = null;
  }

  get width() {
    return this.canvas.clientWidth;
  }

  get height() {
    return this.canvas.clientHeight;
  }

  /** Whether the canvas is hidden or not laid out yet. */
  get isEmpty() {
    return this.width === 0 || this.height === 0;
  }

  /** The part of the world that is in view. @returns {Box} */
  get box() {
    const { x: west, y: north } = this.toWorld(0, 0);
    const { x: east, y: south } = this.toWorld(this.width, this.height);
    return { west, north, east, south };
  }

  /** @param {number} x Pixels. @param {number} y @returns {Point} */
  toWorld(x, y) {
    return {
      x: this.centre.x + (x - this.width / 2) / this.scale,
      y: this.centre.y + (y - this.height / 2) / this.scale,
    };
  }

  /** @param {number} x @param {number} y @returns {Point} Pixels. */
  toScreen(x, y) {
    return {
      x: (x - this.centre.x) * this.scale + this.width / 2,
      y: (y - this.centre.y) * this.scale + this.height / 2,
    };
  }

  /** The middle of a box on the canvas. @param {Box} box */
  middle({ west, east, north, south }) {
    return this.toScreen((west + east) / 2, (north + south) / 2);
  }

  /** Keep what is shown where it is on the screen, though the canvas has another size: its upper left corner stays. */
  resize() {
    if (this.isEmpty) return;
    const { width, height, size } = this;
    if (size) {
      this.centre.x += (width - size.width) / 2 / this.scale;
      this.centre.y += (height - size.height) / 2 / this.scale;
    }
    this.size = { width, height };
  }

  /** Show a box as large as it fits. @param {Box} box */
  fit({ west, east, north, south }) {
    this.centre = { x: (west + east) / 2, y: (north + south) / 2 };
    this.#setScale(Math.min((this.width - 2 * MARGIN) / (east - west), (this.height - 2 * MARGIN) / (south - north)));
    this.onChange();
  }

  /** @param {number} factor @param {number} [x] The point of the canvas that stays where it is. @param {number} [y] */
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const before = this.toWorld(x, y);
    this.#setScale(this.scale * factor);
    const after = this.toWorld(x, y);
    this.centre.x += before.x - after.x;
    this.centre.y += before.y - after.y;
    this.onChange();
  }

  /** Move what is shown. @param {number} x Pixels. @param {number} y */
  pan(x, y) {
    this.centre.x -= x / this.scale;
    this.centre.y = Math.min(Math.max(this.centre.y - y / this.scale, 0), 1);
    this.onChange();
  }

  /** @param {number} scale */
  #setScale(scale) {
    this.scale = Math.min(Math.max(scale, MIN_SCALE), MAX_SCALE);
  }
}
