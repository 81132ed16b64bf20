// One Cornerstone stack viewport behind verbs of our own: show, window, invert, zoom, pan, turn, fit.
//
// Responsible for pixels on the canvas and for the affine map between radiograph and screen; knows nothing of boxes, maps,
// thumbs or the form. Nothing here can mirror an image.

import { cache, Enums, imageLoader, init as startCore, RenderingEngine } from "@cornerstonejs/core";
import { init as startLoader, wadouri } from "@cornerstonejs/dicom-image-loader";
import { affine, apply, bounds, invert, scaleOf } from "./geometry.js";
import { settleGreys } from "./greys.js";
import { previewId, registerPreviews } from "./preview.js";

const VIEWPORT = "radiograph";
const SMALLEST = 0.02;
const LARGEST = 40;

function start() {
  startCore({ rendering: { webGlContextCount: 1 } });
  startLoader({ maxWebWorkers: Math.max(1, Math.min(4, Math.floor((navigator.hardwareConcurrency || 2) / 2))) });
  cache.setMaxCacheSize(512 * 1024 * 1024);
  registerPreviews();
}

// Fetched here and not by the loader, whose errors hide the status and are thrown a second time where nobody can catch them.
async function instance(url) {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`expected an instance, received status ${answer.status}`);
  return answer.blob();
}

/** A radiograph on a canvas. `changed` is called after everything that moves or recolours it. */
export class Display {
  #engine;
  #viewport;
  #element;
  #changed;
  #shown = null; // { image, imageId, columns, rows of the pixels on the canvas, initial window and inversion }
  #kept = new Map(); // image id -> window, inversion and rotation as the reader left them
  #instances = new Map(); // image id -> the loader's id of the instance in memory
  #rotation = 0;
  #inverted = false;

