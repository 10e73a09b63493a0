/** What is new of all fields, and which of them the filters leave. */

/** @import { Field, StandingColumns } from "./answers.d.ts" */
/** @import { Addressed } from "./state.js" */

import { crop } from "./words.js";

/** @typedef {{[Name in keyof StandingColumns]: StandingColumns[Name][number]}} Standing What is new of a field. */

/** All fields by id. */
export class Standings {
  /** @param {StandingColumns} columns */
  constructor(columns) {
    this.columns = columns;
    this.places = new Map(columns.field_id.map((id, place) => [id, place]));
    /** The last day on which any field has a value. @type {string | null} */
    this.lastPass = columns.last_date.reduce((last, day) => (day !== null && day > (last ?? "") ? day : last), null);
  }

  /** @param {string} id @returns {Standing | null} Null if the field is newer. */
  of(id) {
    const place = this.places.get(id);
    if (place === undefined) return null;
    const named = Object.entries(this.columns).map(([name, values]) => [name, values[place]]);
    return Object.fromEntries(named);
  }

  /** @param {string} id */
  area(id) {
    return this.columns.area_ha[this.places.get(id) ?? -1] ?? null;
  }
}

/** Whether anything narrows what is shown. @param {Addressed} shown */
export const isNarrowed = ({ find, crop: type, ha_from: least, ha_to: most, ids }) =>
  find.trim() !== "" || type !== null || least !== null || most !== null || ids.length > 0;

/**
 * The fields that the filters leave, in their order.
 *
 * @param {Field[]} fields @param {Standings | null} standings @param {Addressed} shown
 */
export const listed = (fields, standings, shown) => fields.filter(isListed(standings, shown));

/**
 * Whether the filters leave a field.
 *
 * @param {Standings | null} standings @param {Addressed} shown @returns {(field: Field) => boolean}
 */
export function isListed(standings, shown) {
  if (!isNarrowed(shown)) return () => true; // the map asks of every field for each day that is played
  const ids = new Set(shown.ids);
  const isFound = finds(shown.find);
  return ({ properties: { field_id: id, plant_type: type } }) => {
    if (ids.size > 0 && !ids.has(id)) return false;
    if (shown.crop !== null && type !== shown.crop) return false;
    return isFound(id, type) && isBetween(standings?.area(id) ?? null, shown.ha_from, shown.ha_to);
  };
}

/** Whether an id or a crop has the words that are searched for. @param {string} words */
export function finds(words) {
  const wanted = words.trim().toLowerCase();
  /** @param {string} id @param {string} type */
  return (id, type) => !wanted || id.toLowerCase().includes(wanted) || crop(type).toLowerCase().includes(crop(wanted));
}

/** @param {number | null} area @param {number | null} least @param {number | null} most */
function isBetween(area, least, most) {
  if (least === null && most === null) return true;
  return area !== null && area >= (least ?? 0) && area <= (most ?? Infinity);
}
