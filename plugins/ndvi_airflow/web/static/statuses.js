/** The fields with their seasons, as they are asked for: a hundred thousand of them stay columns. */

/** @import { Table } from "./arrow.js" */
/** @import { Field, FieldStatus, SeasonStatus, Status } from "./answers.d.ts" */

import { columnOf } from "./arrow.js";
import { STATUSES, dayNumber, dayOf } from "./words.js";

/** Those that rows have. */
const OF_ROWS = /** @type {Status[]} */ (STATUSES.filter((status) => status !== "missing" && status !== "not_due"));

/**
 * The fields of a table of seasons, which has a row a season, field by field.
 *
 * @param {Table} seasons
 * @param {string} lastDay Up to which days have answers, or should.
 * @returns {Field[]}
 */
export function fieldsOf(seasons, lastDay) {
  const [ids, planted] = [columnOf(seasons, "field_id"), columnOf(seasons, "plant_date")];
  const last = dayNumber(lastDay);
  const found = [];
  for (let row = 0; row < ids.length; ) {
    const id = ids.text(row) ?? "";
    const first = row;
    let present = row;
    for (; row < ids.length && (row === first || ids.text(row) === id); row++) {
      if (planted.values[row] <= last) present = row;
    }
    found.push(new OneField(seasons, id, present, first, row));
  }
  return found;
}

/** @implements {Field} */
class OneField {
  /**
   * @param {Table} seasons @param {string} id
   * @param {number} present The row of its present season. @param {number} first @param {number} end
   */
  constructor(seasons, id, present, first, end) {
    this.seasons = seasons;
    this.id = id;
    this.present = present;
    this.first = first;
    this.end = end;
  }

  get properties() {
    return new OneStatus(this);
  }
}

/** @implements {SeasonStatus} */
class OneSeason {
  /** @param {Table} seasons @param {number} row */
  constructor(seasons, row) {
    this.table = seasons;
    this.row = row;
  }

  /** @param {string} name */
  #text(name) {
    return columnOf(this.table, name).text(this.row);
  }
  /** @param {string} name */
  #number(name) {
    return columnOf(this.table, name).number(this.row);
  }
  /** @param {string} name */
  #day(name) {
    const number = this.#number(name);
    return number === null ? null : dayOf(number);
  }

  get season() {
    return this.#text("season") ?? "";
  }
  get plant_type() {
    return this.#text("plant_type") ?? "";
  }
  get plant_date() {
    return this.#day("plant_date") ?? "";
  }
  get end_date() {
    return this.#day("end_date");
  }
  get days() {
    return this.#number("days") ?? 0;
  }
  get counts() {
    return /** @type {Record<Status, number>} */ (
      Object.fromEntries(OF_ROWS.map((status) => [status, this.#number(status) ?? 0]))
    );
  }
  get missing() {
    return OF_ROWS.reduce((left, status) => left - (this.#number(status) ?? 0), this.days);
  }
  get ndvi_mean() {
    return this.#number("ndvi_mean");
  }
  get last_value() {
    return this.#number("last_value");
  }
  get last_date() {
    return this.#day("last_date");
  }
  get last_status() {
    return /** @type {Status | null} */ (this.#text("last_status"));
  }
  get last_reason() {
    return this.#text("last_reason");
  }
}

/** @implements {FieldStatus} */
class OneStatus extends OneSeason {
  /** @param {OneField} field */
  constructor(field) {
    super(field.seasons, field.present);
    this.field = field;
  }

  get field_id() {
    return this.field.id;
  }
  get seasons() {
    const { seasons, first, end } = this.field;
    return Array.from({ length: end - first }, (_, index) => new OneSeason(seasons, first + index));
  }
}
