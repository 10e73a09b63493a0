/** What the page asks of servers: our API beside it, and Airflow's own, both with the user's own session. */

/** @import { Checked, Corners, DailySeries, Extent, FieldEvent, FieldFeature, FieldSeason } from "./answers.d.ts" */
/** @import { Dag, DagRun, Index, Observation, PassPicture, Pictured, PixelsAnswer, Revisions, Session } from "./answers.d.ts" */
/** @import { StandingColumns, TaskInstances, ZonesAnswer } from "./answers.d.ts" */

import { readTable } from "./arrow.js";

const OURS = new URL("api/", document.baseURI);
const AIRFLOWS = new URL("../", document.baseURI);
const TASKS_A_PAGE = 100;
const EVENTS_A_PAGE = 5000;

const RECOMPUTE = "ndvi_recompute";

/** @returns {Promise<Session>} */
export const session = () => json(new URL("session", OURS));

/** @returns {Promise<Extent>} */
export const extent = () => json(new URL("extent", OURS));

/** The indices that observations have, NDVI first. @returns {Promise<Index[]>} */
export const indices = () => json(new URL("indices", OURS));

/** What is another word or number after a change. @returns {Promise<Revisions>} */
export const revisions = () => json(new URL("revisions", OURS));

/** The ids and bounds of all fields. */
export const fieldColumns = () => columns("fields", {});

/** Their boundaries. @param {number} tolerance Metres by which they may be off. */
export const boundaryColumns = (tolerance) => columns("boundaries", { tolerance });

/** The status of their seasons. */
export const seasonColumns = () => columns("seasons", {});

/** Their days. @param {string} start @param {string} end Included. */
export const gridColumns = (start, end) => columns("grid", { start, end });

/** @typedef {{start: string, end: string | null}} Period Days; without an end, up to the last recorded one. */

/** @param {string} id @param {Period} period @returns {Promise<Observation[]>} In the order of their days. */
export const observations = (id, period) => json(observationsUrl([id], period, "json"));

/** @param {string[]} ids @param {Period} period @param {"json" | "csv" | "parquet"} format */
export const observationsUrl = (ids, { start, end }, format) => {
  const path = ids.length > 1 ? "observations" : `fields/${encodeURIComponent(ids[0])}/observations`;
  return query(new URL(path, OURS), { field_ids: ids.length > 1 ? ids.join() : null, start, end, format });
};

/** What is computed of the seasons of a field. @param {string} id @returns {Promise<FieldSeason[]>} In the order of time. */
export const seasons = (id) => json(new URL(`fields/${encodeURIComponent(id)}/seasons`, OURS));

/** The days of a season that is computed. @param {string} id @param {string} season @param {string} index @returns {Promise<DailySeries>} */
export const series = (id, season, index) => json(seriesUrl(id, season, index, "json"));

/** @param {string} id @param {string} season @param {string} index @param {"json" | "csv"} format */
export const seriesUrl = (id, season, index, format) =>
  query(new URL(`fields/${encodeURIComponent(id)}/series`, OURS), { season, index, format });

/** What is unusual in the seasons of a field. @param {string} id @returns {Promise<FieldEvent[]>} */
export const events = (id) => json(query(new URL("events", OURS), { field: id }));

/** What is new of all fields. @returns {Promise<StandingColumns>} */
export const standings = () => json(new URL("standings", OURS));

/**
 * What is unusual in the seasons of all fields, the latest first.
 *
 * @param {{status?: "open", dismissed?: "true" | "false", since?: string}} wanted Only those that are so.
 */
export async function allEvents(wanted) {
  /** @type {FieldEvent[]} */
  const found = [];
  /** @type {AsyncIterable<FieldEvent[]>} */
  const answers = pages(query(new URL("events", OURS), { limit: EVENTS_A_PAGE, ...wanted }));
  for await (const page of answers) found.push(...page);
  return found;
}

/** Say something of an event. @param {string} id @param {{dismissed: boolean, note: string | null}} said @returns {Promise<FieldEvent>} */
export const reviewEvent = (id, said) =>
  send("PUT", new URL(`events/${encodeURIComponent(id)}/review`, OURS), JSON.stringify(said), "application/json");

