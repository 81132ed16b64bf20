// One Cornerstone stack viewport behind verbs of our own: show, window, invert, zoom, pan, turn, flip, fit.
//
// Responsible for pixels on the canvas and for the affine map between radiograph and screen; knows nothing of marks, maps,
// thumbs or the form. What is done to the view is a plain value, `view`, that can be kept and put back:
// { window: { lower, upper }, isInverted, rotation, isMirrored, zoom: 1 is fitted, centre: the radiograph's point in the
// middle }. Nothing here turns or mirrors an image by itself.

import { affine, apply, bounds, invert, scaleOf } from "./geometry.js";
import { windowsOf } from "./levels.js";
import { flipAcross, flipDown, orientationOf, turn, UPRIGHT } from "./orientation.js";

const SMALLEST = 0.02;
const LARGEST = 40;

/** A radiograph on a canvas. `changed` is called after everything that moves or recolours it. */
export class Display {
  #engine;
  #id;
  #viewport = null;
  #element;
  #changed;
  #shown = null; // { image, loaded, imageId, columns and rows of the pixels on the canvas, initial inversion, windows }
  #view = null;
  #fitted = 1; // CSS pixels a radiograph pixel where zoom is 1
  #showing = Promise.resolve();
  #isClosed = false;

  constructor(engine, id, element, changed) {
    this.#engine = engine;
    this.#id = id;
    this.#element = element;
    this.#changed = changed;
    engine.enable(id, element);
  }

  /** Put a fetched image on the canvas, with a view of before or as it came; resolves once it is drawn. */
  show(image, fetched, view = null) {
    const shown = this.#show(image, fetched, view);
    this.#showing = shown.catch(() => {}); // who asked is told; whoever closes only waits
    return shown;
  }

