/** The date of the map: a slider with what each day brought, and play. */

import { colourOfStatus, themed } from "./colours.js";
import { byId, oncePerFrame, sized } from "./dom.js";
import { change, state, watch } from "./state.js";
import { STATUSES, counted, longDay, monthOf, shortDay } from "./words.js";

const FRAME_MILLISECONDS = 450;
const COMPUTED = STATUSES.indexOf("computed");
const KNOB = 16;
const WIDEST = 14;
const SHOWN = ["computed", "cloudy", "failed", "missing"];

let playing = 0;

/** Wire the timeline up. */
export function startTimeline() {
  const slider = byId("date");
  const draw = oncePerFrame(drawDays);
  slider.addEventListener("input", () => {
    stop();
    show(Number(slider.value));
  });
  byId("play").addEventListener("click", () => (playing ? stop() : play()));
  byId("earlier").addEventListener("click", () => step(-1));
  byId("later").addEventListener("click", () => step(1));
  watch(["date", "season", "view"], render);
  watch(["season", "view"], draw);
  new ResizeObserver(draw).observe(byId("date-days"));
  return draw;
}

function render() {
  const { season } = state;
  if (!season) return;
  const slider = byId("date");
  const column = season.column(state.date);
  const day = season.day(column);
  slider.max = String(season.length - 1);
  slider.value = String(column);
  const counts = season.counts(column);
  const values = counted(counts[COMPUTED], "field has a value", "fields have a value");
  slider.setAttribute("aria-valuetext", `${longDay(day)}: ${values} of this day`);
  byId("date-text").textContent = longDay(day);
  byId("date-text").dateTime = day;
  byId("date-note").textContent =
    counts[COMPUTED] > 0 ? `${values} of this day` : "no new value on this day";
  byId("date-first").textContent = shortDay(season.start);
  byId("date-last").textContent = shortDay(season.end);
}

function show(column) {
  const { season } = state;
  change({ date: column >= season.length - 1 ? null : season.day(column) });
}

/** The next day, in a direction, on which a field got a value. */
function nextPass(column, direction) {
  const { season } = state;
  for (let at = column + direction; at >= 0 && at < season.length; at += direction) {
    if (season.counts(at)[COMPUTED] > 0) return at;
  }
  return direction > 0 ? season.length - 1 : 0;
}

function step(direction) {
  stop();
  if (state.season) show(nextPass(state.season.column(state.date), direction));
}

function play() {
  if (!state.season) return;
  if (state.date === null) show(nextPass(-1, 1));
  playing = window.setInterval(() => {
    const column = state.season.column(state.date);
    if (column >= state.season.length - 1) stop();
    else show(nextPass(column, 1));
  }, FRAME_MILLISECONDS);
  byId("play").setAttribute("aria-label", "Pause");
  byId("play").dataset.playing = "";
}

function stop() {
  clearInterval(playing);
  playing = 0;
  byId("play").setAttribute("aria-label", "Play the season");
  delete byId("play").dataset.playing;
}

/** A column a day: which share of the fields has which answer. */
function drawDays() {
  const { season } = state;
  const canvas = byId("date-days");
  const { context, width, height } = sized(canvas);
  context.clearRect(0, 0, width, height);
  if (!season || width === 0) return;
  // Under the middle of the slider's knob when it stands on that day.
  const step = (width - KNOB) / Math.max(season.length - 1, 1);
  const side = Math.min(Math.max(step - 1, 1), WIDEST);
  const middle = (column) => KNOB / 2 + column * step;
  const fields = Math.max(season.ids.length, 1);
  let labelled = -Infinity;
  context.font = "11px system-ui, sans-serif";
  for (let column = 0; column < season.length; column++) {
    const counts = season.counts(column);
    let top = height - 14;
    for (const status of SHOWN) {
      const tall = (counts[STATUSES.indexOf(status)] / fields) * (height - 16);
      context.fillStyle = colourOfStatus(status);
      context.fillRect(middle(column) - side / 2, top - tall, side, tall);
      top -= tall;
    }
    if (season.day(column).endsWith("-01") && middle(column) - labelled > 70 && middle(column) < width - 60) {
      labelled = middle(column);
      context.fillStyle = themed("--faint");
      context.fillText(monthOf(season.day(column)), labelled, height - 2);
    }
  }
}