/** The picture that lies on a map. @param {string} id @param {string} day @param {"png" | "json"} kind */
export const overlayUrl = (id, day, kind) => new URL(`fields/${encodeURIComponent(id)}/overlays/${day}.${kind}`, OURS);

/** Where an overlay lies. @param {string} id @param {string} day @returns {Promise<Corners>} */
export const overlay = (id, day) => json(overlayUrl(id, day, "json"));

/** The scenes with a picture. @param {string} start @param {string} end @returns {Promise<Pictured[]>} In the order of their days. */
export const passes = (start, end) => json(query(new URL("passes", OURS), { start, end }));

/** The picture of a scene, and what it shows. @param {string} day @param {string} id @param {"webp" | "json"} kind */
export const passUrl = (day, id, kind) => new URL(`passes/${day}/${encodeURIComponent(id)}.${kind}`, OURS);

/** Where the picture of a scene lies. @param {string} day @param {string} id @returns {Promise<PassPicture>} */
export const passPlace = (day, id) => json(passUrl(day, id, "json"));

/** The pixels of a field's day, or by how much they are higher than on another one. @param {string} id @param {string} day @param {string | null} minus @returns {Promise<PixelsAnswer>} */
export const pixels = (id, day, minus = null) => json(pixelsUrl(id, day, minus, "json"));

/** @param {string} id @param {string} day @param {string | null} minus @param {"json" | "tif"} format */
export const pixelsUrl = (id, day, minus, format) =>
  query(new URL(`fields/${encodeURIComponent(id)}/pixels/${day}`, OURS), { minus, format });

/** The rasters of a period as one file. @param {string} id @param {Period} period */
export const rastersUrl = (id, { start, end }) =>
  query(new URL(`fields/${encodeURIComponent(id)}/rasters`, OURS), { start, end });

/** @typedef {{season: string, count: number, days: string[] | null}} ZonesWanted Without days, all clear ones. */

/** The zones of a field. @param {string} id @param {ZonesWanted} wanted @returns {Promise<ZonesAnswer>} */
export const zones = (id, wanted) => json(zonesUrl(id, wanted, "json"));

/** @param {string} id @param {ZonesWanted} wanted @param {"json" | "geojson" | "tif"} format */
export const zonesUrl = (id, { season, count, days }, format) =>
  query(new URL(`fields/${encodeURIComponent(id)}/zones`, OURS), { season, count, days: days?.join() ?? null, format });

/** The page that prints a field in its season, or a crop. @param {Record<string, string>} wanted */
export const sheetUrl = (wanted) => new URL(`sheet.html#${new URLSearchParams(wanted)}`, document.baseURI).href;

/** A field in full resolution. @param {string} id @returns {Promise<FieldFeature>} */
export const field = (id) => json(fieldUrl(id));

/** The same as a file, GeoJSON. @param {string} id */
export const fieldUrl = (id) => new URL(`fields/${encodeURIComponent(id)}`, OURS);

/** Check a file as the intake would. @param {File} file @returns {Promise<Checked>} */
export const checkUpload = (file) => post(new URL("uploads/check", OURS), file, "application/geo+json");

/** @param {File} file @param {boolean} confirm Whether fields that wait for it are confirmed. @returns {Promise<Checked>} */
export const upload = (file, confirm) =>
  post(query(new URL("uploads", OURS), { name: file.name, confirm: `${confirm}` }), file, "application/geo+json");

/**
 * Let Airflow compute cells again, whether or not they have an answer.
 *
 * @param {{field_ids: string[], start: string, end: string}} cells
 * @returns {Promise<DagRun>}
 */
export const recompute = (cells) =>
  post(
    new URL(`api/v2/dags/${RECOMPUTE}/dagRuns`, AIRFLOWS),
    JSON.stringify({ logical_date: null, conf: { ...cells, force: true }, note: "asked for on the fields page" }),
    "application/json",
  );

/** @returns {Promise<Dag>} */
export const recomputeDag = () => json(new URL(`api/v2/dags/${RECOMPUTE}`, AIRFLOWS));

