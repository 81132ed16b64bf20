// The marks of people, over all images of the study, kept in a hidden field of the form.
//
// A mark: { image, kind: "box" | "point", x, y, width, height, bone, side, type, confidence }; positions in pixels of the
// radiograph, a point has neither width nor height. A measurement: { image, kind: "length" | "angle", points }. The order
// is that of drawing. What was read from the field is written back unchanged until somebody changes it.

const round = (value) => Math.round(value * 10) / 10;
const FIELDS = ["bone", "side", "type", "confidence"];
const KINDS = ["box", "point"];

function read(field) {
  try {
    const list = JSON.parse(field?.value || "[]");
    return Array.isArray(list) ? list.filter((one) => one && typeof one === "object") : [];
  } catch (error) {
    // A field that cannot be read is not overwritten before something is drawn.
    console.warn("marks could not be read", error);
    return [];
  }
}

/** A list that tells its listeners after every change and keeps itself in a hidden field. */
class Kept {
  #list = [];
  #listeners = [];
  #field = null;
  #chosen = -1;

  get all() {
    return this.#list;
  }

  get chosen() {
    return this.#chosen;
  }

  /** Begin anew with what a form's field holds, or else with what is given. */
  begin(field, given = []) {
    this.#field = field ?? null;
    const found = read(this.#field);
    this.#list = (found.length ? found : given).map((one) => this.whole(one));
    this.#chosen = -1;
    this.#tell({ begun: true });
  }

  /** Return [index, mark] of one image's. */
  of(imageId) {
    return [...this.#list.entries()].filter(([, mark]) => String(mark.image) === String(imageId));
  }

  listen(listener) {
    this.#listeners.push(listener);
  }

  choose(index) {
    if (index === this.#chosen) return;
    this.#chosen = this.#list[index] ? index : -1;
    this.#tell({ chosen: true });
  }

  remove(index) {
    if (!this.#list[index]) return false;
    this.#list.splice(index, 1);
    this.#chosen = -1;
    this.#tell({ edited: true, isWhole: true });
    return true;
  }

  /** Return the list as it is now, as text. */
  snapshot() {
    return JSON.stringify(this.#list);
  }

  /** Put back what a snapshot says. */
  restore(snapshot) {
    if (snapshot === this.snapshot()) return;
    this.#list = JSON.parse(snapshot);
    this.#chosen = -1;
    this.#tell({ edited: true });
  }

  whole(mark) {
    return mark;
  }

  append(mark) {
    this.#list.push(mark);
    this.#chosen = this.#list.length - 1;
    this.#tell({ drawn: mark });
    return this.#chosen;
  }

  /** Replace some of a mark's values; `isWhole` where that is a step of its own and no part of a drag. */
  change(index, values, { isWhole = false } = {}) {
    if (!this.#list[index]) return;
    Object.assign(this.#list[index], values);
    this.#tell({ edited: true, isWhole });
  }

  #tell(change) {
    const isChanged = Boolean(change.drawn || change.edited);
    if (this.#field && isChanged) this.#field.value = JSON.stringify(this.#list);
    for (const listener of this.#listeners) listener(change);
    // A hidden field says nothing when a script changes it; the draft listens for this.
    if (isChanged) this.#field?.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

/** Boxes and points: what is signed. */
export class Marks extends Kept {
  whole(mark) {
    const { image, x, y, width = 0, height = 0, ...more } = mark;
    const kind = KINDS.includes(mark.kind) ? mark.kind : "box";
    const said = Object.fromEntries(FIELDS.map((name) => [name, mark[name] ?? null]));
    return { ...more, image, kind, x, y, width, height, ...said };
  }

  /** Add a box or point of an image; it becomes the chosen one. */
  add(image, { kind = "box", x, y, width = 0, height = 0, ...said }) {
    const place = { x: round(x), y: round(y), width: round(width), height: round(height) };
    return this.append(this.whole({ image, kind, ...place, ...said }));
  }

  /** Say a mark's bone, side, type or confidence; empty forgets it. */
  setField(index, name, value) {
    if (FIELDS.includes(name)) this.change(index, { [name]: value || null }, { isWhole: true });
  }

  setConfidence(index, confidence) {
    this.setField(index, "confidence", confidence);
  }

  /** Put a mark somewhere else on its image. */
  place(index, { x, y, width, height }) {
    this.change(index, { x: round(x), y: round(y), width: round(width), height: round(height) });
  }
}

/** Lengths and angles: the reader's scratch marks, kept with the draft and never signed. */
export class Measurements extends Kept {
  add(image, kind, points) {
    return this.append({ image, kind, points: points.map((point) => point.map(round)) });
  }

  /** Put one end of a measurement somewhere else. */
  place(index, end, point) {
    const points = this.all[index].points.map((old, at) => (at === end ? point.map(round) : old));
    this.change(index, { points });
  }
}
