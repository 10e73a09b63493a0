/** How statuses, days and numbers are said to people. */

/** @import { CellStatus, FieldStatus, Index, Observation, SeasonStatus, Status } from "./answers.d.ts" */

/**
 * In the order of legends. The last two are the page's own: a day without a row, and a day that is not due.
 *
 * @type {CellStatus[]}
 */
export const STATUSES = [
  "computed",
  "cloudy",
  "shadow",
  "snow",
  "no_scene",
  "no_data",
  "undefined",
  "outside_extent",
  "too_small",
  "failed",
  "missing",
  "not_due",
];

/** @type {Record<CellStatus, string>} */
const WORDS = {
  computed: "computed",
  cloudy: "cloudy",
  shadow: "in cloud shadow",
  snow: "under snow",
  no_scene: "no scene",
  no_data: "no data",
  undefined: "undefined",
  outside_extent: "outside the extent",
  too_small: "too small",
  failed: "failed",
  missing: "missing",
  not_due: "not planted or not due",
};

/** @type {Record<CellStatus, string>} */
const WHY = {
  computed: "Computed",
  cloudy: "Too cloudy for a value",
  shadow: "Too much in cloud shadow for a value",
  snow: "Too much under snow for a value",
  no_scene: "No Sentinel-2 scene on this day",
  no_data: "The scene has no data here",
  undefined: "The pixels have no reflectance",
  outside_extent: "Outside the processing extent",
  too_small: "Smaller than a pixel",
  failed: "The computation failed",
  missing: "Not computed yet",
  not_due: "Not planted, or not due",
};

/** @param {CellStatus} status */
export const word = (status) => WORDS[status] ?? status;

/** Why a cell has no value. @param {CellStatus} status */
export const why = (status) => WHY[status] ?? status;

/** The class of the style sheet that stands for a status. @param {CellStatus} status */
export const classNameOf = (status) => status.replaceAll("_", "-");

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const SHORT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const MONTH = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric", timeZone: "UTC" });
const MILLISECONDS_A_DAY = 86_400_000;

/** A day as the whole page has it: 25 Jun 2025. @param {string} day */
export const longDay = (day) => DAY.format(new Date(day));
/** @param {string} day */
const shortDay = (day) => SHORT.format(new Date(day));
/** @param {string} day */
export const monthOf = (day) => MONTH.format(new Date(day));

/** Some days in a row. @param {string} start @param {string} end */
export const periodOf = (start, end) => {
  if (start === end) return longDay(start);
  return `${start.slice(0, 4) === end.slice(0, 4) ? shortDay(start) : longDay(start)} to ${longDay(end)}`;
};

/** Whether a text is a day, YYYY-MM-DD. @param {string} text */
export const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && dayOf(dayNumber(text)) === text;

/** Days since 1970. @param {string} day */
export const dayNumber = (day) => Math.round(Date.parse(day) / MILLISECONDS_A_DAY);
/** @param {number} number */
export const dayOf = (number) => new Date(number * MILLISECONDS_A_DAY).toISOString().slice(0, 10);

/** @param {number | null | undefined} value */
export const ndvi = (value) => (value === null || value === undefined ? "–" : value.toFixed(2).replace("-", "−"));
/** @param {number} share */
export const percent = (share) => `${Math.round(share * 100)} %`;

/**
 * Why a field has no value on a day, in more words where that day is its newest.
 *
 * @param {{plant_date: string, last_status?: Status | null, last_reason?: string | null}} properties
 * @param {CellStatus} status
 */
export function whyNot({ plant_date: planted, last_status: last, last_reason: reason }, status) {
  if (status === "not_due") return `${why(status)}: planted on ${longDay(planted)}`;
  return last === status && reason ? `${why(status)}: ${reason}` : why(status);
}

/**
 * The season in which a day lies, if it lies in one.
 *
 * @param {FieldStatus} field @param {string} day
 */
export const seasonOn = ({ seasons }, day) => seasons.find((one) => isWithin(one, day));

/** Whether a day lies in a season. @param {SeasonStatus} season @param {string} day */
export const isWithin = ({ plant_date: first, end_date: last }, day) => first <= day && (last === null || day <= last);

/** What an index is called. @param {Pick<Index, "name"> | undefined} index */
export const nameOf = (index) => (index?.name ?? "ndvi").toUpperCase();

/**
 * An observation in a few words.
 *
 * @param {Observation} one
 * @param {string} [index] What an index is called, where it is not NDVI alone.
 * @param {number | null} [value] Its value.
 */
export function said(one, index = "NDVI", value = null) {
  if (one.status !== "computed") return [word(one.status), one.reason ?? ""].filter(Boolean);
  return [
    `NDVI ${ndvi(one.ndvi_mean)} ± ${ndvi(one.ndvi_std)}`,
    ...(index === "NDVI" ? [] : [`${index} ${ndvi(value)}`]),
    `${percent(one.valid_fraction ?? 0)} of the field valid`,
    ...one.quality.map((doubt) => doubt.replaceAll("_", " ")),
  ];
}

/** A difference, always with its sign. @param {number | null | undefined} value @param {number} [digits] */
export function signed(value, digits = 2) {
  if (value === null || value === undefined) return "–";
  const rounded = value.toFixed(digits);
  return Number(rounded) === 0 ? `±${(0).toFixed(digits)}` : rounded.startsWith("-") ? rounded.replace("-", "−") : `+${rounded}`;
}

/** @param {number | null | undefined} area */
export function hectares(area) {
  if (area === null || area === undefined) return "–";
  const digits = area < 10 ? 2 : 1;
  return area.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** @param {number} count @param {string} one @param {string} [many] */
export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** A crop as a person writes it: `winter_wheat` is "winter wheat". @param {string} name */
export const crop = (name) => name.replaceAll("_", " ");

/** Words of the API with its days as the page writes them. @param {string} words */
export const withLongDays = (words) => words.replace(/\b\d{4}-\d{2}-\d{2}\b/g, (day) => (isDay(day) ? longDay(day) : day));

/** What went wrong, in the words of the error. @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));
