/** Notes at the foot of the page: what was asked for, and what has become of it. */

import { announce, byId, h } from "./dom.js";
import { messageOf } from "./words.js";

/**
 * Show a note until it is put away.
 *
 * @param {string} title
 */
export function addNote(title) {
  const text = h("span", { class: "state" }, "asked for");
  const links = h("span", {});
  const close = h("button", { class: "icon", "aria-label": "Put this note away" }, "×");
  const note = h("li", {}, h("strong", {}, title), text, links, close);
  close.addEventListener("click", () => note.remove());
  byId("notes").append(note);
  return {
    /** @param {string} words @param {"" | "good" | "problem"} [kind] */
    say(words, kind = "") {
      if (text.textContent === words) return;
      text.textContent = words;
      note.className = kind;
      announce(`${title}: ${words}`);
    },
    /** Offer to do something, once; the note goes with it. @param {string} words @param {() => Promise<void>} act */
    offer(words, act) {
      const button = h("button", { class: "small" }, words);
      button.addEventListener("click", async () => {
        button.disabled = true;
        await act().then(
          () => note.remove(),
          (error) => this.say(messageOf(error), "problem"),
        );
      });
      links.replaceChildren(button);
    },
    /** @param {string} words @param {string} href */
    link(words, href) {
      links.replaceChildren(h("a", { href, onclick: (event) => openInAirflow(event, href) }, words));
    },
  };
}

/**
 * Airflow's frame may not lead its window elsewhere; a link of the window itself may.
 *
 * @param {Event} event @param {string} href
 */
function openInAirflow(event, href) {
  if (window.parent === window) return;
  event.preventDefault();
  const link = window.parent.document.createElement("a");
  link.href = href;
  link.click();
}
