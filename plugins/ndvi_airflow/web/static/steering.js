/** How a map is steered: by one pointer or two, by the wheel and by the keyboard. */

/** @import { FieldMap } from "./map.js" */
/** @import { Point } from "./mercator.js" */

const ZOOM_STEP = 1.6;
const PAN_STEP = 60;
const CLICK_PIXELS = 4;
/** What the wheel has to turn for twice the scale, in its own units. */
const WHEEL_PIXELS = 250;
const WHEEL_LINES = 8;

/** @param {FieldMap} map */
export function steer(map) {
  new Pointers(map);
  listenToKeys(map);
}

/** Fingers and the mouse: those that are down move and zoom the map, a mouse that is not points at its fields. */
class Pointers {
  /** @param {FieldMap} map */
  constructor(map) {
    this.map = map;
    this.canvas = map.view.canvas;
    /** Where those that are down were last, by their ids. @type {Map<number, Point>} */
    this.down = new Map();
    /** Pixels since the first one came down. */
    this.moved = 0;
    /** Whether it holds a corner of a boundary that is edited. */
    this.isHolding = false;
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#release(event));
    canvas.addEventListener("lostpointercapture", (event) => this.#lose(event)); // after a release, too
    canvas.addEventListener("pointerleave", () => map.point(-1, 0, 0));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("dblclick", (event) => {
      const { x, y } = this.#place(event);
      map.view.zoom(ZOOM_STEP ** 2, x, y);
    });
  }

  /** Where an event is on the canvas. @param {MouseEvent} event @returns {Point} */
  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** @param {PointerEvent} event */
  #press(event) {
    this.map.touch();
    this.canvas.setPointerCapture(event.pointerId);
    this.isHolding = this.down.size === 0 && (this.map.editor?.press(this.#place(event)) ?? false);
    if (this.isHolding) return;
    this.down.set(event.pointerId, this.#place(event));
    if (this.down.size === 1) this.moved = 0;
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const now = this.#place(event);
    if (this.isHolding) {
      this.map.editor?.drag(now);
      return;
    }
    const before = this.down.get(event.pointerId);
    if (before) {
      this.moved += distance(now, before);
      this.#drag(event.pointerId, before, now);
      return;
    }
    this.map.pointAt(now, event.clientX, event.clientY);
    this.canvas.style.cursor = this.map.pointed === -1 ? "grab" : "pointer";
  }

  /** One pointer moves the map, a second one zooms it. @param {number} id @param {Point} before @param {Point} now */
  #drag(id, before, now) {
    const { view } = this.map;
    const other = [...this.down].find(([one]) => one !== id)?.[1];
    this.down.set(id, now);
    if (other) {
      const factor = distance(now, other) / distance(before, other);
      view.zoom(factor || 1, (now.x + other.x) / 2, (now.y + other.y) / 2);
    } else if (this.moved > CLICK_PIXELS) view.pan(now.x - before.x, now.y - before.y);
  }

  /** @param {PointerEvent} event */
  #release(event) {
    if (this.down.has(event.pointerId) && this.moved <= CLICK_PIXELS && !this.map.editor) this.map.pickAt(this.#place(event), event.shiftKey || event.ctrlKey);
  }

  /** @param {PointerEvent} event */
  #lose(event) {
    if (this.isHolding) this.map.editor?.release();
    this.isHolding = false;
    this.down.delete(event.pointerId);
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    this.map.touch();
    const { x, y } = this.#place(event);
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? WHEEL_LINES : WHEEL_PIXELS;
    this.map.view.zoom(2 ** (-event.deltaY / unit), x, y);
  }
}

/** @param {FieldMap} map */
function listenToKeys(map) {
  const { view } = map;
  /** @type {Record<string, (event: KeyboardEvent) => void>} */
  const actions = {
    ArrowLeft: () => view.pan(PAN_STEP, 0),
    ArrowRight: () => view.pan(-PAN_STEP, 0),
    ArrowUp: () => view.pan(0, PAN_STEP),
    ArrowDown: () => view.pan(0, -PAN_STEP),
    "+": () => view.zoom(ZOOM_STEP),
    "=": () => view.zoom(ZOOM_STEP),
    "-": () => view.zoom(1 / ZOOM_STEP),
    0: () => map.show(),
    n: () => map.step(1),
    p: () => map.step(-1),
    Enter: (event) => map.pickPointed(event.shiftKey),
  };
  view.canvas.addEventListener("keydown", (event) => {
    if (event.altKey || event.metaKey || event.ctrlKey) return;
    if (map.editor?.key(event)) return event.preventDefault();
    const act = actions[event.key];
    if (!act) return;
    event.preventDefault();
    map.touch();
    act(event);
  });
}

/** @param {Point} one @param {Point} other */
const distance = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);
