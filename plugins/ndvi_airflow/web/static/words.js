/** How statuses, days and numbers are said to people. */

/** In the order of legends. The last two are the page's own: a day without a row, and a day that is not due. */
export const STATUSES = [
  "computed",
  "cloudy",
  "no_scene",
  "no_data",
  "outside_extent",
  "too_small",
  "failed",
  "missing",
  "not_due",
];

const WORDS = {
  computed: "computed",
  cloudy: "cloudy",
  no_scene: "no scene",
  no_data: "no data",
  outside_extent: "outside the extent",
  too_small: "too small",
  failed: "failed",
  missing: "missing",
  not_due: "not planted or not due",
};

const WHY = {
  computed: "Computed",
  cloudy: "Too cloudy for a value",
  no_scene: "No Sentinel-2 scene on this day",
  no_data: "The scene has no valid pixels here",
  outside_extent: "Outside the processing extent",
  too_small: "Smaller than a pixel",
  failed: "The computation failed",
  missing: "Not computed yet",
  not_due: "Not planted, or not due",
};

/** @param {string} status */
export const word = (status) => WORDS[status] ?? status;

/** Why a cell has no value. @param {string} status */
export const why = (status) => WHY[status] ?? status;

const LONG = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
const SHORT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const MONTH = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric", timeZone: "UTC" });
const MILLISECONDS_A_DAY = 86_400_000;

/** @param {string} day */
export const longDay = (day) => LONG.format(new Date(day));
/** @param {string} day */
export const shortDay = (day) => SHORT.format(new Date(day));
/** @param {string} day */
export const monthOf = (day) => MONTH.format(new Date(day));

/** Days since 1970. @param {string} day */
export const dayNumber = (day) => Math.round(Date.parse(day) / MILLISECONDS_A_DAY);
/** @param {number} number */
export const dayOf = (number) => new Date(number * MILLISECONDS_A_DAY).toISOString().slice(0, 10);

/** @param {number | null | undefined} value */
export const ndvi = (value) => (value === null || value === undefined ? "–" : value.toFixed(2).replace("-", "−"));
/** @param {number} share */
export const percent = (share) => `${Math.round(share * 100)} %`;

/** @param {number} count @param {string} one @param {string} [many] */
export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** A crop as a person writes it: `winter_wheat` is "winter wheat". @param {string} name */
export const crop = (name) => name.replaceAll("_", " ");
