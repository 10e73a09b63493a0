/** The pixels of a field, enlarged: one day, two days beside each other, their difference, and zones. */

/** @import { Index } from "./answers.d.ts" */

import * as api from "./api.js";
import { announce, byId, h, heldFocus } from "./dom.js";
import { classes, differenceOf, oneDay, twoDays } from "./look_kinds.js";
import { choice, dayChoice, modeChoice, zoneDays } from "./look_parts.js";
import { savePng } from "./raster_png.js";
import { RasterView } from "./raster_view.js";
import { messageOf, nameOf } from "./words.js";

/**
 * @typedef {"day" | "two" | "difference" | "zones"} Mode
 *
 * @typedef {object} Subject What is looked at.
 * @property {string} id Of the field.
 * @property {string} season
 * @property {Index} index Of the rasters.
 * @property {{day: string, share: string}[]} days That have a raster, in their order, with the valid share of the field.
 *
 * @typedef {object} Wanted
 * @property {Mode} mode
 * @property {string} day
 * @property {string} before The day that is compared with.
 * @property {boolean} isRelative Whether the colours are stretched to what is there.
 * @property {number} count Of zones.
 * @property {string[] | null} days That the zones are made of; null are all clear ones.
 *
 * @typedef {import("./look_kinds.js").Seen} Seen
 */

/** What the picture is called while there is none. */
const NOTHING = "Nothing";

class Look {
  constructor() {
    this.dialog = byId("picture", HTMLDialogElement);
    this.body = byId("picture-body");
    /** @type {Subject | null} */
    this.subject = null;
    /** @type {Wanted} */
    this.wanted = { mode: "day", day: "", before: "", isRelative: false, count: 4, days: null };
    /** @type {Seen | null} */
    this.seen = null;
    this.loads = 0;
    this.controls = h("div", { class: "look-controls" });
    this.readout = h("output", { class: "readout" });
    this.aside = h("div", { class: "look-aside" });
    this.stage = h("div", { class: "look" });
    this.problem = h("p", { class: "problem", role: "alert", hidden: true });
    this.swipe = h("input", { type: "range", id: "swipe", min: 0, max: 100, value: 50, "aria-label": "Swipe between the two days" });
    // Escape closes the dialog, and nothing behind it.
    this.dialog.addEventListener("keydown", (event) => event.key === "Escape" && event.stopPropagation());
    this.swipe.addEventListener("input", () => this.view.setSwipe(Number(this.swipe.value) / 100));
    this.view = new RasterView(
      (pixel) => {
        const words = pixel && this.seen ? this.seen.say(pixel) : (this.seen?.hint ?? "");
        this.readout.textContent = words;
        if (pixel) announce(words);
      },
      (share) => {
        this.swipe.value = String(Math.round(share * 100));
        this.view.setSwipe(share);
      },
    );
  }

  /** @param {Subject} subject @param {Partial<Wanted>} wanted */
  open(subject, wanted) {
    this.subject = subject;
    this.seen = null; // it was of another one
    const days = subject.days.map(({ day }) => day);
    const day = wanted.day ?? days.at(-1) ?? "";
    const before = days[Math.max(days.indexOf(day) - 1, 0)];
    this.wanted = { ...this.wanted, days: null, before: before === day ? (days[1] ?? day) : before, ...wanted, day };
    this.aside.replaceChildren();
    this.view.show(NOTHING, []);
    this.body.replaceChildren(this.controls, this.problem, this.stage);
    this.stage.replaceChildren(h("div", { class: "look-stage" }, this.view.canvas, this.swipe, this.readout), this.aside);
    this.#name(subject);
    this.#controls();
    if (!this.dialog.open) this.dialog.showModal();
    this.#load();
  }

