// One rendering engine of Cornerstone for all viewports of the page, and its rebirth after the graphics were lost.

import { core } from "./core.js";

const NAME = "bonefrac";
const REBORN_AFTER_MS = 200;

/** The engine; `lost` and `reborn` are called when its graphics go and when they are back. */
export class Engine {
  #core = null;
  #engine = null;
  #births = 0;
  #elements = new Map(); // viewport id -> element
  #watchers;
  #started;

  constructor({ lost, reborn }) {
    this.#watchers = { lost, reborn };
    this.#started = this.#start();
  }

  enable(id, element) {
    this.#elements.set(id, element);
    if (this.#engine) this.#attach(id, element);
  }

  disable(id) {
    this.#elements.delete(id);
    this.#engine?.disableElement(id);
  }

  /** Return a viewport once there is an engine, with Cornerstone's names of events. */
  async viewport(id) {
    await this.#started;
    return { viewport: this.#engine.getViewport(id), events: this.#core.Enums.Events };
  }

  resize() {
    this.#engine?.resize(true, false);
  }

  async #start() {
    this.#core = await core();
    const { Enums, eventTarget } = this.#core;
    eventTarget.addEventListener(Enums.Events.WEBGL_CONTEXT_LOST, ({ detail }) => {
      if (detail.renderingEngineId === this.#engine.id) this.#lose();
    });
    this.#bear();
  }

  #attach(viewportId, element) {
    const defaultOptions = { background: [0, 0, 0] };
    this.#engine.enableElement({ viewportId, type: this.#core.Enums.ViewportType.STACK, element, defaultOptions });
  }

  #bear() {
    this.#births += 1;
    this.#engine = new this.#core.RenderingEngine(`${NAME}-${this.#births}`);
    for (const [id, element] of this.#elements) this.#attach(id, element);
  }

  #lose() {
    this.#watchers.lost();
    setTimeout(() => {
      const old = this.#engine;
      this.#bear();
      try {
        old.destroy();
      } catch (error) {
        console.warn("the lost engine could not be put away", error);
      }
      this.#watchers.reborn();
    }, REBORN_AFTER_MS);
  }
}
