// The list of fractures in the form: those drawn on the pictures and those only named, each with bone, side, type and
// confidence. The chosen one is open, the others are one line each, so that the list stays calm.
//
// A row is built once and filled in place: a list that is built anew while somebody types ahead in it loses the letters.

import { words } from "./words.js";

const FIELDS = ["bone", "side", "type", "confidence"];

/** The fractures that are named without being drawn, kept in a hidden field. */
export class Unlocated {
  #field;
  #listeners = [];
  chosen = -1;

  constructor(field) {
    this.#field = field;
    this.all = field?.value ? JSON.parse(field.value) : [];
  }

  listen(listener) {
    this.#listeners.push(listener);
  }

  add() {
    this.all.push({ bone: "", side: "", type: "", confidence: null });
    this.chosen = this.all.length - 1;
    this.#tell();
  }

  remove(index) {
    this.all.splice(index, 1);
    this.chosen = -1;
    this.#tell();
  }

  choose(index) {
    this.chosen = index;
    for (const listener of this.#listeners) listener();
  }

  setField(index, name, value) {
    this.all[index][name] = value;
    this.#tell();
  }

  #tell() {
    this.#field.value = JSON.stringify(this.all);
    for (const listener of this.#listeners) listener();
    this.#field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

function optionText(select) {
  return select.value ? select.selectedOptions[0]?.textContent.trim() : "";
}

/** One fracture's row. */
class Row {
  constructor(template, source, index, label) {
    this.source = source;
    this.index = index;
    this.label = label;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.element.dataset.kind = source.kindOf(index);
    const part = (name) => this.element.querySelector(`[data-finding="${name}"]`);
    [this.go, this.name, this.summary, this.fields] = ["go", "name", "summary", "fields"].map(part);
    this.go.addEventListener("click", () => source.choose(index));
    part("delete").addEventListener("click", () => source.remove(index));
    part("delete").setAttribute("aria-label", `${part("delete").textContent.trim()} ${label}`);
    this.selects = FIELDS.map((name) => {
      const select = this.element.querySelector(`select[data-field="${name}"]`);
      select.setAttribute("aria-label", `${select.getAttribute("aria-label")}, ${label}`);
      select.addEventListener("change", (event) => {
        event.stopPropagation();
        source.setField(index, name, select.value || (name === "confidence" ? null : ""));
      });
      return select;
    });
  }

  fill(finding, isChosen) {
    this.element.classList.toggle("is-chosen", isChosen);
    this.go.setAttribute("aria-expanded", String(isChosen));
    this.fields.hidden = !isChosen;
    for (const [at, name] of FIELDS.entries()) {
      const value = finding[name] ?? "";
      const known = [...this.selects[at].options].some((option) => option.value === value);
      // What an older reading says in free words is offered as it stands.
      if (!known && value && value !== "unknown") this.selects[at].add(new Option(value, value));
      if (this.selects[at].value !== value) this.selects[at].value = value === "unknown" ? "" : value;
    }
    this.name.textContent = this.label;
    this.summary.textContent = this.selects.map(optionText).filter(Boolean).join(", ") || words("unnamed");
  }
}

/** Keep the list in step with the marks of the viewer and the fractures that are only named. */
export class Findings {
  #list;
  #template;
  #rows = [];
  #signature = "";

  constructor(form, viewer) {
    this.form = form;
    this.viewer = viewer;
    this.#list = form.element.querySelector("#finding-list");
    this.#template = document.getElementById("finding-row");
    this.unlocated = new Unlocated(form.element.elements.unlocated);
    if (!this.#list || !this.#template) return;
    this.unlocated.listen(() => this.#fill());
    this.#fill();
  }

  /** Follow a change of the viewer's marks. */
  follow() {
    if (this.viewer.marks.chosen >= 0 && this.unlocated.chosen >= 0) this.unlocated.chosen = -1;
    this.#fill();
    this.form.refresh();
  }

  /** Put the keyboard into the chosen finding, or the last one; true where there is one. */
  describe() {
    if (!this.#rows.length) return false;
    const open = this.#rows.find((row) => !row.fields.hidden) ?? this.#rows.at(-1);
    if (open.fields.hidden) open.source.choose(open.index);
    const row = this.#rows.find((one) => !one.fields.hidden) ?? this.#rows.at(-1);
    row.selects[0].focus();
    row.element.scrollIntoView({ block: "nearest" });
    return true;
  }

  /** Name one more fracture without drawing it. */
  add() {
    if (!this.#list) return false;
    this.viewer.marks.choose(-1);
    this.unlocated.add();
    return this.describe();
  }

  get #drawn() {
    const { viewer } = this;
    return {
      kindOf: (index) => viewer.marks.all[index].kind ?? "box",
      choose: (index) => {
        this.unlocated.chosen = -1;
        viewer.goToMark(index);
      },
      remove: (index) => viewer.marks.remove(index),
      setField: (index, name, value) => viewer.marks.setField(index, name, value),
    };
  }

  get #named() {
    const { unlocated, viewer } = this;
    return {
      kindOf: () => "named",
      choose: (index) => {
        viewer.marks.choose(-1);
        unlocated.choose(index);
      },
      remove: (index) => unlocated.remove(index),
      setField: (index, name, value) => unlocated.setField(index, name, value),
    };
  }

  #labelOf(mark, index) {
    const image = this.viewer.images.find((one) => String(one.id) === String(mark.image));
    return `${index + 1} · ${image?.label ?? ""}`;
  }

  #build() {
    const [drawn, named] = [this.#drawn, this.#named];
    const marks = this.viewer.marks.all;
    this.#rows = [
      ...marks.map((mark, index) => new Row(this.#template, drawn, index, this.#labelOf(mark, index))),
      ...this.unlocated.all.map(
        (one, index) => new Row(this.#template, named, index, `${marks.length + index + 1} · ${words("notDrawn")}`),
      ),
    ];
    const had = this.#list.contains(document.activeElement);
    this.#list.replaceChildren(...this.#rows.map((row) => row.element));
    if (had) this.form.leave();
  }

  #fill() {
    if (!this.#list) return;
    const marks = this.viewer.marks.all;
    const signature = JSON.stringify([marks.map((mark) => [mark.image, mark.kind]), this.unlocated.all.length]);
    if (signature !== this.#signature) this.#build();
    this.#signature = signature;
    for (const row of this.#rows) {
      const isNamed = row.element.dataset.kind === "named";
      const finding = isNamed ? this.unlocated.all[row.index] : marks[row.index];
      const chosen = isNamed ? this.unlocated.chosen : this.viewer.marks.chosen;
      row.fill(finding, row.index === chosen);
    }
  }
}