  /** Say what it is that is not seen (yet). @param {Subject} subject */
  #name({ id, index }) {
    byId("picture-title").textContent = `${nameOf(index)} of ${id}`;
  }

  /** @param {Partial<Wanted>} part */
  #want(part) {
    Object.assign(this.wanted, part);
    this.#controls();
    this.#load();
  }

  #controls() {
    const refocus = heldFocus(this.controls, "id");
    const { subject, wanted } = this;
    if (!subject) return;
    const days = subject.days.map(({ day }) => day);
    this.controls.replaceChildren(
      modeChoice(wanted.mode, days.length > 1, (mode) => this.#want({ mode })),
      ...(wanted.mode === "zones" ? this.#zoneControls(subject) : this.#dayControls(subject, days)),
    );
    this.swipe.hidden = wanted.mode !== "two";
    refocus();
  }

  /** @param {Subject} subject */
  #zoneControls({ days }) {
    const { count, days: chosen } = this.wanted;
    return [
      choice("look-count", "Zones", [["3", "3"], ["4", "4"], ["5", "5"]], String(count), (one) => this.#want({ count: Number(one) })),
      zoneDays(days, chosen ?? this.seen?.days ?? [], (those) => this.#want({ days: those })),
    ];
  }

  /** @param {Subject} subject @param {string[]} days */
  #dayControls({ index: { range } }, days) {
    const { mode, before, day, isRelative } = this.wanted;
    const isTwo = mode !== "day";
    const fixed = mode === "difference" ? "−0.5 to +0.5" : `${range[0]} to ${range[1]}`;
    return [
      ...(isTwo ? [dayChoice("look-before", "Before", days, before, (one) => this.#want({ before: one }))] : []),
      dayChoice("look-day", isTwo ? "After" : "Day", days, day, (one) => this.#want({ day: one })),
      choice("look-colours", "Colours", [["", fixed], ["relative", "relative"]], isRelative ? "relative" : "", (one) =>
        this.#want({ isRelative: one !== "" }),
      ),
    ];
  }

  async #load() {
    const load = ++this.loads;
    const { subject, wanted } = this;
    if (!subject) return;
    this.problem.hidden = true;
    this.stage.hidden = false;
    this.readout.textContent = "Loading…";
    if (!this.seen) this.swipe.hidden = true;
    try {
      const seen = await loadSeen(subject, wanted);
      if (load !== this.loads) return;
      this.#show(seen);
    } catch (error) {
      if (load !== this.loads) return;
      this.problem.textContent = messageOf(error);
      this.problem.hidden = false;
      this.stage.hidden = true;
      this.#name(subject);
      this.seen = null;
      this.aside.replaceChildren();
      this.view.show(NOTHING, []);
    }
  }

  /** @param {Seen} seen */
  #show(seen) {
    this.seen = seen;
    this.swipe.hidden = this.wanted.mode !== "two";
    byId("picture-title").textContent = seen.title;
    this.view.show(seen.title, seen.layers);
    this.readout.textContent = seen.hint;
    if (seen.days) this.#controls();
    const png = h("button", { onclick: () => savePng(seen, this.view.swipe) }, "PNG");
    const files = seen.files.map(([words, url]) => h("a", { class: "button", href: url.href, download: "" }, words));
    this.aside.replaceChildren(...seen.parts, h("p", { class: "buttons" }, ...files, png));
  }
}

/** @param {Subject} subject @param {Wanted} wanted @returns {Promise<Seen>} */
async function loadSeen({ id, season, index }, { mode, day, before, isRelative, count, days }) {
  if (mode === "day") return oneDay(id, index, await api.pixels(id, day), isRelative);
  if (mode === "zones") {
    const asked = { season, count, days };
    return classes(id, index, asked, await api.zones(id, asked));
  }
  if (mode === "difference") return differenceOf(id, await api.pixels(id, day, before), isRelative);
  const [one, other] = await Promise.all([before, day].map((each) => api.pixels(id, each)));
  return twoDays(id, index, one, other, isRelative);
}

/** @type {Look | null} */
let look = null;

/** Show the pixels of a field. @param {Subject} subject @param {Partial<Wanted>} [wanted] */
export function lookAt(subject, wanted = {}) {
  look ??= new Look();
  look.open(subject, wanted);
}
