/** Moves the last picture of the map while the view moves, where drawing its fields takes longer than a frame. */

/** @import { Point } from "./mercator.js" */
/** @import { Viewport } from "./viewport.js" */

import { oncePerFrame, penOf, sized } from "./dom.js";
import { drawLand } from "./ground.js";

const STILL_MILLISECONDS = 120;

/** @typedef {{picture: HTMLCanvasElement, centre: Point, scale: number}} Kept */

export class Glide {
  /**
   * @param {Viewport} view
   * @param {() => void} onStill Called once the view has not moved for a moment.
   */
  constructor(view, onStill) {
    this.view = view;
    this.onStill = onStill;
    /** The last picture, and where the view was then. @type {Kept | null} */
    this.last = null;
    this.timer = 0;
    /** Show the last picture where the view is now. */
    this.follow = oncePerFrame(() => this.#follow());
  }

  /** Keep what the canvas shows. */
  keep() {
    const { canvas, centre, scale } = this.view;
    const picture = this.last?.picture ?? document.createElement("canvas");
    picture.width = canvas.width;
    picture.height = canvas.height;
    penOf(picture).drawImage(canvas, 0, 0);
    this.last = { picture, centre: { ...centre }, scale };
  }

  forget() {
    this.last = null;
  }

  #follow() {
    if (!this.last) return;
    const { picture, centre, scale } = this.last;
    const { context, width, height } = sized(this.view.canvas);
    const factor = this.view.scale / scale;
    const { x, y } = this.view.toScreen(centre.x, centre.y);
    drawLand(context, this.view);
    context.drawImage(picture, x - (width * factor) / 2, y - (height * factor) / 2, width * factor, height * factor);
    clearTimeout(this.timer);
    this.timer = window.setTimeout(this.onStill, STILL_MILLISECONDS);
  }
}
