/** What both pages do alike: they load the API's GeoJSON and its grid as plain files, and colour fields by their last value. */

const COLOURS = ["#ffffe5", "#f7fcb9", "#d9f0a3", "#addd8e", "#78c679", "#41ab5d", "#238443", "#006837", "#004529"];

export const colourOf = (value) => (value === null ? "#ccc" : COLOURS[Math.round(Math.min(Math.max(value, 0), 1) * 8)]);

export const load = () => ["fields.json", "days.json"].map(async (file) => (await fetch(file)).json());

export async function shown(mark) {
  await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
  performance.mark(mark);
}

export function boundsOf({ features }) {
  const all = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { geometry } of features) {
    for (const [x, y] of geometry.coordinates.flat(geometry.type === "Polygon" ? 1 : 2)) {
      all[0] = Math.min(all[0], x);
      all[1] = Math.min(all[1], y);
      all[2] = Math.max(all[2], x);
      all[3] = Math.max(all[3], y);
    }
  }
  return all;
}
