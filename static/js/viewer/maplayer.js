// The model's map over every pane: off until it is asked for, its opacity, and which of its regions is chosen.

import { colouredMap } from "./heatmap.js";

/** What the panes ask when they draw; `changed` is called when a map has come or gone. */
export class MapLayer {
  #coloured = new Map(); // address -> canvas
  #changed;
  #chosen = { image: null, index: -1 };
  isOn = false;
  opacity = 0.6;

  constructor(changed) {
    this.#changed = changed;
  }

  /** Forget everything: another study. */
  begin() {
    this.#coloured.clear();
    this.#chosen = { image: null, index: -1 };
    this.isOn = false;
  }

  /** Show or hide the maps of these images. */
  async toggle(images) {
    this.isOn = !this.isOn;
    await Promise.all(images.map((image) => this.load(image)));
    this.#changed();
  }

  /** Fetch an image's map where maps are shown; one that does not come hides them again. */
  async load(image) {
    const url = image.map?.url;
    if (!this.isOn || !url || this.#coloured.has(url)) return;
    try {
      this.#coloured.set(url, await colouredMap(url));
    } catch (error) {
      console.warn("map failed", image.id, error);
      this.isOn = false;
    }
  }

  pictureOf(image) {
    return this.isOn && image.map ? this.#coloured.get(image.map.url) ?? null : null;
  }

  regionsOf(image) {
    return this.isOn ? image.map?.regions ?? [] : [];
  }

  chosenOf(image) {
    return this.#chosen.image === image.id ? this.#chosen.index : -1;
  }

  /** Choose the next of an image's regions; returns it, or null where none is shown. */
  next(image) {
    const regions = this.regionsOf(image);
    if (!regions.length) return null;
    const index = (this.chosenOf(image) + 1) % regions.length;
    this.#chosen = { image: image.id, index };
    this.#changed();
    return regions[index];
  }
}
