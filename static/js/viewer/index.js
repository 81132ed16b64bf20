// The viewer: puts panes, marks, map, tools and the past together, and is what keys, form and tests talk to.
//
// act(name) does what a key or button says; load(data) shows another study in place; prefetch(images) decodes what may
// come next; shownAtFullDepth() and failedImages() say what was seen ("bonefrac:shown" on #viewer when either changes).

import "../../css/viewer.css";
import { act, NAMES } from "./actions.js";
import { Arrangement } from "./arrangement.js";
import { markAt, measurementAt } from "./editing.js";
import { prepare } from "./core.js";
import { Engine } from "./engine.js";
import { apply, invert } from "./geometry.js";
import { bindGestures } from "./gestures.js";
import { bindArrows, middleOf } from "./handsfree.js";
import { MapLayer } from "./maplayer.js";
import { Marks, Measurements } from "./marks.js";
import { Past } from "./past.js";
import { Priors } from "./priors.js";
import { sayActive } from "./status.js";
import { Store } from "./store.js";
import { fillThumbs } from "./thumbs.js";
import { Toolbar } from "./toolbar.js";
import { DRAWING, MODES, PLACING } from "./tools.js";

const given = (images) => images.flatMap((image) => (image.findings ?? []).map((finding) => ({ ...finding, image: image.id })));

/** The viewer of one study at a time. */
export class Viewer {
  #root;
  #study = null;
  #images = [];
  #tellThumbs = () => {};
  #shown = new Set();
  #failed = new Set();
  #prefetched = [];
  views = new Map(); // image id -> its view as the reader left it
  marks = new Marks();
  measurements = new Measurements();
  store = new Store();

