/** Where the cells of the day grid are: its rows are scrolled below a head of dates, beside a column of names. */

export const ROW = 24;
export const HEAD = 40;
const MIN_CELL = 9;
const MAX_CELL = 34;

/** @typedef {{row: number, column: number}} Cell */

export class DaysLayout {
  /** @param {HTMLElement} box What scrolls. @param {HTMLCanvasElement} canvas What stays in view. */
  constructor(box, canvas) {
    this.box = box;
    this.canvas = canvas;
    this.rows = 0;
    this.columns = 0;
  }

  /** How wide the column of names is. */
  get names() {
    return this.box.clientWidth < 500 ? 84 : 132;
  }

  /** How wide a cell is. */
  get cell() {
    const free = (this.box.clientWidth - this.names - 1) / this.columns;
    return Math.min(Math.max(free, MIN_CELL), MAX_CELL);
  }

  /** How many rows the page keys go up or down. */
  get page() {
    return Math.max(Math.floor((this.box.clientHeight - HEAD) / ROW) - 1, 1);
  }

  /**
   * Lay out so many rows and columns.
   *
   * @param {HTMLElement} space The surface that is scrolled. @param {number} rows @param {number} columns
   */
  resize(space, rows, columns) {
    this.rows = rows;
    this.columns = columns;
    space.style.width = `${this.names + this.cell * columns}px`;
    space.style.height = `${HEAD + ROW * rows}px`;
    this.canvas.style.width = `${this.box.clientWidth}px`;
    this.canvas.style.height = `${this.box.clientHeight}px`;
  }

  /** What is in view of a canvas of this size. @param {number} width @param {number} height */
  inView(width, height) {
    const { names, cell } = this;
    const { scrollLeft, scrollTop } = this.box;
    return {
      names,
      cell,
      firstRow: Math.floor(scrollTop / ROW),
      endRow: Math.min(Math.ceil((scrollTop + height - HEAD) / ROW), this.rows),
      firstColumn: Math.floor(scrollLeft / cell),
      endColumn: Math.min(Math.ceil((scrollLeft + width - names) / cell), this.columns),
      /** The left edge of a column. @param {number} column */
      x: (column) => names + column * cell - scrollLeft,
      /** The upper edge of a row. @param {number} row */
      y: (row) => HEAD + row * ROW - scrollTop,
    };
  }

  /**
   * The cell at a point of the window; -1 is the head of its row or column.
   *
   * @param {MouseEvent} event
   * @returns {Cell | null}
   */
  at(event) {
    const area = this.canvas.getBoundingClientRect();
    const x = event.clientX - area.left;
    const y = event.clientY - area.top;
    const column = x < this.names ? -1 : Math.floor((x - this.names + this.box.scrollLeft) / this.cell);
    const row = y < HEAD ? -1 : Math.floor((y - HEAD + this.box.scrollTop) / ROW);
    return this.holds({ row, column }) ? { row, column } : null;
  }

  /** Whether there is such a cell. @param {Cell} cell */
  holds({ row, column }) {
    return row < this.rows && column < this.columns;
  }

  /** The nearest cell that there is. @param {Cell} cell @returns {Cell} */
  nearest({ row, column }) {
    return { row: clamp(row, this.rows), column: clamp(column, this.columns) };
  }

  /** Scroll so that a cell is seen. @param {Cell} cell */
  reveal({ row, column }) {
    const { box, cell } = this;
    const top = row * ROW;
    const left = column * cell;
    const high = box.clientHeight - HEAD;
    const wide = box.clientWidth - this.names;
    if (top < box.scrollTop) box.scrollTop = top;
    if (top + ROW > box.scrollTop + high) box.scrollTop = top + ROW - high;
    if (left < box.scrollLeft) box.scrollLeft = left;
    if (left + cell > box.scrollLeft + wide) box.scrollLeft = left + cell - wide;
  }
}

/** @param {number} value @param {number} length */
const clamp = (value, length) => Math.min(Math.max(value, 0), length - 1);
