/** Tables in the IPC stream format of Apache Arrow, one batch each: columns that are views of the bytes that came. */

/** What is read of Schema.fbs and Message.fbs of the format: the places of a table's members, and numbers of types. */
const MESSAGE = { kind: 1, header: 2, bodyLength: 3 };
const SCHEMA = { fields: 1 };
const FIELD = { name: 0, kind: 2, type: 3, children: 5 };
const BATCH = { length: 0, nodes: 1, buffers: 2 };
const [KIND_SCHEMA, KIND_BATCH] = [1, 3];
const [INT, FLOAT, TEXT, DATE, LIST, FIXED_LIST] = [2, 3, 5, 8, 12, 16];
/** Bytes of two 64-bit numbers: a column's length and nulls, or a buffer's offset and length. */
const PAIR = 16;
const CONTINUATION = 0xffffffff;

/** @typedef {Uint8Array | Int16Array | Int32Array | Float64Array} Numbers */
/** @typedef {{name: string, type: number, layout: Layout<any>, children: Field[]}} Field */
/**
 * @template {Numbers} [T=Numbers]
 * @typedef {{new (bytes: ArrayBuffer, from: number, length: number): T, BYTES_PER_ELEMENT: number}} Layout
 */

const UTF8 = new TextDecoder();
/** By the width in bits and whether it is a floating-point number, or an unsigned one. */
/** @type {Record<string, Layout>} */
const LAYOUTS = {
  "8 unsigned": Uint8Array,
  "16 signed": Int16Array,
  "32 signed": Int32Array,
  "64 float": Float64Array,
};

/** A column, of which those members are there that its type has. */
export class Column {
  /** @param {number} length */
  constructor(length) {
    this.length = length;
    /** A bit for each value that is known; null: all are. @type {Uint8Array | null} */
    this.known = null;
    /** @type {Numbers} */
    this.values = new Uint8Array(0);
    /** Where the text or list of each begins, and the last one ends. @type {Int32Array} */
    this.offsets = new Int32Array(1);
    /** The items of lists. @type {Column | null} */
    this.items = null;
    /** All texts in a row, if they are ASCII. @type {string | null | undefined} */
    this.ascii = undefined;
  }

  /** What the lists are of. */
  get each() {
    if (!this.items) throw new Error("A column of the API has no lists: reload this page");
    return this.items;
  }

  /** @param {number} at */
  isNull(at) {
    return this.known !== null && (this.known[at >> 3] & (1 << (at & 7))) === 0;
  }

  /** @param {number} at */
  number(at) {
    return this.isNull(at) ? null : this.values[at];
  }

  /** @param {number} at */
  text(at) {
    if (this.isNull(at)) return null;
    if (this.ascii === undefined) {
      const all = UTF8.decode(this.values);
      this.ascii = all.length === this.values.length ? all : null;
    }
    const [from, to] = [this.offsets[at], this.offsets[at + 1]];
    return this.ascii?.slice(from, to) ?? UTF8.decode(this.values.subarray(from, to));
  }
}

/** @typedef {Map<string, Column>} Table */

/** A column of a table. @param {Table} table @param {string} name */
export function columnOf(table, name) {
  const column = table.get(name);
  if (!column) throw new Error(`The API's answer has no column ${name}: reload this page`);
  return column;
}

/** @param {ArrayBuffer} bytes @returns {Table} */
export function readTable(bytes) {
  const view = new DataView(bytes);
  /** @type {Field[]} */
  let fields = [];
  for (let at = 0; at + 8 <= bytes.byteLength; ) {
    if (view.getUint32(at, true) !== CONTINUATION) break;
    const start = at + 8;
    const size = view.getInt32(at + 4, true);
    if (size === 0) return new Map(fields.map(({ name }) => [name, new Column(0)])); // the end, and no batch
    const message = new Flat(view, start + view.getUint32(start, true));
    const header = message.table(MESSAGE.header);
    const body = start + size;
    if (message.byte(MESSAGE.kind) === KIND_SCHEMA) fields = header.tables(SCHEMA.fields).map(fieldOf);
    if (message.byte(MESSAGE.kind) === KIND_BATCH) return new Batch(view, header, body).table(fields);
    at = body + message.long(MESSAGE.bodyLength);
  }
  throw new Error("No whole table");
}