  constructor(root) {
    this.#root = root;
    this.words = root.querySelector("[data-words]").dataset;
    this.map = new MapLayer(() => this.arrangement.redraw());
    const engine = new Engine({ lost: () => this.arrangement.lost(), reborn: () => this.arrangement.reborn() });
    this.arrangement = new Arrangement(this, engine, root.querySelector("[data-panes]"), root.querySelector("template[data-pane]"));
    this.past = new Past(() => this.#take(), (step) => this.#put(step));
    this.priors = new Priors(this, document.getElementById("thumbs"));
    for (const list of [this.marks, this.measurements]) list.listen((change) => this.#changed(change));
    this.toolbar = new Toolbar(root, this);
    bindArrows(root, this);
    document.addEventListener("fullscreenchange", () => this.refresh());
    addEventListener("online", () => this.arrangement.panes.forEach((pane) => pane.retry()));
  }

  /** Show a study in place of what was shown: the JSON of #reading-data, and the form that keeps its marks. */
  load(data, form = document.getElementById("reading-form")) {
    if (this.#isSame(data)) {
      this.#renew(data, form);
      return;
    }
    this.#study = data.study;
    this.#images = data.images;
    this.canDraw = Boolean(data.can_read);
    this.views.clear();
    this.#shown.clear();
    this.#failed.clear();
    this.map.begin();
    this.marks.begin(form?.elements.findings, given(this.#images));
    this.measurements.begin(form?.elements.measurements);
    this.mode = matchMedia("(pointer: coarse)").matches ? "pan" : "window";
    this.#tellThumbs = fillThumbs(document.getElementById("thumbs"), this.#images, (image) => this.goTo(image));
    this.priors.begin(data.priors ?? []);
    this.arrangement.begin(this.#images, data.hanging, data.priors ?? []);
    this.past.begin();
    this.store.keepOnly([...this.#images, ...this.#prefetched].map((image) => image.id));
    this.#prefetched = [];
    this.store.prefetch(this.#images);
    this.#tell();
    this.refresh();
  }

  #isSame({ study, images }) {
    const ids = (all) => all.map((image) => image.id).join();
    return Boolean(study) && study === this.#study && ids(images) === ids(this.#images);
  }

  // The same study once more, as after a blind reading: what the machine says arrives, and pictures, views, tool and
  // scratch marks stay as the reader left them.
  #renew(data, form) {
    for (const [index, image] of this.#images.entries()) Object.assign(image, data.images[index]);
    this.canDraw = Boolean(data.can_read);
    this.map.begin();
    const [{ chosen }, scratch] = [this.marks, this.measurements.snapshot()];
    this.marks.begin(form?.elements.findings, given(this.#images));
    this.marks.choose(chosen);
    this.measurements.begin(form?.elements.measurements);
    this.measurements.restore(scratch);
    this.past.begin();
    this.#tell();
    this.arrangement.redraw();
    this.refresh();
  }

  /** Take in where the models looked, which came after the study: [{ id, map, map_reason }]; nothing else changes. */
  async looked(said) {
    const byId = new Map(said.map(({ id, ...rest }) => [String(id), rest]));
    for (const image of this.#images) Object.assign(image, byId.get(String(image.id)));
    await Promise.all(this.arrangement.panes.map(({ image }) => image && this.map.load(image)));
    this.arrangement.redraw();
    this.refresh();
  }

  /** Decode images that may be shown next, at full depth, in the background; dropped when another study comes. */
  prefetch(images) {
    this.#prefetched = [...images];
    return this.store.prefetch(images);
  }

  /** Do what a name says (see actions.js); returns whether it did something. */
  act(name) {
    return act(this, name);
  }

  get actions() {
    return NAMES;
  }

  /** Return the ids of this study's images that were on the canvas at full depth. */
  shownAtFullDepth() {
    return [...this.#shown];
  }

  /** Return the ids of this study's images that could not be shown at full depth. */
  failedImages() {
    return [...this.#failed];
  }

  get pane() {
    return this.arrangement.active;
  }

  get image() {
    return this.pane?.image ?? null;
  }

  get images() {
    return this.#images;
  }

  get mode() {
    return this.#root.dataset.mode;
  }

  /** Choose what dragging does; what draws marks only where the person may read. */
  set mode(mode) {
    if (!MODES.includes(mode) || (DRAWING.includes(mode) && !this.canDraw)) return;
    this.#root.dataset.mode = mode;
    for (const pane of this.arrangement.panes) {
      pane.sketch = null;
      pane.lens.hold(null);
    }
  }

  /** Return what dragging does on a pane: nothing is drawn on a prior. */
  modeOn(pane) {
    return pane.image?.prior && DRAWING.includes(this.mode) ? "window" : this.mode;
  }

  /** Choose a tool; nothing stays chosen for the arrows to move by mistake. */
  chooseTool(mode) {
    this.mode = mode;
    if (this.mode !== mode) return false;
    if (PLACING.includes(mode)) this.marks.choose(-1);
    if (mode === "magnifier" && this.pane) this.pane.lens.hold(middleOf(this.pane));
    return true;
  }

  /** Show one of the study's images, where it hangs or in the active pane. */
  goTo(image) {
    if (!image) return null;
    if (!this.arrangement.find(image)) {
      this.arrangement.to("one");
      this.arrangement.find(image);
    }
    return this.pane;
  }

  go(index) {
    return this.goTo(this.#images[index]);
  }

  /** Go to a mark's image and choose it. */
  goToMark(index) {
    const mark = this.marks.all[index];
    if (!mark) return;
    this.goTo(this.#images.find((image) => String(image.id) === String(mark.image)));
    this.marks.choose(index);
  }

  stepStage(by) {
    return this.#opened(this.arrangement.step(by));
  }

  toStage(name) {
    this.#opened(this.arrangement.to(name));
    this.refresh();
  }

  useWindow(index) {
    const { display } = this.pane;
    if (display.windows[index]) display.setRange(display.windows[index]);
    this.past.keep();
    this.refresh();
  }

  setOpacity(opacity) {
    this.map.opacity = opacity;
    this.arrangement.redraw();
  }

  /** Show or hide the model's maps; where there is none but a reason, the reason. */
  toggleMap() {
    const { image } = this;
    if (!image?.map && !image?.map_reason && !this.map.isOn) return false;
    this.map.toggle(this.arrangement.panes.map((pane) => pane.image).filter(Boolean)).then(() => this.refresh());
    return true;
  }

  async toggleFullScreen() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await this.#root.closest(".reading, body").requestFullscreen?.();
    return true;
  }

  /** Let go: of what is being drawn, of what is chosen, of the drawing tool. */
  cancel() {
    const { marks, measurements, pane, mode } = this;
    const isBusy = Boolean(pane?.sketch) || marks.chosen >= 0 || measurements.chosen >= 0 || mode !== "window";
    marks.choose(-1);
    measurements.choose(-1);
    this.mode = "window";
    this.arrangement.redraw();
    return isBusy;
  }

  /** Choose what lies under a stage point, or nothing. */
  choose(pane, point) {
    const mark = markAt(pane, point, this.marks);
    this.marks.choose(mark);
    this.measurements.choose(mark < 0 ? measurementAt(pane, point, this.measurements) : -1);
  }

  focus() {
    this.pane?.element.focus({ preventScroll: true });
  }

  refresh() {
    this.toolbar.refresh();
  }

  /** Return where a radiograph's point of the active pane lies on the screen (client coordinates). */
  toScreen(x, y) {
    const box = this.pane.element.getBoundingClientRect();
    const [sx, sy] = apply(this.pane.display.transform, x, y);
    return [sx + box.left, sy + box.top];
  }

  /** Return the active pane's radiograph point under a client coordinate. */
  toImage(x, y) {
    const box = this.pane.element.getBoundingClientRect();
    return apply(invert(this.pane.display.transform), x - box.left, y - box.top);
  }

  // --- what panes tell ---

  bound(pane) {
    bindGestures(pane, this);
  }

  activated() {
    if (this.image) sayActive(this.#root, this.pane);
    this.refresh();
  }

  arrived(image) {
    if (image.prior) return;
    this.#failed.delete(image.id);
    this.#shown.add(image.id);
    this.past.settle();
    this.#tell();
  }

  failed(image) {
    if (image.prior || this.#failed.has(image.id)) return;
    this.#failed.add(image.id);
    this.#tell();
  }

  drawn(pane) {
    if (pane !== this.pane) return;
    sayActive(this.#root, pane);
    this.#tellThumbs(this.arrangement, this.marks, this);
    this.refresh();
  }

  #tell() {
    this.#root.dispatchEvent(new CustomEvent("bonefrac:shown", { bubbles: true }));
    this.arrangement.redraw();
  }

  #changed({ drawn, isWhole }) {
    this.arrangement.redraw();
    if (drawn || isWhole) this.past.keep();
  }

  #opened(isOpened) {
    if (isOpened && this.arrangement.stage === "prior") this.priors.openNewest();
    return isOpened;
  }

  #take() {
    for (const pane of this.arrangement.panes) pane.keepView();
    const views = [...this.views].sort(([one], [other]) => one.localeCompare(other));
    return JSON.stringify({ marks: this.marks.snapshot(), measurements: this.measurements.snapshot(), views });
  }

  #put(step) {
    const { marks, measurements, views } = JSON.parse(step);
    this.marks.restore(marks);
    this.measurements.restore(measurements);
    this.views = new Map(views);
    for (const { display, ready } of this.arrangement.panes) {
      if (display.image && ready === "full") display.apply(this.views.get(String(display.image.id)) ?? display.untouched);
    }
    this.arrangement.redraw();
    return true;
  }
}

/** Open the viewer on a page's element and show a study. */
export function openViewer(element, data, form) {
  prepare(data.images[0]?.syntax);
  const viewer = new Viewer(element);
  viewer.load(data, form);
  return viewer;
}
