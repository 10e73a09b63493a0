/** The date of the map: a slider with what each day brought, and play. */

/** @import { CellStatus } from "./answers.d.ts" */
/** @import { Season } from "./season.js" */

import { colourOfStatus, themed } from "./colours.js";
import { byId, oncePerFrame, sized } from "./dom.js";
import { codeOf } from "./season.js";
import { change, state, watch } from "./state.js";
import { counted, longDay, monthOf, shortDay } from "./words.js";

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
    if (state.season) show(state.season, Number(slider.value));
  });
  /** @param {number} direction */
  const step = (direction) => {
    player.stop();
    if (state.season) show(state.season, nextPass(state.season, state.season.column(state.date), direction));
  };
  byId("earlier").addEventListener("click", () => step(-1));
  byId("later").addEventListener("click", () => step(1));
  watch(["date", "season", "view"], () => render(slider));
  watch(["season", "view"], draw);
  new ResizeObserver(draw).observe(byId("date-days"));
  return draw;
}

/** Plays the season: goes from pass to pass until the last day. */
class Player {
  /** @param {HTMLElement} button */
  constructor(button) {
    this.button = button;
    /** The timer while it plays, else 0. */
    this.playing = 0;
    button.addEventListener("click", () => (this.playing ? this.stop() : this.play()));
  }

  play() {
    if (!state.season) return;
    if (state.date === null) show(state.season, nextPass(state.season, -1, 1));
    this.playing = window.setInterval(() => this.#next(), FRAME_MILLISECONDS);
    this.button.setAttribute("aria-label", "Pause");
    this.button.dataset.playing = "";
  }

  #next() {
    const { season, date } = state;
    if (!season) return;
    const column = season.column(date);
    if (column >= season.length - 1) this.stop();
    else show(season, nextPass(season, column, 1));
  }

  stop() {
    clearInterval(this.playing);
    this.playing = 0;
    this.button.setAttribute("aria-label", "Play the season");
    delete this.button.dataset.playing;
  }
}

/** @param {Season} season @param {number} column */
function show(season, column) {
  change({ date: column >= season.length - 1 ? null : season.day(column) });
}

/**
 * The next day, in a direction, on which a field got a value.
 *
 * @param {Season} season @param {number} column @param {number} direction
 */
function nextPass(season, column, direction) {
  for (let at = column + direction; at >= 0 && at < season.length; at += direction) {
    if (season.counts(at)[COMPUTED] > 0) return at;
  }
  return direction > 0 ? season.length - 1 : 0;
}

/** @param {HTMLInputElement} slider */
function render(slider) {
  const { season } = state;
  if (!season) return;
  const column = season.column(state.date);
  const day = season.day(column);
  slider.max = String(season.length - 1);
  slider.value = String(column);
  const computed = season.counts(column)[COMPUTED];
  const values = counted(computed, "field has a value", "fields have a value");
  slider.setAttribute("aria-valuetext", `${longDay(day)}: ${values} of this day`);
  byId("date-text").textContent = longDay(day);
  byId("date-text", HTMLTimeElement).dateTime = day;
  byId("date-note").textContent = computed > 0 ? `${values} of this day` : "no new value on this day";
  byId("date-first").textContent = shortDay(season.start);
  byId("date-last").textContent = shortDay(season.end);
}

/** A column a day: which share of the fields has which answer. */
function drawDays() {
  const { season } = state;
  const { context, width, height } = sized(byId("date-days", HTMLCanvasElement));
  context.clearRect(0, 0, width, height);
  if (!season || width === 0) return;
  // Under the middle of the slider's knob when it stands on that day.
  const apart = (width - KNOB) / Math.max(season.length - 1, 1);
  const side = Math.min(Math.max(apart - 1, 1), WIDEST);
  const fields = Math.max(season.ids.length, 1);
  let labelled = -Infinity;
  context.font = "11px system-ui, sans-serif";
  for (let column = 0; column < season.length; column++) {
    const counts = season.counts(column);
    const middle = KNOB / 2 + column * apart;
    let top = height - 14;
    for (const status of SHOWN) {
      const tall = (counts[codeOf(status)] / fields) * (height - 16);
      context.fillStyle = colourOfStatus(status);
      context.fillRect(middle - side / 2, top - tall, side, tall);
      top -= tall;
    }
    if (season.day(column).endsWith("-01") && middle - labelled > 70 && middle < width - 60) {
      labelled = middle;
      context.fillStyle = themed("--faint");
      context.fillText(monthOf(season.day(column)), labelled, height - 2);
    }
  }
}
