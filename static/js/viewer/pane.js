// One viewport: an image of its stack, shown as a preview at once and at full depth as soon as it is decoded.
//
// Responsible for what stands on its stage and for what happens when the image does not come; which images it has, and
// which pane is the active one, is the arrangement's.

import { Display } from "./display.js";
import { drawMarks } from "./drawing.js";
import { apply, invert } from "./geometry.js";
import { drawMap } from "./heatmap.js";
import { Lens } from "./lens.js";
import { sayPane } from "./status.js";

const AGAIN_AFTER_MS = [2000, 5000, 10_000, 20_000, 30_000];

/** A viewport of the page; `owner` is the viewer. */
export class Pane {
  #owner;
  #parts;
  #index = -1;
  #frame = 0;
  #attempts = 0;
  #timer = 0;
  stack = [];
  sketch = null;

  constructor(owner, engine, id, element) {
    this.#owner = owner;
    this.element = element;
    const part = (selector) => element.querySelector(selector);
    this.#parts = {
      preview: part(".stage__preview"),
      map: part(".stage__map"),
      marks: part(".stage__marks"),
      problem: part(".stage__problem"),
      sentence: part("[data-problem]"),
      retry: part("[data-retry]"),
    };
    this.display = new Display(engine, id, part(".stage__canvas"), () => this.redraw());
    this.lens = new Lens(part(".stage__lens"), this);
    this.#parts.retry.addEventListener("click", () => this.retry());
  }

  get image() {
    return this.stack[this.#index] ?? null;
  }

  get index() {
    return this.#index;
  }

  /** Whether pixels of the current image are on the canvas, at whatever depth. */
  get isDrawn() {
    return "drawn" in this.element.dataset;
  }

  get ready() {
    return this.element.dataset.ready;
  }

  /** Return the affine map from radiograph to stage, null while nothing is drawn. */
  get transform() {
    return this.isDrawn ? this.display.transform : null;
  }

  /** Return the radiograph's point under a point of the stage, or null. */
  toImage(point) {
    const map = this.transform;
    return map && apply(invert(map), ...point);
  }

  /** Give the pane other images and show one of them. */
  hang(stack, index = 0) {
    const before = this.image;
    this.stack = stack;
    if (before && stack[index]?.id === before.id && this.ready === "full" && this.isDrawn) this.#stay(index);
    else this.#turnTo(index);
    this.redraw();
  }

  /** Show another image of the stack; returns whether there is one. */
  go(index) {
    if (index === this.#index || !this.stack[index]) return false;
    this.#turnTo(index);
    return true;
  }

  /** Fetch the current image once more. */
  async retry() {
    clearTimeout(this.#timer);
    const { image } = this;
    if (!image || this.ready === "full") return;
    await this.#load(image);
  }

  /** Draw the current image again, from memory where it is there: the graphics were lost. */
  async redo() {
    if (!this.image) return;
    const { view } = this.display;
    this.display.clear();
    await this.#load(this.image, view);
  }

  lost() {
    if (!this.image) return;
    this.#showPreview(this.image);
    this.#say(this.#owner.words.graphicsLost, false);
  }

  /** Many changes a frame, one drawing a frame. */
  redraw() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  close() {
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
    this.keepView();
    this.stack = [];
    this.display.close();
    this.element.remove();
  }

  /** Remember how the image is looked at, for when it comes back. */
  keepView() {
    const { image, view } = this.display;
    // A preview's window means nothing at full depth.
    if (image && view && this.ready === "full") this.#owner.views.set(String(image.id), view);
  }

  // The same image in another stack, or in the same study told anew: it is on the canvas already.
  #stay(index) {
    this.#index = index;
    this.keepView();
    this.#owner.arrived(this.image);
  }

  #turnTo(index) {
    clearTimeout(this.#timer);
    this.keepView();
    this.display.clear();
    this.#index = this.stack[index] ? index : -1;
    this.#attempts = 0;
    this.sketch = null;
    const { image } = this;
    this.element.hidden = !image;
    if (!image) return;
    this.#showPreview(image);
    this.#load(image);
  }

  #showPreview(image) {
    const { element } = this;
    const { preview } = this.#parts;
    this.#say("");
    delete element.dataset.drawn;
    element.dataset.image = image.id;
    element.dataset.ready = "loading";
    preview.hidden = this.#owner.store.has(image);
    preview.onload = () => {
      if (element.dataset.ready === "loading" && this.image === image) element.dataset.ready = "preview";
      this.redraw();
    };
    // Where there is no preview either, black says less than the browser's sign of a broken picture.
    preview.onerror = () => (preview.hidden = true);
    if (!preview.hidden) preview.src = image.preview;
    this.redraw();
  }

  async #load(image, view = this.#owner.views.get(String(image.id))) {
    try {
      const fetched = await this.#owner.store.fetch(image);
      if (this.image !== image) return;
      await this.#show(image, fetched, "full", view);
      this.#say("");
      this.#owner.arrived(image);
    } catch (error) {
      console.warn("full depth failed", image.id, error);
      if (this.image === image) await this.#fallBack(image, Boolean(error.isPassing));
    }
  }

  async #show(image, fetched, ready, view) {
    await this.display.show(image, fetched, view ?? null);
    if (this.image !== image) return;
    this.element.dataset.drawn = "";
    this.element.dataset.ready = ready;
    await this.#owner.map.load(image);
    this.redraw();
  }

  async #fallBack(image, isPassing) {
    const { words } = this.#owner;
    this.#owner.failed(image);
    this.#say(isPassing ? words.waiting : words.failed, true);
    if (isPassing) this.#tryLater();
    if (this.ready === "failed" && this.isDrawn) return;
    try {
      const fetched = await this.#owner.store.fetchPreview(image);
      if (this.image !== image || this.ready === "full") return;
      await this.#show(image, fetched, "failed");
    } catch (error) {
      console.warn("preview failed", image.id, error);
      if (this.image !== image || this.ready === "full") return;
      this.element.dataset.ready = "failed";
      if (!isPassing) this.#say(words.failedAll, true);
    }
    this.redraw();
  }

  #tryLater() {
    const wait = AGAIN_AFTER_MS[Math.min(this.#attempts, AGAIN_AFTER_MS.length - 1)];
    this.#attempts += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.retry(), wait);
  }

  #say(sentence, offersRetry = false) {
    const { problem, sentence: place, retry } = this.#parts;
    place.textContent = sentence;
    problem.hidden = !sentence;
    retry.hidden = !offersRetry;
  }

  #draw() {
    const { image } = this;
    if (!image) return;
    const { marks, measurements, map: shownMap, words } = this.#owner;
    const map = this.transform;
    const isDefinite = image.map?.certainty === "definite";
    const regions = { regions: shownMap.regionsOf(image), isDefinite, chosen: shownMap.chosenOf(image) };
    drawMarks(this.#parts.marks, map, image, {
      marks: { list: image.prior ? [] : marks.of(image.id), chosen: marks.chosen },
      measurements: { list: measurements.of(image.id), chosen: measurements.chosen },
      sketch: this.sketch,
      regions,
      words,
    });
    drawMap(this.#parts.map, map, image, shownMap.pictureOf(image), image.map?.content_box ?? [0, 0, 1, 1], shownMap.opacity);
    this.lens.draw();
    sayPane(this, this.#owner);
    this.#owner.drawn(this);
  }
}