/** @param {string} runId @returns {Promise<DagRun>} */
export const run = (runId) => json(new URL(`api/v2/dags/${RECOMPUTE}/dagRuns/${encodeURIComponent(runId)}`, AIRFLOWS));

/** The compute tasks of a run. @param {string} runId @returns {Promise<TaskInstances>} */
export const computeTasks = (runId) =>
  json(
    query(new URL(`api/v2/dags/${RECOMPUTE}/dagRuns/${encodeURIComponent(runId)}/taskInstances`, AIRFLOWS), {
      task_id: "compute",
      limit: TASKS_A_PAGE,
    }),
  );

/** A run's page in Airflow. @param {string} runId */
export const runPage = (runId) => new URL(`dags/${RECOMPUTE}/runs/${encodeURIComponent(runId)}`, AIRFLOWS).href;

/** @param {URL} url */
const json = (url) => read(url, {}, (answer) => answer.json());

/** @param {string} what @param {Record<string, string | number>} parameters */
async function columns(what, parameters) {
  const url = query(new URL(`columns/${what}`, OURS), parameters);
  return read(url, {}, async (answer) => readTable(await answer.arrayBuffer()));
}

/** Follow the links to the next page, each asked for while the one before is looked at. @param {URL} url */
async function* pages(url) {
  /** @type {Promise<Response> | null} */
  let asked = ask(url);
  while (asked) {
    /** @type {Response} */
    const answer = await asked;
    const link = /<([^>]+)>; rel="next"/.exec(answer.headers.get("Link") ?? "");
    asked = link && ask(new URL(link[1], answer.url));
    asked?.catch(() => {}); // it is reported when it is awaited
    yield await readable(url, answer.json());
  }
}

/** @param {URL} url @param {BodyInit} body @param {string} type */
const post = (url, body, type) => send("POST", url, body, type);

/** @param {string} method @param {URL} url @param {BodyInit} body @param {string} type */
const send = (method, url, body, type) =>
  read(url, { method, body, headers: { "Content-Type": type } }, (answer) => answer.json());

/** @template T @param {URL} url @param {RequestInit} options @param {(answer: Response) => Promise<T>} take */
const read = async (url, options, take) => readable(url, take(await ask(url, options)));

/** What an answer says, or an error for people: on its way it may be cut short, or another server's page comes instead. @template T @param {URL} url @param {Promise<T>} taken */
async function readable(url, taken) {
  return taken.catch(() => {
    const what = url.pathname.slice(AIRFLOWS.pathname.length);
    throw new Error(`The answer to ${what} cannot be read: it is cut short, or not from Airflow. If that stays so, ask who runs this Airflow.`);
  });
}

/**
 * The answer, if it is a good one; else throw an error with a message for people.
 *
 * @param {URL} url @param {RequestInit} [options]
 */
async function ask(url, options = {}) {
  const answer = await fetch(url, { credentials: "same-origin", cache: "no-cache", ...options }).catch(() => {
    throw new Error("Airflow does not answer. Is it running?");
  });
  if (answer.ok) return answer;
  const said = reason(answer.status, await answer.json().catch(() => null));
  throw [404, 422].includes(answer.status) ? new NotThere(said) : new Error(said);
}

/** There is no such thing, not yet, or none can be made. */
export class NotThere extends Error {}

/** Why an answer is not a good one. @param {number} status @param {{detail?: unknown} | null} body */
function reason(status, body) {
  if (status === 401) return "Your session has ended. Log in to Airflow again, then reload this page.";
  const detail = typeof body?.detail === "string" ? body.detail : "";
  if (status === 403 && /^(forbidden)?$/i.test(detail)) return "You do not have the right to do this: ask who runs this Airflow.";
  return detail || `Airflow answered ${status}.`;
}

/** @param {URL} url @param {Record<string, string | number | null>} parameters Those that are null are left out. */
function query(url, parameters) {
  for (const [name, value] of Object.entries(parameters)) if (value !== null) url.searchParams.set(name, String(value));
  return url;
}
