/** The date of the map: a slider with what each day brought, and play. */

/** @import { CellStatus } from "./answers.d.ts" */
/** @import { Grid } from "./grid.js" */

import { colourOfStatus, themed } from "./colours.js";
import { byId, oncePerFrame, sized } from "./dom.js";
import { codeOf } from "./grid.js";
import { change, state, watch } from "./state.js";
import { counted, longDay, monthOf } from "./words.js";

const FRAME_MILLISECONDS = 450;
const COMPUTED = codeOf("computed");
const KNOB = 16;
const WIDEST = 14;
/** @type {CellStatus[]} */
const SHOWN = ["computed", "cloudy", "failed", "missing"];

/** Wire the timeline up. */
export function startTimeline() {
  const slider = byId("date", HTMLInputElement);
  const player = new Player(byId("play"));
  const draw = oncePerFrame(drawDays);
  slider.addEventListener("input", () => {
    player.stop();
    if (state.grid) show(state.grid, Number(slider.value));
  });
  /** @param {number} direction */
  const step = (direction) => {
    player.stop();
    if (state.grid) show(state.grid, nextPass(state.grid, state.grid.column(state.date), direction));
  };
  byId("earlier").addEventListener("click", () => step(-1));
  byId("later").addEventListener("click", () => step(1));
  watch(["date", "grid", "view"], () => render(slider));
  watch(["grid", "view"], draw);
  new ResizeObserver(draw).observe(byId("date-days"));
  return draw;
}

/** Plays the days: goes from pass to pass until the last day. */
class Player {
  /** @param {HTMLElement} button */
  constructor(button) {
    this.button = button;
    /** The timer while it plays, else 0. */
    this.playing = 0;
    button.addEventListener("click", () => (this.playing ? this.stop() : this.play()));
  }

  play() {
    if (!state.grid) return;
    if (state.date === null) show(state.grid, nextPass(state.grid, -1, 1));
    this.playing = window.setInterval(() => this.#next(), FRAME_MILLISECONDS);
    this.button.setAttribute("aria-label", "Pause");
    this.button.dataset.playing = "";
  }

  #next() {
    const { grid, date } = state;
    if (!grid) return;
    const column = grid.column(date);
    if (column >= grid.length - 1) this.stop();
    else show(grid, nextPass(grid, column, 1));
  }

  stop() {
    clearInterval(this.playing);
    this.playing = 0;
    this.button.setAttribute("aria-label", "Play the season");
    delete this.button.dataset.playing;
  }
}

/** @param {Grid} grid @param {number} column */
function show(grid, column) {
  change({ date: column >= grid.length - 1 ? null : grid.day(column) });
}

/**
 * The next day, in a direction, on which a field got a value.
 *
 * @param {Grid} grid @param {number} column @param {number} direction
 */
function nextPass(grid, column, direction) {
  for (let at = column + direction; at >= 0 && at < grid.length; at += direction) {
    if (grid.counts(at)[COMPUTED] > 0) return at;
  }
  return direction > 0 ? grid.length - 1 : 0;
}

/** @param {HTMLInputElement} slider */
function render(slider) {
  const { grid } = state;
  if (!grid) return;
  const column = grid.column(state.date);
  const day = grid.day(column);
  for (const id of ["earlier", "play", "later"]) byId(id, HTMLButtonElement).disabled = false;
  slider.disabled = false;
  slider.max = String(grid.length - 1);
  slider.value = String(column);
  const computed = grid.counts(column)[COMPUTED];
  const values = counted(computed, "field has a value", "fields have a value");
  slider.setAttribute("aria-valuetext", `${longDay(day)}: ${values} of this day`);
  byId("date-text").textContent = longDay(day);
  byId("date-text", HTMLTimeElement).dateTime = day;
  byId("date-note").textContent = computed > 0 ? `${values} of this day` : "no new value on this day";
}

/** A column a day: which share of the fields has which answer. */
function drawDays() {
  const { grid } = state;
  const { context, width, height } = sized(byId("date-days", HTMLCanvasElement));
  context.clearRect(0, 0, width, height);
  if (!grid || width === 0) return;
  // Under the middle of the slider's knob when it stands on that day.
  const apart = (width - KNOB) / Math.max(grid.length - 1, 1);
  const side = Math.min(Math.max(apart - 1, 1), WIDEST);
  const fields = Math.max(grid.ids.length, 1);
  let labelled = -Infinity;
  context.font = "11px system-ui, sans-serif";
  for (let column = 0; column < grid.length; column++) {
    const counts = grid.counts(column);
    const middle = KNOB / 2 + column * apart;
    let top = height - 14;
    for (const status of SHOWN) {
      const tall = (counts[codeOf(status)] / fields) * (height - 16);
      context.fillStyle = colourOfStatus(status);
      context.fillRect(middle - side / 2, top - tall, side, tall);
      top -= tall;
    }
    if (grid.day(column).endsWith("-01") && middle - labelled > 70 && middle < width - 60) {
      labelled = middle;
      context.fillStyle = themed("--faint");
      context.fillText(monthOf(grid.day(column)), labelled, height - 2);
    }
  }
}
