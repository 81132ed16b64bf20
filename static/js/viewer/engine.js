// One rendering engine of Cornerstone for all viewports of the page, and its rebirth after the graphics were lost.

import { cache, Enums, eventTarget, init as startCore, RenderingEngine } from "@cornerstonejs/core";
import { init as startLoader } from "@cornerstonejs/dicom-image-loader";
import { registerPreviews } from "./preview.js";

const NAME = "bonefrac";
const REBORN_AFTER_MS = 200;

function start() {
  startCore({ rendering: { webGlContextCount: 1 } });
  startLoader({ maxWebWorkers: Math.max(1, Math.min(4, Math.floor((navigator.hardwareConcurrency || 2) / 2))) });
  cache.setMaxCacheSize(1024 * 1024 * 1024);
  registerPreviews();
}

/** The engine; `lost` and `reborn` are called when its graphics go and when they are back. */
export class Engine {
  #engine;
  #births = 0;
  #elements = new Map(); // viewport id -> element
  #watchers;

  constructor({ lost, reborn }) {
    start();
    this.#watchers = { lost, reborn };
    this.#engine = this.#bear();
    eventTarget.addEventListener(Enums.Events.WEBGL_CONTEXT_LOST, ({ detail }) => {
      if (detail.renderingEngineId === this.#engine.id) this.#lose();
    });
  }

  enable(id, element) {
    this.#elements.set(id, element);
    return this.#attach(id, element);
  }

  disable(id) {
    this.#elements.delete(id);
    this.#engine.disableElement(id);
  }

  viewport(id) {
    return this.#engine.getViewport(id);
  }

  resize() {
    this.#engine.resize(true, false);
  }

  #attach(id, element) {
    const defaultOptions = { background: [0, 0, 0] };
    this.#engine.enableElement({ viewportId: id, type: Enums.ViewportType.STACK, element, defaultOptions });
    return this.#engine.getViewport(id);
  }

  #bear() {
    this.#births += 1;
    return new RenderingEngine(`${NAME}-${this.#births}`);
  }

  #lose() {
    this.#watchers.lost();
    setTimeout(() => {
      const old = this.#engine;
      this.#engine = this.#bear();
      try {
        old.destroy();
      } catch (error) {
        console.warn("the lost engine could not be put away", error);
      }
      for (const [id, element] of this.#elements) this.#attach(id, element);
      this.#watchers.reborn();
    }, REBORN_AFTER_MS);
  }
}
