/** Tiles and pictures that are kept. */
const MAX_IMAGES = 320;

/** Images by their addresses: asked for when they are first needed, the oldest forgotten. */
export class Images {
  /** @param {() => void} onLoad Called when one has come that was not there yet. */
  constructor(onLoad) {
    this.onLoad = onLoad;
    /** @type {Map<string, HTMLImageElement>} */
    this.known = new Map();
  }

  /** The image if it has come, else null. @param {string} url */
  get(url) {
    const image = this.known.get(url) ?? this.#ask(url);
    return image.complete && image.naturalWidth > 0 ? image : null;
  }

  /** @param {string} url */
  #ask(url) {
    const image = new Image();
    image.onload = this.onLoad;
    image.src = url;
    this.known.set(url, image);
    const [oldest] = this.known.keys();
    if (this.known.size > MAX_IMAGES) this.known.delete(oldest);
    return image;
  }
}
