/** A raster on a canvas: drawn pixel by pixel, pointed at by mouse, finger or arrow keys, and one day beside another. */

/** @import { Raster } from "./raster.js" */

import { hatching, themed } from "./colours.js";
import { h, oncePerFrame, penOf, sized } from "./dom.js";

const MARGIN = 6;

/**
 * @typedef {{column: number, row: number}} Pixel
 *
 * @typedef {object} Layer
 * @property {Raster} raster
 * @property {(value: number) => [number, number, number]} colour
 * @property {Pixel} offset Of its upper left pixel from that of the first layer.
 * @property {Map<number, Pixel>} [labels] Where a number is written.
 */

export class RasterView {
  /**
   * @param {(pixel: Pixel | null) => void} onPoint Called with the pixel that is pointed at.
   * @param {(share: number) => void} onSwipe Called when the line between two days is dragged.
   */
  constructor(onPoint, onSwipe) {
    this.onPoint = onPoint;
    this.onSwipe = onSwipe;
    this.canvas = h("canvas", { class: "raster", role: "application", tabindex: 0 });
    /** @type {Layer[]} The second one is shown to the right of the swipe. */
    this.layers = [];
    /** @type {HTMLCanvasElement[]} The layers' pixels, one each. */
    this.images = [];
    this.swipe = 0.5;
    /** @type {Pixel | null} */
    this.pixel = null;
    this.draw = oncePerFrame(() => this.#draw());
    new ResizeObserver(this.draw).observe(this.canvas);
    this.#listen();
  }

  /** @param {string} name What a screen reader says. @param {Layer[]} layers One, or two that are compared. */
  show(name, layers) {
    this.canvas.setAttribute("aria-label", `${name}. Arrow keys go from pixel to pixel, and the value is said.`);
    this.layers = layers;
    this.images = layers.map(imageOf);
    this.pixel = null;
    this.draw();
  }

  /** @param {number} share Of the width that shows the first day. */
  setSwipe(share) {
    this.swipe = share;
    this.draw();
  }

  #listen() {
    const { canvas } = this;
    let isDragged = false;
    canvas.addEventListener("pointermove", (event) => {
      const at = this.#placeOf(event);
      if (isDragged) this.onSwipe(at.share);
      this.#point(at.pixel);
    });
    canvas.addEventListener("pointerdown", (event) => {
      if (this.layers.length < 2) return;
      isDragged = true;
      canvas.setPointerCapture(event.pointerId);
      this.onSwipe(this.#placeOf(event).share);
    });
    canvas.addEventListener("lostpointercapture", () => (isDragged = false)); // after a release, too
    canvas.addEventListener("pointerleave", () => this.#point(null));
    canvas.addEventListener("blur", () => this.#point(null));
    canvas.addEventListener("keydown", (event) => {
      /** @type {Record<string, [number, number]>} */
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      const step = steps[event.key];
      const raster = this.layers[0]?.raster;
      if (!step || !raster) return;
      event.preventDefault();
      const from = this.pixel ?? { column: (raster.width - 1) >> 1, row: (raster.height - 1) >> 1 };
      const [column, row] = this.pixel ? [from.column + step[0], from.row + step[1]] : [from.column, from.row];
      this.#point({ column: clamp(column, raster.width), row: clamp(row, raster.height) });
    });
  }

  /** @param {Pixel | null} pixel */
  #point(pixel) {
    if (pixel?.column === this.pixel?.column && pixel?.row === this.pixel?.row) return;
    this.pixel = pixel;
    this.onPoint(pixel);
    this.draw();
  }

  /** Where a raster lies on the canvas, in CSS pixels. */
  #frame() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const raster = this.layers[0].raster;
    const scale = Math.min((width - 2 * MARGIN) / raster.width, (height - 2 * MARGIN) / raster.height);
    return { scale, left: (width - scale * raster.width) / 2, top: (height - scale * raster.height) / 2 };
  }

  /** @param {PointerEvent} event */
  #placeOf(event) {
    const box = this.canvas.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    if (this.layers.length === 0) return { share, pixel: null };
    const { scale, left, top } = this.#frame();
    const { width, height } = this.layers[0].raster;
    const column = Math.floor((event.clientX - box.left - left) / scale);
    const row = Math.floor((event.clientY - box.top - top) / scale);
    const isWithin = column >= 0 && column < width && row >= 0 && row < height;
    return { share, pixel: isWithin ? { column, row } : null };
  }

  #draw() {
    if (this.canvas.clientWidth === 0) return;
    const { context, width, height } = sized(this.canvas);
    context.clearRect(0, 0, width, height);
    if (this.layers.length === 0) return;
    const frame = this.#frame();
    this.layers.forEach((layer, number) => {
      context.save();
      if (number === 1) {
        context.beginPath();
        context.rect(width * this.swipe, 0, width, height);
        context.clip();
        context.clearRect(0, 0, width, height);
      }
      drawLayer(context, layer, this.images[number], frame);
      context.restore();
    });
    if (this.layers.length === 2) drawDivider(context, width * this.swipe, height);
    if (this.pixel) drawCursor(context, this.pixel, frame);
  }
}

/** @typedef {{scale: number, left: number, top: number}} Frame */

/** @param {Layer} layer */
export function imageOf({ raster: { width, height, values }, colour }) {
  const canvas = h("canvas", { width, height });
  const pen = penOf(canvas);
  const pixels = pen.createImageData(width, height);
  for (let at = 0; at < values.length; at++) {
    if (Number.isNaN(values[at])) continue;
    pixels.data.set([...colour(values[at]), 255], at * 4);
  }
  pen.putImageData(pixels, 0, 0);
  return canvas;
}

/**
 * Draw what has no value as hatched, the pixels, and the outline.
 *
 * @param {CanvasRenderingContext2D} context @param {Layer} layer @param {HTMLCanvasElement} image @param {Frame} frame
 */
export function drawLayer(context, { raster, labels, offset }, image, frame) {
  const { scale } = frame;
  const [left, top] = [frame.left + offset.column * scale, frame.top + offset.row * scale];
  context.beginPath();
  for (const ring of raster.outline) {
    ring.forEach(([column, row], at) => context[at === 0 ? "moveTo" : "lineTo"](left + column * scale, top + row * scale));
    context.closePath();
  }
  context.fillStyle = hatching(context);
  context.fill("evenodd");
  context.imageSmoothingEnabled = false;
  context.drawImage(image, left, top, raster.width * scale, raster.height * scale);
  context.strokeStyle = themed("--boundary");
  context.lineWidth = 1.5;
  context.stroke();
  context.font = "600 14px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 4;
  for (const [number, { column, row }] of labels ?? []) {
    const place = /** @type {const} */ ([String(number), left + (column + 0.5) * scale, top + (row + 0.5) * scale]);
    context.strokeStyle = "#fffc";
    context.fillStyle = "#1c2328";
    context.strokeText(...place);
    context.fillText(...place);
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} height */
function drawDivider(context, x, height) {
  for (const [colour, width] of /** @type {const} */ ([["#fff", 4], ["#1c2328", 1.5]])) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, height);
    context.stroke();
  }
}

/** @param {CanvasRenderingContext2D} context @param {Pixel} pixel @param {Frame} frame */
function drawCursor(context, { column, row }, { scale, left, top }) {
  for (const [colour, width] of /** @type {const} */ ([["#fff", 4], ["#1c2328", 2]])) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.strokeRect(left + column * scale, top + row * scale, scale, scale);
  }
}

/** @param {number} value @param {number} size */
const clamp = (value, size) => Math.min(Math.max(value, 0), size - 1);
