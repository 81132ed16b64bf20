// The viewer: puts display, marks, heat map, gestures, thumbs and status together, and is what keys and form talk to.

import { Boxes } from "./boxes.js";
import { Display } from "./display.js";
import { apply, boxBetween, invert } from "./geometry.js";
import { bindGestures } from "./gestures.js";
import { colouredMap, drawMap } from "./heatmap.js";
import { drawMarks } from "./marks.js";
import { showStatus } from "./status.js";
import { fillThumbs } from "./thumbs.js";

const MODES = ["window", "zoom", "pan", "box"];

function given(images) {
  return images.flatMap((image) => (image.findings ?? []).map((finding) => ({ ...finding, image: image.id })));
}

/** The viewer of one study's radiographs. */
export class Viewer {
  #element;
  #images;
  #parts;
  #mark;
  #index = -1;
  #draft = null;
  #coloured = new Map(); // image id -> canvas of its map
  #mapIsOn = false;
  #opacity = 0.6;
  #frame = 0;

  constructor(element, data, form) {
    this.#element = element;
    this.#images = data.images;
    this.canDraw = Boolean(data.can_read);
    const part = (selector) => element.querySelector(selector);
    this.#parts = {
      stage: part(".stage"),
      preview: part(".stage__preview"),
      map: part(".stage__map"),
      marks: part(".stage__marks"),
      problem: part(".stage__problem"),
      words: part("[data-words]").dataset,
    };
    this.boxes = new Boxes(form?.elements.findings, given(this.#images));
    this.boxes.listen(() => this.#redraw());
    this.display = new Display(part(".stage__canvas"), () => this.#redraw());
    this.#mark = fillThumbs(document.getElementById("thumbs"), this.#images, (index) => this.go(index));
    bindGestures(this.#parts.stage, this);
    this.#bindTools();
    this.mode = matchMedia("(pointer: coarse)").matches ? "pan" : "window";
  }

  get image() {
    return this.#images[this.#index] ?? null;
  }

  get words() {
    return this.#parts.words;
  }

  get images() {
    return this.#images;
  }

  get mode() {
    return this.#element.dataset.mode;
  }

  /** Choose what dragging does; "box" only where the person may read. */
  set mode(mode) {
    if (!MODES.includes(mode) || (mode === "box" && !this.canDraw)) return;
    this.#element.dataset.mode = mode;
    for (const button of this.#element.querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-pressed", String(button.dataset.tool === mode));
    }
  }

  /** Show the image at an index: its preview at once, full depth as soon as it is decoded. */
  async go(index) {
    if (index < 0 || index >= this.#images.length || index === this.#index) return;
    this.#index = index;
    this.boxes.chosen = -1;
    const { image } = this;
    this.#showPreview(image);
    try {
      await this.#show(image, () => this.display.fetch(image), "full");
    } catch (error) {
      console.warn("full depth failed", image.id, error);
      await this.#fallBack(image);
    }
  }

  step(by) {
    this.go(this.#index + by);
  }

  /** Return where a radiograph's point of the current image lies on the screen (client coordinates). */
  toScreen(x, y) {
    const box = this.#parts.stage.getBoundingClientRect();
    const [sx, sy] = apply(this.display.transform, x, y);
    return [sx + box.left, sy + box.top];
  }

  /** Return the radiograph's point under a client coordinate. */
  toImage(x, y) {
    const box = this.#parts.stage.getBoundingClientRect();
    return apply(invert(this.display.transform), x - box.left, y - box.top);
  }

  /** Show or forget the box that is being drawn (stage coordinates). */
  sketch(from, to) {
    const had = this.#draft;
    this.#draft = from ? this.#boxOf(from, to) : null;
    if (had || this.#draft) this.#redraw();
  }

  /** Keep the box between two stage points. */
  drawn(from, to) {
    const box = this.#boxOf(from, to);
    this.#draft = null;
    if (box && box.width >= 1 && box.height >= 1) this.boxes.add(this.image.id, box);
  }

  /** Choose the box under a stage point, or none. */
  clicked(point) {
    const map = this.display.transform;
    if (!map) return;
    const [x, y] = apply(invert(map), ...point);
    const hit = this.boxes
      .of(this.image.id)
      .filter(([, box]) => x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height)
      .sort(([, one], [, other]) => one.width * one.height - other.width * other.height)[0];
    this.boxes.choose(hit ? hit[0] : -1);
  }

  /** Go to a box's image and choose it. */
  async goToBox(index) {
    const box = this.boxes.all[index];
    await this.go(this.#images.findIndex((image) => String(image.id) === String(box.image)));
    this.boxes.choose(index);
  }

  removeChosen() {
    if (this.canDraw) this.boxes.remove(this.boxes.chosen);
  }

  zoomIn() {
    this.display.zoomBy(1.25);
  }

  zoomOut() {
    this.display.zoomBy(0.8);
  }

  fit() {
    this.display.fit();
  }

  rotate() {
    this.display.rotate();
  }

  invert() {
    this.display.toggleInvert();
  }

  reset() {
    this.display.reset();
  }

  /** Show or hide the map of the model; without a map nothing happens. */
  async toggleMap() {
    if (!this.image?.map && !this.#mapIsOn) return;
    this.#mapIsOn = !this.#mapIsOn;
    await this.#loadMap();
    this.#redraw();
  }

  #boxOf(from, to) {
    const map = this.display.transform;
    if (!map || !this.canDraw) return null;
    const back = invert(map);
    return boxBetween(apply(back, ...from), apply(back, ...to), this.image.columns, this.image.rows);
  }

  #showPreview(image) {
    const { preview, problem } = this.#parts;
    problem.hidden = true;
    delete this.#element.dataset.drawn;
    this.#element.dataset.image = image.id;
    this.#element.dataset.ready = "loading";
    preview.hidden = false;
    preview.onload = () => {
      if (this.#element.dataset.ready === "loading" && this.image === image) this.#element.dataset.ready = "preview";
      this.#redraw();
    };
    preview.src = image.preview;
    this.#redraw();
  }

  async #show(image, fetch, ready) {
    const fetched = await fetch();
    if (this.image !== image) return;
    await this.display.show(image, fetched);
    if (this.image !== image) return;
    this.#element.dataset.drawn = "";
    this.#element.dataset.ready = ready;
    await this.#loadMap();
    this.#redraw();
  }

  async #fallBack(image) {
    if (this.image !== image) return;
    const { problem, words } = this.#parts;
    problem.textContent = words.failed;
    problem.hidden = false;
    try {
      await this.#show(image, () => this.display.fetchPreview(image), "failed");
    } catch (error) {
      console.warn("preview failed", image.id, error);
      if (this.image !== image) return;
      problem.textContent = words.failedAll;
      this.#element.dataset.ready = "failed";
    }
  }

  async #loadMap() {
    const { image } = this;
    if (!this.#mapIsOn || !image?.map || this.#coloured.has(image.id)) return;
    try {
      this.#coloured.set(image.id, await colouredMap(image.map.url));
    } catch (error) {
      console.warn("map failed", image.id, error);
      this.#mapIsOn = false;
    }
  }

  #bindTools() {
    for (const button of this.#element.querySelectorAll("[data-tool], [data-act]")) {
      button.addEventListener("click", (event) => {
        if (button.dataset.tool) this.mode = button.dataset.tool;
        else this[button.dataset.act]();
        // After a click the keys belong to the image again; after a key press on the button focus stays.
        if (event.detail) this.#parts.stage.focus({ preventScroll: true });
      });
    }
    this.#element.querySelector('[data-tool="box"]').hidden = !this.canDraw;
    this.#element.querySelector("[data-map-opacity] input").addEventListener("input", (event) => {
      this.#opacity = Number(event.target.value) / 100;
      this.#redraw();
    });
  }

  // Many changes a frame, one drawing a frame.
  #redraw() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const { image } = this;
    if (!image) return;
    const isDrawn = "drawn" in this.#element.dataset;
    const map = isDrawn ? this.display.transform : null;
    const isOn = this.#mapIsOn && Boolean(image.map);
    const boxes = this.boxes.of(image.id);
    drawMarks(this.#parts.marks, map, image, {
      boxes,
      chosen: this.boxes.chosen,
      draft: this.#draft,
      regions: isOn ? image.map.regions ?? [] : [],
    });
    const coloured = isOn ? this.#coloured.get(image.id) : null;
    drawMap(this.#parts.map, map, image, coloured, image.map?.content_box ?? [0, 0, 1, 1], this.#opacity);
    this.#mark(this.#index, this.boxes);
    showStatus(this.#element, { image, display: isDrawn ? this.display : null, isMapOn: isOn, boxCount: boxes.length });
  }
}

/** Open the viewer on a page's element and show its first image. */
export function openViewer(element, data, form) {
  const viewer = new Viewer(element, data, form);
  viewer.go(0);
  return viewer;
}
