// The boxes that a person has drawn, over all images of the study, kept in the form's hidden field.
//
// A box: { image, x, y, width, height, confidence }; positions in pixels of the radiograph. The order is that of drawing.

const round = (value) => Math.round(value * 10) / 10;

/** The list of boxes. Tells its listeners after every change. */
export class Boxes {
  #list = [];
  #listeners = [];
  #field;
  chosen = -1;

  constructor(field, given = []) {
    this.#field = field;
    this.#list = field?.value ? JSON.parse(field.value) : [];
    if (!this.#list.length) this.#list = given;
  }

  get all() {
    return this.#list;
  }

  /** Return [index, box] of one image's boxes. */
  of(imageId) {
    return [...this.#list.entries()].filter(([, box]) => String(box.image) === String(imageId));
  }

  listen(listener) {
    this.#listeners.push(listener);
  }

  add(image, { x, y, width, height }) {
    const box = { image, x: round(x), y: round(y), width: round(width), height: round(height), confidence: null };
    this.#list.push(box);
    this.chosen = this.#list.length - 1;
    this.#tell({ drawn: box });
  }

  choose(index) {
    this.chosen = index;
    this.#tell({});
  }

  setConfidence(index, confidence) {
    this.#list[index].confidence = confidence || null;
    this.#tell({ edited: true });
  }

  remove(index) {
    if (index < 0 || index >= this.#list.length) return;
    this.#list.splice(index, 1);
    this.chosen = -1;
    this.#tell({ edited: true });
  }

  #tell(change) {
    if (this.#field) this.#field.value = JSON.stringify(this.#list);
    for (const listener of this.#listeners) listener(change);
    // A hidden field says nothing when a script changes it; the draft listens for this.
    if (change.drawn || change.edited) this.#field?.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
