// Pointers, wheel and touch over the stage, turned into verbs of the viewer.
//
// Mouse: the left button does what the mode says, the right or middle button moves, the wheel zooms at the pointer.
// Touch: one finger does what the mode says, two fingers zoom and move whatever the mode is.

const DRAW_AT_LEAST = 4; // CSS pixels: a shorter drag is a click

function at(stage, event) {
  const box = stage.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

const between = (p, q) => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
const distance = (p, q) => Math.hypot(p[0] - q[0], p[1] - q[1]);

class Gestures {
  #stage;
  #viewer;
  #pointers = new Map();
  #from = null; // where a drag began
  #mode = null;

  constructor(stage, viewer) {
    this.#stage = stage;
    this.#viewer = viewer;
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    stage.addEventListener("pointerup", (event) => this.#up(event));
    stage.addEventListener("pointercancel", (event) => this.#cancel(event));
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  #down(event) {
    // A synthetic or already released pointer cannot be captured; the drag then simply ends at the stage's edge.
    if (event.isTrusted) this.#stage.setPointerCapture(event.pointerId);
    this.#stage.focus({ preventScroll: true });
    this.#pointers.set(event.pointerId, at(this.#stage, event));
    if (this.#pointers.size > 1) {
      this.#viewer.sketch(null);
      this.#mode = "pinch";
      return;
    }
    this.#from = at(this.#stage, event);
    this.#mode = event.button > 0 ? "pan" : this.#viewer.mode;
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const now = at(this.#stage, event);
    if (this.#mode === "pinch") this.#pinch(event.pointerId, now);
    else this.#drag(before, now);
    this.#pointers.set(event.pointerId, now);
  }

  #drag(before, now) {
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    if (this.#mode === "window") this.#viewer.display.dragWindow(dx, dy);
    else if (this.#mode === "pan") this.#viewer.display.panBy(dx, dy);
    else if (this.#mode === "zoom") this.#viewer.display.zoomBy(Math.exp(-dy / 150), this.#from);
    else if (this.#mode === "box") this.#viewer.sketch(this.#from, now);
  }

  #pinch(id, now) {
    const others = [...this.#pointers].filter(([other]) => other !== id);
    if (!others.length) return;
    const [other, before] = [others[0][1], this.#pointers.get(id)];
    const [was, is] = [distance(before, other), distance(now, other)];
    const [from, to] = [between(before, other), between(now, other)];
    this.#viewer.display.panBy(to[0] - from[0], to[1] - from[1]);
    if (was > 1) this.#viewer.display.zoomBy(is / was, to);
  }

  #up(event) {
    if (!this.#pointers.delete(event.pointerId)) return;
    if (this.#pointers.size) return;
    const now = at(this.#stage, event);
    const isClick = this.#from && distance(this.#from, now) < DRAW_AT_LEAST;
    if (this.#mode === "box" && !isClick) this.#viewer.drawn(this.#from, now);
    else if (this.#mode !== "pinch" && isClick) this.#viewer.clicked(now);
    this.#end();
  }

  #cancel(event) {
    this.#pointers.delete(event.pointerId);
    if (!this.#pointers.size) this.#end();
  }

  #end() {
    this.#viewer.sketch(null);
    this.#from = null;
    this.#mode = null;
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.#viewer.display.zoomBy(Math.exp((-event.deltaY * lines) / 500), at(this.#stage, event));
  }
}

/** Bind the stage's pointers to a viewer. */
export function bindGestures(stage, viewer) {
  return new Gestures(stage, viewer);
}
