// The reading form: what is chosen and how, what is shown for which verdict, and what signing waits for.
//
// Nothing here decides what is allowed, the server does; what is said here only spares a way to it.

import { focusPicture, words } from "./words.js";

const DEAF_MS = 400; // after the sign button changed its meaning: a second press of a double one must not sign

/** The form as the keys, the viewer and the signing see it. */
export class ReadingForm {
  #button;
  #listeners = [];
  #readySince = -DEAF_MS;
  #wasReady = false;
  isSending = false;

  constructor(form, viewer) {
    this.element = form;
    this.viewer = viewer;
    this.#button = form.querySelector("[data-sign]");
    this.label = this.#button?.querySelector("[data-sign-words]");
    this.signWords = this.label?.textContent ?? "";
    form.addEventListener("change", () => this.refresh());
    form.addEventListener("input", () => this.refresh());
    this.refresh();
  }

  get isBlind() {
    return "blind" in this.element.dataset;
  }

  get signsInPlace() {
    return "inPlace" in this.element.dataset;
  }

  get button() {
    return this.#button;
  }

  get verdict() {
    return this.value("verdict");
  }

  value(name) {
    return new FormData(this.element).get(name);
  }

  listen(listener) {
    this.#listeners.push(listener);
  }

  /** Check a radio by name and value, as a click would; true where it is there. */
  choose(name, value) {
    const radio = [...this.element.querySelectorAll('input[type="radio"]')].find(
      (input) => input.name === name && input.value === value && !input.disabled,
    );
    if (!radio) return false;
    if (!radio.checked) {
      radio.checked = true;
      radio.dispatchEvent(new Event("change", { bubbles: true }));
    }
    return true;
  }

  /** Choose the radio after the one that is chosen; true where there are any. */
  cycle(name) {
    const radios = [...this.element.querySelectorAll(`input[type="radio"][name="${name}"]`)];
    const next = radios[(radios.findIndex((radio) => radio.checked) + 1) % radios.length];
    return next ? this.choose(name, next.value) : false;
  }

  /** Turn a checkbox over; true where it is there. */
  toggle(name) {
    const box = this.element.querySelector(`input[type="checkbox"][name="${name}"]`);
    if (!box) return false;
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
    box.closest("label")?.scrollIntoView({ block: "nearest" });
    return true;
  }

  /** Set a hidden field, so that whoever keeps the draft hears of it. */
  set(name, value) {
    const field = this.element.elements[name];
    if (!field || field.value === value) return;
    field.value = value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** Open a part of the form and put the keyboard into it; a part that has the keyboard is closed again. */
  open(name) {
    const part = this.element.querySelector(`[data-part="${name}"]`);
    if (!part) return false;
    if (part.open && part.contains(document.activeElement)) {
      part.open = false;
      this.leave();
      return true;
    }
    part.open = true;
    const field = part.querySelector("input:checked, textarea") ?? part.querySelector("input, select, textarea, button");
    field?.focus();
    return true;
  }

  /** Return the names of the parts that are open. */
  get opened() {
    return [...this.element.querySelectorAll("[data-part][open]")].map((part) => part.dataset.part);
  }

  /** Open parts again, as they were. */
  reopen(names) {
    for (const name of names) this.element.querySelector(`[data-part="${name}"]`)?.setAttribute("open", "");
  }

  /** Give the keyboard back to the picture. */
  leave() {
    focusPicture(this.viewer);
  }

  /** Return the ids of images that signing still waits for: not at full depth yet, and not marked as not assessable. */
  get unseen() {
    if (!this.element.elements.shown) return [];
    const shown = new Set(this.viewer.shownAtFullDepth().map(String));
    const isExcused = (id) => this.value(`image-${id}`) === "not_assessable";
    return this.viewer.images.map((image) => String(image.id)).filter((id) => !shown.has(id) && !isExcused(id));
  }

  get failed() {
    return this.viewer.failedImages().map(String);
  }

  get lacksReason() {
    const asked = this.element.querySelector('[name="not_assessable_reason"]');
    return Boolean(asked) && this.verdict === "not_assessable" && !this.value("not_assessable_reason");
  }

  get isReady() {
    return Boolean(this.verdict) && !this.lacksReason && !this.isSending && !this.unseen.length;
  }

  /** Whether a press of the sign button means signing, and has meant it long enough not to be the end of a double press. */
  get maySign() {
    return this.isReady && performance.now() - this.#readySince >= DEAF_MS;
  }

  /** Show what the chosen verdict asks for, what signing waits for, and what contradicts itself. */
  refresh() {
    const { verdict } = this;
    for (const part of this.element.querySelectorAll("[data-when]")) {
      part.hidden = !part.dataset.when.split(" ").includes(verdict ?? "");
    }
    this.#sayCounts();
    this.#sayHint(verdict);
    this.#saySigning(verdict);
    for (const listener of this.#listeners) listener();
  }

  #sayCounts() {
    for (const part of this.element.querySelectorAll("[data-part]")) {
      const set = [...part.querySelectorAll("input:checked, textarea")].filter((field) => field.value.trim());
      const count = part.querySelector("[data-count]");
      if (count) count.textContent = set.length ? String(set.length) : "";
      part.classList.toggle("is-set", Boolean(set.length));
    }
  }

  #sayHint(verdict) {
    const hint = this.element.querySelector("[data-hint]");
    if (!hint) return;
    const drawn = this.count("findings") + this.count("unlocated");
    const contradicts = drawn && (verdict === "no_fracture" || verdict === "not_assessable");
    hint.textContent = contradicts ? words("contradicts", { count: drawn }) : "";
  }

  /** Return how many entries a hidden list has. */
  count(name) {
    const text = this.element.elements[name]?.value;
    try {
      return text ? JSON.parse(text).length : 0;
    } catch {
      return 0;
    }
  }

  #saySigning(verdict) {
    if (!this.#button) return;
    const { unseen } = this;
    const waits = Boolean(verdict) && !this.lacksReason && unseen.length > 0;
    this.#button.disabled = !verdict || this.lacksReason || this.isSending;
    this.#button.classList.toggle("is-waiting", waits);
    this.#button.toggleAttribute("data-waits", waits);
    if (this.isReady && !this.#wasReady && this.#button.dataset.hasWaited) this.#readySince = performance.now();
    if (waits) this.#button.dataset.hasWaited = "1";
    this.#wasReady = this.isReady;
    if (this.label) this.label.textContent = this.#labelOf(verdict, unseen);
  }

  #labelOf(verdict, unseen) {
    if (this.isSending) return words("signing") || this.signWords;
    if (!verdict && this.signsInPlace) return words("chooseVerdict");
    if (this.lacksReason) return words("chooseReason");
    if (!verdict || !unseen.length) return this.signWords;
    const values = { count: unseen.length, all: this.viewer.images.length };
    return this.failed.some((id) => unseen.includes(id)) ? words("notShownFailed", values) : words("notShown", values);
  }

  /** Note that the form is under way or not; the button stays enabled while the browser collects the form. */
  sent(isSending) {
    this.isSending = isSending;
    setTimeout(() => this.refresh());
  }
}
