// Which panes there are, which images each has, and which pane is the active one.
//
// Stages, from fewer pictures side by side to more: one pane for all images, two panes, as hung (by view position, up to
// four panes), and the newest prior beside the study. Which image hangs where is decided on the server; here it is only carried out.

import { Pane } from "./pane.js";

const AT_MOST = 4;
const WIDE_ENOUGH = 600; // CSS pixels: on a narrower page one image at a time is more than four stamps

function stagesOf(images, hanging, priors) {
  const byId = new Map(images.map((image) => [String(image.id), image]));
  const hung = (hanging ?? [])
    .map((ids) => ids.map((id) => byId.get(String(id))).filter(Boolean))
    .filter((stack) => stack.length)
    .slice(0, AT_MOST);
  const stages = [{ name: "one", panes: [images] }];
  if (hung.length > 2) stages.push({ name: "two", panes: [hung[0], hung.slice(1).flat()] });
  if (hung.length > 1) stages.push({ name: "hung", panes: hung });
  if (priors.length) stages.push({ name: "prior", panes: [images, []] });
  return stages;
}

/** The panes of the page. `owner` is the viewer. */
export class Arrangement {
  #owner;
  #engine;
  #grid;
  #template;
  #made = 0;
  #stages = [];
  #stage = 0;
  #active = 0;
  panes = [];

  constructor(owner, engine, grid, template) {
    this.#owner = owner;
    this.#engine = engine;
    this.#grid = grid;
    this.#template = template;
    new ResizeObserver(() => this.#resized()).observe(grid);
  }

  get active() {
    return this.panes[this.#active] ?? null;
  }

  get stage() {
    return this.#stages[this.#stage]?.name ?? "one";
  }

  get stages() {
    return this.#stages.map((stage) => stage.name);
  }

  /** Hang a study's images: all views, or one at a time where there is little room. */
  begin(images, hanging, priors) {
    this.#stages = stagesOf(images, hanging, priors);
    const wanted = this.#grid.clientWidth < WIDE_ENOUGH ? "one" : "hung";
    this.#stage = Math.max(0, this.#stages.findIndex(({ name }) => name === wanted));
    this.#hang(this.#stages[this.#stage].panes);
    this.activate(0);
  }

  /** Go to another stage by its name, keeping the image that is looked at; returns whether there is one. */
  to(name) {
    const index = this.#stages.findIndex((stage) => stage.name === name);
    if (index < 0) return false;
    const looked = this.active?.image;
    this.#stage = index;
    this.#hang(this.#stages[index].panes, looked);
    const at = this.panes.findIndex((pane) => pane.image === looked);
    this.activate(Math.max(0, at));
    return true;
  }

  /** Give the stage with the prior its images. */
  hangPrior(images, index = 0) {
    const stage = this.#stages.find(({ name }) => name === "prior");
    if (!stage) return;
    stage.panes[1] = images;
    const looked = this.active?.image;
    this.#stage = this.#stages.indexOf(stage);
    this.#hang(stage.panes, looked?.prior ? null : looked);
    this.panes[1]?.go(index);
    this.activate(1);
  }

  step(by) {
    const index = this.#stage + by;
    return index >= 0 && index < this.#stages.length && this.to(this.#stages[index].name);
  }

  activate(index) {
    if (!this.panes[index]) return false;
    const isOther = index !== this.#active;
    this.#active = index;
    for (const [at, pane] of this.panes.entries()) {
      pane.element.dataset.active = String(at === index);
      pane.element.classList.toggle("is-active", at === index && this.panes.length > 1);
      pane.element.querySelector("[data-active-word]").hidden = at !== index || this.panes.length < 2;
      pane.redraw();
    }
    if (isOther) this.#owner.activated();
    return isOther;
  }

  activatePane(pane) {
    return this.activate(this.panes.indexOf(pane));
  }

  stepPane(by) {
    const isMoved = this.activate(this.#active + by);
    if (isMoved) this.active.element.focus({ preventScroll: true });
    return isMoved;
  }

  /** Show an image: where it hangs, or else in the active pane; returns its pane. */
  find(image) {
    const isHere = (pane) => pane.stack.includes(image);
    const pane = isHere(this.active) ? this.active : this.panes.find(isHere);
    if (pane) {
      this.activatePane(pane);
      pane.go(pane.stack.indexOf(image));
    }
    return pane ?? null;
  }

  redraw() {
    for (const pane of this.panes) pane.redraw();
  }

  lost() {
    for (const pane of this.panes) pane.lost();
  }

  async reborn() {
    await Promise.all(this.panes.map((pane) => pane.redo()));
  }

  #hang(stacks, looked = null) {
    while (this.panes.length > stacks.length) this.panes.pop().close();
    while (this.panes.length < stacks.length) this.panes.push(this.#make());
    this.#grid.dataset.panes = stacks.length;
    this.#active = Math.min(this.#active, stacks.length - 1);
    for (const [at, stack] of stacks.entries()) {
      const shown = [looked, this.panes[at].image].map((image) => stack.indexOf(image)).find((index) => index >= 0);
      this.panes[at].hang(stack, shown ?? 0);
    }
    this.#resized();
  }

  #make() {
    const element = this.#template.content.firstElementChild.cloneNode(true);
    this.#grid.append(element);
    this.#made += 1;
    const pane = new Pane(this.#owner, this.#engine, `pane-${this.#made}`, element);
    this.#owner.bound(pane);
    return pane;
  }

  #resized() {
    this.#engine.resize();
    for (const pane of this.panes) {
      pane.display.resized();
      pane.redraw();
    }
  }
}
