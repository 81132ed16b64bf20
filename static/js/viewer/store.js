// Fetches, decodes and keeps radiographs at full depth; whoever shows one asks here.
//
// Fetched here and not by the loader, whose errors hide the status and are thrown a second time where nobody can catch
// them. What is kept is let go by `keepOnly`, so that eighty studies a shift do not fill the memory.

import { core } from "./core.js";
import { settleGreys } from "./greys.js";

const PASSING = [408, 425, 429];

/** An instance that did not come; `isPassing` where it may come the next time. */
export class NotFetched extends Error {
  constructor(message, isPassing) {
    super(message);
    this.name = "NotFetched";
    this.isPassing = isPassing;
  }
}

async function instance(url, priority) {
  let answer;
  try {
    answer = await fetch(url, { credentials: "same-origin", priority });
    if (answer.ok) return await answer.blob();
  } catch (error) {
    throw new NotFetched(`expected an instance, the network failed: ${error}`, true);
  }
  const isPassing = answer.status >= 500 || PASSING.includes(answer.status);
  throw new NotFetched(`expected an instance, received status ${answer.status}`, isPassing);
}

/** Decoded radiographs by the id of their image. */
export class Store {
  #entries = new Map(); // image id -> { promise, imageId, fetched }
  #queue = [];
  #core = null; // Cornerstone's parts, from the first image on
  #isWorking = false;

  /** Whether an image is decoded and at hand. */
  has(image) {
    return Boolean(this.#entries.get(image.id)?.fetched);
  }

  /** Return { imageId, loaded } of an image at full depth; rejects where it cannot be had, and tries anew when asked anew. */
  fetch(image, { priority = "high" } = {}) {
    const known = this.#entries.get(image.id);
    // What Cornerstone pushed out of its cache would come back with its grey levels unsettled.
    if (known?.fetched && this.#core.cache.getImage(known.imageId) !== known.fetched.loaded) this.#drop(image.id);
    else if (known) return known.promise;
    const entry = { imageId: null, fetched: null };
    entry.promise = this.#load(image, entry, priority);
    this.#entries.set(image.id, entry);
    entry.promise.catch(() => {
      if (this.#entries.get(image.id) === entry) this.#drop(image.id);
    });
    return entry.promise;
  }

  /** Return the same of an image's preview. */
  async fetchPreview(image) {
    const { imageLoader, previewId } = await core();
    const imageId = previewId(image.preview);
    const loaded = await imageLoader.loadAndCacheImage(imageId);
    return { imageId, loaded };
  }

  /** Decode images in the background, one after another; one that fails is left for whoever needs it. */
  async prefetch(images) {
    this.#queue.push(...images.filter((image) => !this.#entries.has(image.id)));
    if (this.#isWorking) return;
    this.#isWorking = true;
    while (this.#queue.length) {
      await this.fetch(this.#queue.shift(), { priority: "low" }).catch((error) => console.warn("prefetch failed", error));
    }
    this.#isWorking = false;
  }

  /** Let go of every image that is none of these. */
  keepOnly(ids) {
    const kept = new Set(ids);
    this.#queue = this.#queue.filter((image) => kept.has(image.id));
    for (const id of [...this.#entries.keys()]) if (!kept.has(id)) this.#drop(id);
  }

  async #load(image, entry, priority) {
    const [blob, parts] = await Promise.all([instance(image.dicom, priority), core()]);
    this.#core = parts;
    entry.imageId = parts.wadouri.fileManager.add(blob);
    parts.stretch(entry.imageId, image);
    const loaded = await parts.imageLoader.loadAndCacheImage(entry.imageId);
    settleGreys(loaded);
    entry.fetched = { imageId: entry.imageId, loaded };
    return entry.fetched;
  }

  #drop(id) {
    const { imageId } = this.#entries.get(id);
    this.#entries.delete(id);
    if (!imageId) return;
    const { cache, wadouri } = this.#core;
    const file = imageId.slice(imageId.indexOf(":") + 1);
    if (cache.getImageLoadObject(imageId)) cache.removeImageLoadObject(imageId, { force: true });
    if (wadouri.dataSetCacheManager.isLoaded(file)) wadouri.dataSetCacheManager.unload(file);
    wadouri.fileManager.remove(Number(file));
  }
}