  async #show(image, { imageId, loaded }, view) {
    const { viewport, events } = await this.#engine.viewport(this.#id);
    if (this.#isClosed) return;
    this.#viewport = viewport;
    await viewport.setStack([imageId], 0);
    if (this.#isClosed) return;
    const { voiRange, invert: initial } = viewport.getProperties();
    const range = voiRange ?? { lower: loaded.minPixelValue, upper: loaded.maxPixelValue };
    const { columns, rows } = loaded;
    const windows = windowsOf(image, loaded, { ...range });
    this.#shown = { image, loaded, imageId, columns, rows, windows, inverted: Boolean(initial) };
    const drawn = new Promise((resolve) => this.#element.addEventListener(events.IMAGE_RENDERED, resolve, { once: true }));
    this.apply(view ?? this.untouched);
    await drawn;
  }

  /** Forget the image; the canvas keeps what is on it until the next. */
  clear() {
    this.#shown = null;
    this.#view = null;
  }

  /** Let go of the canvas; the engine does not bear to lose one into which it is just putting an image. */
  close() {
    this.clear();
    this.#isClosed = true;
    this.#showing.then(() => this.#engine.disable(this.#id));
  }

  get image() {
    return this.#shown?.image ?? null;
  }

  /** Return the decoded pixels on the canvas, and how they are shown now; null before the first image. */
  get pixels() {
    if (!this.#shown) return null;
    const { loaded, columns, rows, inverted } = this.#shown;
    return { loaded, columns, rows, range: this.#view.window, isInverted: inverted !== this.#view.isInverted };
  }

  /** Return the windows that can be chosen: [{ name, lower, upper }], the file's own first. */
  get windows() {
    return this.#shown?.windows ?? [];
  }

  /** Return what is done to the view; null before the first image. */
  get view() {
    return this.#view && structuredClone(this.#view);
  }

  /** Return the view of the image as it came. */
  get untouched() {
    const { image, windows } = this.#shown;
    const { lower, upper } = windows[0];
    const centre = [image.columns / 2, image.rows / 2];
    return { window: { lower, upper }, isInverted: false, ...UPRIGHT, zoom: 1, centre };
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
    const { lower, upper } = this.#view?.window ?? { lower: 0, upper: 0 };
    return { width: upper - lower, centre: (upper + lower) / 2 };
  }

  get isInverted() {
    return Boolean(this.#view?.isInverted);
  }

  get orientation() {
    const { rotation, isMirrored } = this.#view ?? UPRIGHT;
    return { rotation, isMirrored };
  }

  /** Return screen pixels (not CSS pixels) a radiograph pixel, in percent. */
  get zoomPercent() {
    const map = this.transform;
    return map ? scaleOf(map) * devicePixelRatio * 100 : 0;
  }

  /** Show the radiograph as a view says. */
  apply(view) {
    if (!this.#shown) return;
    this.#view = structuredClone(view);
    this.#colour();
    this.#place();
    this.#finish();
  }

  setRange({ lower, upper }) {
    if (!this.#shown) return;
    this.#view.window = { lower, upper: Math.max(upper, lower + 1) };
    this.#colour();
    this.#finish();
  }

  setWindow(width, centre) {
    const half = Math.max(1, width) / 2;
    this.setRange({ lower: centre - half, upper: centre + half });
  }

  /** Change the window by a drag of CSS pixels: across for contrast, up for brighter. */
  dragWindow(dx, dy) {
    if (!this.#shown) return;
    const { width, centre } = this.window;
    const { loaded, inverted } = this.#shown;
    const step = Math.max(1, loaded.maxPixelValue - loaded.minPixelValue) / 800;
    const brighter = inverted !== this.#view.isInverted ? -1 : 1;
    this.setWindow(width + dx * step, centre + dy * step * brighter);
  }

  toggleInvert() {
    if (!this.#shown) return;
    this.#view.isInverted = !this.#view.isInverted;
    this.#colour();
    this.#finish();
  }

  /** Turn clockwise by degrees and fit. */
  rotate(degrees = 90) {
    this.#orient(turn(this.orientation, degrees));
  }

  flipHorizontal() {
    this.#orient(flipAcross(this.orientation));
  }

  flipVertical() {
    this.#orient(flipDown(this.orientation));
  }

  /** Zoom by a factor; the radiograph's point at `at` (CSS pixels in the stage; default its middle) stays where it is. */
  zoomBy(factor, at = this.#middle()) {
    const map = this.transform;
    if (!map) return;
    const now = this.#fitted * this.#view.zoom;
    const wanted = Math.min(LARGEST, Math.max(Math.min(SMALLEST, this.#fitted), now * factor));
    const point = apply(invert(map), ...at);
    this.#view.zoom = wanted / this.#fitted;
    this.#view.centre = this.#view.centre.map((value, axis) => point[axis] + ((value - point[axis]) * now) / wanted);
    this.#settle();
  }

  /** Move the image by CSS pixels. */
  panBy(dx, dy) {
    const map = this.transform;
    if (!map) return;
    const [x, y] = this.#middle();
    this.#view.centre = apply(invert(map), x - dx, y - dy);
    this.#settle();
  }

  /** Show the whole image, as large as the stage allows, as it is turned. */
  fit() {
    if (!this.#shown) return;
    const { zoom, centre } = this.untouched;
    Object.assign(this.#view, { zoom, centre });
    this.#settle();
  }

  /** Undo everything that was done to the view: window, inversion, turn, flip, zoom, place. */
  reset() {
    if (this.#shown) this.apply(this.untouched);
  }

  /** Follow the stage to its new size. */
  resized() {
    if (!this.#shown) return;
    this.#place();
    this.#finish();
  }

  #orient(orientation) {
    if (!this.#shown) return;
    const { zoom, centre } = this.untouched;
    this.apply({ ...this.#view, ...orientation, zoom, centre });
  }

  #colour() {
    const { window: voiRange, isInverted } = this.#view;
    this.#viewport.setProperties({ voiRange: { ...voiRange }, invert: this.#shown.inverted !== isInverted });
  }

  #size() {
    return [this.#element.clientWidth, this.#element.clientHeight];
  }

  #middle() {
    const [width, height] = this.#size();
    return [width / 2, height / 2];
  }

  // Turned, mirrored, fitted, then zoomed and moved. Backends differ in the sense in which a mirrored image turns: what
  // came of it is measured.
  #place() {
    const [width, height] = this.#size();
    if (!width || !height) return;
    const { rotation, isMirrored } = this.#view;
    this.#viewport.resetCamera({ resetPan: true, resetZoom: true });
    this.#viewport.setCamera({ flipHorizontal: isMirrored, flipVertical: false });
    this.#viewport.setRotation(rotation);
    if (orientationOf(this.transform).rotation !== rotation) this.#viewport.setRotation((360 - rotation) % 360);
    const { columns, rows } = this.#shown.image;
    const map = this.transform;
    const box = bounds(map, columns, rows);
    this.#fitted = scaleOf(map) * Math.min(width / box.width, height / box.height);
    this.#scale();
  }

  #settle() {
    this.#scale();
    this.#finish();
  }

  #scale() {
    const wanted = this.#fitted * this.#view.zoom;
    this.#viewport.setZoom(this.#viewport.getZoom() * (wanted / scaleOf(this.transform)));
    this.#moveTo(this.#view.centre, this.#middle());
  }

  // Cornerstone's pan has an origin of its own; measuring what is missing makes every backend and rotation agree.
  #moveTo(point, at) {
    const [x, y] = apply(this.transform, ...point);
    const [panX, panY] = this.#viewport.getPan();
    this.#viewport.setPan([panX + at[0] - x, panY + at[1] - y]);
  }

  #finish() {
    this.#viewport.render();
    this.#changed();
  }
}
