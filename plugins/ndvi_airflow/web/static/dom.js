/** Elements, canvases, and what is said beside the pointer and to screen readers. */

/** @typedef {Node | string | null | undefined} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => unknown)>} Attributes */

/**
 * Make an element. Text is set as text, never as markup, so nothing that a file or a server says can become code.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes] "on…" adds a listener; false and null leave an attribute out.
 * @param {...Child} children
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * The same for SVG.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** @template {Element} E @param {E} element @param {Attributes} attributes @param {Child[]} children */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * An element of the page, which is of this class.
 *
 * @template {HTMLElement} [E=HTMLElement]
 * @param {string} id
 * @param {new () => E} [kind]
 * @returns {E}
 */
export function byId(id, kind = /** @type {new () => any} */ (HTMLElement)) {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`The page has no ${kind.name} #${id}`);
  return element;
}

/**
 * Return a function that gives the focus back to the element of a box that has it now, once that is made anew.
 *
 * @param {HTMLElement} box
 * @param {string} attribute Its value is the same in the old element and the new one.
 */
export function heldFocus(box, attribute) {
  const focused = document.activeElement;
  const name = box.contains(focused) ? focused?.getAttribute(attribute) : null;
  return () => {
    if (!name) return;
    /** @type {HTMLElement | null} */
    const again = box.querySelector(`[${attribute}="${CSS.escape(name)}"]`);
    again?.focus();
  };
}

/** Say something to those who listen to the page. @param {string} text */
export function announce(text) {
  byId("announcer").textContent = text;
}

/** What draws on a canvas. @param {HTMLCanvasElement} canvas */
export function penOf(canvas) {
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("This browser gives the page no canvas to draw on");
  return pen;
}

/**
 * Fit a canvas to its box at the screen's resolution; return its context in CSS pixels.
 *
 * @param {HTMLCanvasElement} canvas
 */
export function sized(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = penOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { context, width, height };
}

/**
 * Return a function that runs `draw` once before the next frame, however often it is called.
 *
 * @param {() => void} draw
 */
export function oncePerFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

const tooltip = () => byId("tooltip");

/**
 * Show a tooltip near a point of the window, within it.
 *
 * @param {number} x
 * @param {number} y
 * @param {string[]} lines The first is emphasised.
 */
export function showTooltip(x, y, [title, ...lines]) {
  const box = tooltip();
  box.replaceChildren(h("strong", {}, title), ...lines.filter(Boolean).map((line) => h("span", {}, line)));
  box.hidden = false;
  const left = x + 14 + box.offsetWidth > window.innerWidth ? x - 14 - box.offsetWidth : x + 14;
  const top = Math.min(y + 14, window.innerHeight - box.offsetHeight - 6);
  box.style.left = `${Math.max(left, 6)}px`;
  box.style.top = `${Math.max(top, 6)}px`;
}

export function hideTooltip() {
  tooltip().hidden = true;
}