  constructor(element, changed) {
    start();
    this.#element = element;
    this.#changed = changed;
    this.#engine = new RenderingEngine("bonefrac");
    this.#engine.enableElement({
      viewportId: VIEWPORT,
      type: Enums.ViewportType.STACK,
      element,
      defaultOptions: { background: [0, 0, 0] },
    });
    this.#viewport = this.#engine.getViewport(VIEWPORT);
    new ResizeObserver(() => this.#resize()).observe(element);
  }

  /** Decode an image at full depth without showing it; rejects where the browser cannot. */
  async fetch(image) {
    if (!this.#instances.has(image.id)) this.#instances.set(image.id, wadouri.fileManager.add(await instance(image.dicom)));
    const imageId = this.#instances.get(image.id);
    const loaded = await imageLoader.loadAndCacheImage(imageId);
    settleGreys(loaded);
    return { imageId, loaded };
  }

  /** Load an image's preview as a picture of its own; rejects where even that cannot be had. */
  async fetchPreview(image) {
    const imageId = previewId(image.preview);
    const loaded = await imageLoader.loadAndCacheImage(imageId);
    return { imageId, loaded };
  }

  /** Put a fetched image on the canvas, fitted, with the window and rotation that the reader last gave it. */
  async show(image, { imageId, loaded }) {
    this.#keep();
    await this.#viewport.setStack([imageId], 0);
    const { voiRange, invert: initial } = this.#viewport.getProperties();
    const range = voiRange ?? { lower: loaded.minPixelValue, upper: loaded.maxPixelValue };
    this.#shown = {
      image,
      key: imageId,
      columns: loaded.columns,
      rows: loaded.rows,
      window: { ...range },
      span: Math.max(1, loaded.maxPixelValue - loaded.minPixelValue),
      inverted: Boolean(initial),
    };
    const kept = this.#kept.get(imageId);
    this.#rotation = kept?.rotation ?? 0;
    this.#inverted = kept?.inverted ?? false;
    this.#properties({ voiRange: kept?.window ?? range, invert: this.#shown.inverted !== this.#inverted });
    this.fit();
  }

  /** Return the affine map from the radiograph's pixels to the stage, or null before the first image. */
  get transform() {
    if (!this.#shown) return null;
    const data = this.#viewport.getImageData();
    if (!data) return null;
    const { image, columns, rows } = this.#shown;
    const screen = (i, j) => this.#viewport.worldToCanvas(data.imageData.indexToWorld([i, j, 0]));
    // Cornerstone's index is a pixel's centre; one step of the radiograph is columns / image.columns of a picture's step.
    const unit = affine(screen(0, 0), screen(1, 0), screen(0, 1));
    const [e, f] = apply(unit, -0.5, -0.5);
    const [sx, sy] = [columns / image.columns, rows / image.rows];
    return { a: unit.a * sx, b: unit.b * sx, c: unit.c * sy, d: unit.d * sy, e, f };
  }

  /** Return the window as { width, centre } in the image's own grey values. */
  get window() {
    const { lower, upper } = this.#range();
    return { width: upper - lower, centre: (upper + lower) / 2 };
  }

  get isInverted() {
    return this.#inverted;
  }

  get rotation() {
    return this.#rotation;
  }

  /** Return screen pixels (not CSS pixels) a radiograph pixel, in percent. */
  get zoomPercent() {
    const map = this.transform;
    return map ? scaleOf(map) * devicePixelRatio * 100 : 0;
  }

  setWindow(width, centre) {
    if (!this.#shown) return;
    const half = Math.max(1, width) / 2;
    this.#properties({ voiRange: { lower: centre - half, upper: centre + half } });
    this.#finish();
  }

  /** Change the window by a drag of CSS pixels: across for contrast, up for brighter. */
  dragWindow(dx, dy) {
    if (!this.#shown) return;
    const { width, centre } = this.window;
    const step = this.#shown.span / 800;
    const brighter = this.#viewport.getProperties().invert ? -1 : 1;
    this.setWindow(width + dx * step, centre + dy * step * brighter);
  }

  toggleInvert() {
    if (!this.#shown) return;
    this.#inverted = !this.#inverted;
    this.#properties({ invert: this.#shown.inverted !== this.#inverted });
    this.#finish();
  }

  /** Turn clockwise by a quarter and fit. */
  rotate() {
    if (!this.#shown) return;
    this.#rotation = (this.#rotation + 90) % 360;
    this.fit();
  }

  /** Zoom by a factor; the radiograph's point at `at` (CSS pixels in the stage; default its middle) stays where it is. */
  zoomBy(factor, at = this.#middle()) {
    const map = this.transform;
    if (!map) return;
    const wanted = Math.min(LARGEST, Math.max(SMALLEST, scaleOf(map) * factor));
    const point = apply(invert(map), ...at);
    this.#viewport.setZoom(this.#viewport.getZoom() * (wanted / scaleOf(map)));
    this.#moveTo(point, at);
    this.#finish();
  }

  /** Move the image by CSS pixels. */
  panBy(dx, dy) {
    const map = this.transform;
    if (!map) return;
    const point = apply(invert(map), 0, 0);
    this.#moveTo(point, [dx, dy]);
    this.#finish();
  }

  /** Show the whole image, as large as the stage allows, as it is turned. */
  fit() {
    if (!this.#shown) return;
    this.#viewport.resetCamera({ resetPan: true, resetZoom: true });
    this.#viewport.setRotation(this.#rotation);
    const { columns, rows } = this.#shown.image;
    const box = bounds(this.transform, columns, rows);
    const [width, height] = this.#size();
    if (!width || !height) return;
    this.#viewport.setZoom(this.#viewport.getZoom() * Math.min(width / box.width, height / box.height));
    this.#moveTo([columns / 2, rows / 2], [width / 2, height / 2]);
    this.#finish();
  }

  /** Undo everything that was done to the view: window, inversion, turn, zoom, place. */
  reset() {
    if (!this.#shown) return;
    this.#rotation = 0;
    this.#inverted = false;
    this.#properties({ voiRange: this.#shown.window, invert: this.#shown.inverted });
    this.fit();
  }

  #range() {
    return this.#viewport.getProperties().voiRange ?? this.#shown?.window ?? { lower: 0, upper: 0 };
  }

  #properties(wanted) {
    this.#viewport.setProperties(wanted);
  }

  #size() {
    return [this.#element.clientWidth, this.#element.clientHeight];
  }

  #middle() {
    const [width, height] = this.#size();
    return [width / 2, height / 2];
  }

  // Cornerstone's pan has an origin of its own; measuring what is missing makes every backend and rotation agree.
  #moveTo(point, at) {
    const [x, y] = apply(this.transform, ...point);
    const [panX, panY] = this.#viewport.getPan();
    this.#viewport.setPan([panX + at[0] - x, panY + at[1] - y]);
  }

  #keep() {
    if (!this.#shown) return;
    this.#kept.set(this.#shown.key, {
      window: { ...this.#range() },
      inverted: this.#inverted,
      rotation: this.#rotation,
    });
  }

  #resize() {
    this.#engine.resize(true, false);
    if (this.#shown) this.fit();
  }

  #finish() {
    this.#viewport.render();
    this.#changed();
  }
}
