// Pointers, wheel and touch over a pane, turned into what the chosen tool does.
//
// Mouse: the left button does what the mode says or moves what it takes hold of, the right or middle button moves the
// image, the wheel zooms at the pointer. Touch: one finger does what the mode says, two fingers zoom and move whatever
// the mode is.

import { grab } from "./editing.js";
import { TOOLS } from "./tools.js";

const DRAW_AT_LEAST = 4; // CSS pixels: a shorter drag is a click

const between = (p, q) => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
const distance = (p, q) => Math.hypot(p[0] - q[0], p[1] - q[1]);

class Gestures {
  #pane;
  #viewer;
  #pointers = new Map();
  #from = null; // where a drag began
  #does = null; // "pinch", a tool, or a function that moves what was taken hold of
  #hasMoved = false;

  constructor(pane, viewer) {
    this.#pane = pane;
    this.#viewer = viewer;
    const { element } = pane;
    element.addEventListener("pointerdown", (event) => this.#down(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    element.addEventListener("pointerup", (event) => this.#up(event));
    element.addEventListener("pointercancel", (event) => this.#cancel(event));
    element.addEventListener("pointerleave", () => !this.#pointers.size && pane.lens.at && pane.lens.hold(null));
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    element.addEventListener("focusin", () => viewer.arrangement.activatePane(pane));
  }

  #at(event) {
    const box = this.#pane.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #down(event) {
    if (event.target.closest("button")) return;
    const { element } = this.#pane;
    // A synthetic or already released pointer cannot be captured; the drag then simply ends at the stage's edge.
    if (event.isTrusted) element.setPointerCapture(event.pointerId);
    this.#viewer.arrangement.activatePane(this.#pane);
    element.focus({ preventScroll: true });
    this.#pointers.set(event.pointerId, this.#at(event));
    if (this.#pointers.size > 1) this.#pinches();
    else this.#begin(event);
  }

  #pinches() {
    this.#pane.sketch = null;
    this.#pane.lens.hold(null);
    this.#does = "pinch";
    this.#hasMoved = true;
  }

  #begin(event) {
    this.#from = this.#at(event);
    this.#hasMoved = false;
    if (event.button > 0) this.#does = TOOLS.pan;
    else this.#does = grab(this.#pane, this.#from, this.#viewer) ?? TOOLS[this.#viewer.modeOn(this.#pane)];
    if (this.#does === TOOLS.magnifier) this.#pane.lens.hold(this.#from);
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    const now = this.#at(event);
    if (!before) return this.#hover(now);
    if (this.#does === "pinch") this.#pinch(event.pointerId, now);
    else if (this.#isDrag(now)) this.#drag(before, now);
    this.#pointers.set(event.pointerId, now);
  }

  // What is taken hold of by a click stays where it is: a hand is never still.
  #isDrag(now) {
    this.#hasMoved ||= typeof this.#does !== "function" || distance(this.#from, now) >= DRAW_AT_LEAST;
    return this.#hasMoved;
  }

  #drag(before, now) {
    if (typeof this.#does === "function") this.#does(now);
    else if (this.#pane.isDrawn) this.#does?.move(this.#pane, { from: this.#from, before, now });
  }

  #hover(now) {
    const { mode } = this.#viewer;
    if (mode === "magnifier") this.#pane.lens.hold(now);
    else if (this.#pane.sketch?.isOpen) TOOLS.angle.move(this.#pane, { from: now, now });
  }

  #pinch(id, now) {
    const others = [...this.#pointers].filter(([other]) => other !== id);
    if (!others.length) return;
    const [other, before] = [others[0][1], this.#pointers.get(id)];
    const [was, is] = [distance(before, other), distance(now, other)];
    const [from, to] = [between(before, other), between(now, other)];
    this.#pane.display.panBy(to[0] - from[0], to[1] - from[1]);
    if (was > 1) this.#pane.display.zoomBy(is / was, to);
  }

  #up(event) {
    if (!this.#pointers.delete(event.pointerId) || this.#pointers.size) return;
    const now = this.#at(event);
    const isClick = distance(this.#from, now) < DRAW_AT_LEAST;
    if (typeof this.#does === "object" && this.#pane.isDrawn) this.#does?.end(this.#pane, { from: this.#from, now, isClick }, this.#viewer);
    else if (typeof this.#does === "function" && isClick) this.#viewer.choose(this.#pane, now);
    if (event.pointerType === "touch") this.#pane.lens.hold(null);
    this.#end();
  }

  #cancel(event) {
    if (!this.#pointers.delete(event.pointerId) || this.#pointers.size) return;
    this.#pane.sketch = null;
    this.#pane.redraw();
    this.#end();
  }

  #end() {
    this.#does = null;
    this.#viewer.past.keep();
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.#viewer.arrangement.activatePane(this.#pane);
    this.#pane.display.zoomBy(Math.exp((-event.deltaY * lines) / 500), this.#at(event));
    this.#viewer.past.keep("wheel");
  }
}

/** Bind a pane's pointers to the viewer's tools. */
export function bindGestures(pane, viewer) {
  return new Gestures(pane, viewer);
}
