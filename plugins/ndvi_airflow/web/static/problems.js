/** What could not be loaded, above what is shown: of each thing until it could. */

import { byId } from "./dom.js";

/** @typedef {"page" | "latest"} Source What was loaded. */

/** @type {Map<Source, string>} */
const problems = new Map();

/** Say why something could not be loaded, or with no words that it could. @param {Source} source @param {string} words */
export function sayProblem(source, words) {
  if (words) problems.set(source, words);
  else problems.delete(source);
  const text = [...new Set(problems.values())].join(" ");
  const line = byId("problem");
  if (line.textContent !== text) line.textContent = text; // it is read out when it is set
  line.hidden = !text;
}
