// Earlier studies of the same patient and part, listed under the study's images; opened only when somebody asks, because
// opening one is recorded. A prior carries no AI output and nothing is drawn on it.

import { thumb } from "./thumbs.js";

/** The priors of the study that is read. */
export class Priors {
  #viewer;
  #list;
  #priors = [];
  #opened = new Map(); // study id -> images

  constructor(viewer, thumbs) {
    this.#viewer = viewer;
    this.#list = document.createElement("div");
    this.#list.className = "thumbs__priors";
    this.#list.dataset.priors = "";
    thumbs?.after(this.#list);
  }

  /** List a study's priors. */
  begin(priors) {
    this.#priors = priors;
    this.#opened.clear();
    this.#list.hidden = !priors.length;
    const { words } = this.#viewer;
    const title = document.createElement("h2");
    title.textContent = words.priors;
    this.#list.replaceChildren(title, ...priors.map((prior) => this.#row(prior)));
  }

  /** Open the newest prior unless one is open already. */
  openNewest() {
    const { arrangement } = this.#viewer;
    if (this.#priors.length && !arrangement.panes[1]?.image) this.open(this.#priors[0]);
  }

  /** Show a prior beside the study. */
  async open(prior, index = 0) {
    const row = this.#list.querySelector(`[data-prior="${prior.study}"]`);
    try {
      const images = await this.#images(prior);
      this.#viewer.arrangement.hangPrior(images, index);
      this.#fill(row, prior, images);
    } catch (error) {
      console.warn("prior failed", prior.study, error);
      row.querySelector("[data-said]").textContent = this.#viewer.words.priorFailed;
    }
    this.#viewer.refresh();
  }

  async #images(prior) {
    if (!this.#opened.has(prior.study)) {
      const answer = await fetch(prior.address, { credentials: "same-origin", headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`expected a prior's images, received status ${answer.status}`);
      const { images } = await answer.json();
      this.#opened.set(prior.study, images.map((image) => ({ ...image, map: null, map_reason: null, prior })));
    }
    return this.#opened.get(prior.study);
  }

  #row(prior) {
    const row = document.createElement("div");
    row.dataset.prior = prior.study;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "thumbs__prior";
    for (const text of [prior.date, prior.label]) {
      const line = document.createElement("span");
      line.textContent = text;
      button.append(line, " ");
    }
    button.addEventListener("click", () => this.open(prior));
    const said = document.createElement("span");
    said.dataset.said = "";
    row.append(button, said);
    return row;
  }

  #fill(row, prior, images) {
    row.querySelector("[data-said]").textContent = "";
    if (row.querySelector(".thumbs__one")) return;
    row.append(...images.map((image, index) => thumb(image, () => this.open(prior, index))));
  }
}
