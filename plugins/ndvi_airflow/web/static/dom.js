/**
 * Make an element. Text is set as text, never as markup, so nothing that a file or a server says can become code.
 *
 * @param {string} tag
 * @param {Record<string, any>} [attributes] "on…" adds a listener; false and null leave an attribute out.
 * @param {...(Node | string | number | null)} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. @type {typeof h} */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/** Say something to those who listen to the page. @param {string} text */
export function announce(text) {
  byId("announcer").textContent = text;
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
  const context = canvas.getContext("2d");
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