/** The buffers of a batch, which its columns take one after the other. */
class Batch {
  /** @param {DataView} view @param {Flat} header @param {number} body Where its buffers begin. */
  constructor(view, header, body) {
    this.view = view;
    this.body = body;
    this.node = header.vector(BATCH.nodes);
    this.buffer = header.vector(BATCH.buffers);
  }

  /** @param {Field[]} fields @returns {Table} */
  table(fields) {
    return new Map(fields.map((field) => [field.name, this.#column(field)]));
  }

  /** @param {Field} field @returns {Column} */
  #column({ type, layout, children }) {
    const column = new Column(long(this.view, this.node));
    const nulls = long(this.view, this.node + 8);
    this.node += PAIR;
    const bits = this.#next(Uint8Array);
    if (nulls > 0) column.known = bits;
    if (type === TEXT || type === LIST) column.offsets = this.#next(Int32Array);
    if (type === TEXT) column.values = this.#next(Uint8Array);
    else if (type === LIST || type === FIXED_LIST) column.items = this.#column(children[0]);
    else column.values = this.#next(layout);
    return column;
  }

  /** @template {Numbers} T @param {Layout<T>} layout */
  #next(layout) {
    const from = this.body + long(this.view, this.buffer);
    const length = Math.floor(long(this.view, this.buffer + 8) / layout.BYTES_PER_ELEMENT);
    this.buffer += PAIR;
    return new layout(/** @type {ArrayBuffer} */ (this.view.buffer), from, length);
  }
}

/** A table of a FlatBuffer (https://flatbuffers.dev/internals/). */
class Flat {
  /** @param {DataView} view @param {number} at */
  constructor(view, at) {
    this.view = view;
    this.at = at;
    this.members = at - view.getInt32(at, true);
  }

  /** Where a member is; 0 if it is left out. @param {number} member */
  #place(member) {
    const slot = 4 + 2 * member;
    if (slot >= this.view.getUint16(this.members, true)) return 0;
    const offset = this.view.getUint16(this.members + slot, true);
    return offset && this.at + offset;
  }

  /** @param {number} member */
  byte(member) {
    const place = this.#place(member);
    return place && this.view.getUint8(place);
  }

  /** @param {number} member */
  short(member) {
    const place = this.#place(member);
    return place && this.view.getInt16(place, true);
  }

  /** @param {number} member */
  long(member) {
    const place = this.#place(member);
    return place && long(this.view, place);
  }

  /** @param {number} member */
  table(member) {
    return new Flat(this.view, this.#target(member));
  }

  /** Where the items of a vector begin. @param {number} member */
  vector(member) {
    return this.#target(member) + 4;
  }

  /** @param {number} member @returns {Flat[]} */
  tables(member) {
    if (!this.#place(member)) return [];
    const start = this.vector(member);
    return Array.from({ length: this.view.getUint32(start - 4, true) }, (_, index) => {
      const place = start + 4 * index;
      return new Flat(this.view, place + this.view.getUint32(place, true));
    });
  }

  /** @param {number} member */
  text(member) {
    const start = this.vector(member);
    return UTF8.decode(new Uint8Array(this.view.buffer, start, this.view.getUint32(start - 4, true)));
  }

  /** @param {number} member */
  #target(member) {
    const place = this.#place(member);
    return place + this.view.getUint32(place, true);
  }
}

/** @param {Flat} flat @returns {Field} */
function fieldOf(flat) {
  const type = flat.byte(FIELD.kind);
  const about = flat.table(FIELD.type);
  const name = flat.text(FIELD.name);
  let kind = "32 signed"; // a day, counted from 1970
  if (type === INT) kind = `${about.short(0)} ${about.byte(1) ? "signed" : "unsigned"}`;
  if (type === FLOAT) kind = "64 float";
  const layout = LAYOUTS[kind];
  if (!layout || ![INT, FLOAT, TEXT, DATE, LIST, FIXED_LIST].includes(type)) {
    throw new Error(`This page cannot read the column ${name} of the API: reload it`);
  }
  return { name, type, layout, children: flat.tables(FIELD.children).map(fieldOf) };
}

/** A number of 64 bits that fits into 53. @param {DataView} view @param {number} at */
const long = (view, at) => view.getUint32(at, true) + view.getInt32(at + 4, true) * 2 ** 32;
