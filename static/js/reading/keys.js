// The keyboard of the reading page, driven by the person's own table of keys (<script id="reading-keys">).
//
// Letters typed into a field are text; a dialog has the keyboard to itself; for 400 ms after a study appears no key is
// heard, so that a key which was meant for the study before cannot touch this one.

import { isPressable, isTyping } from "../page/keys.js";
import { act, actionsOf } from "./actions.js";
import { comboOf } from "./combos.js";

const DEAF_MS = 400;

function table() {
  const source = document.getElementById("reading-keys");
  return source ? JSON.parse(source.textContent) : { keys: {}, words: {}, caps: {} };
}

/** Tell each tool of the tool bar what it does and the person's key for it. */
function nameTools({ keys, words, caps }) {
  for (const button of document.querySelectorAll("#viewer [data-act]")) {
    const name = button.dataset.act;
    if (!(name in words)) continue;
    button.title = caps[name] ? `${button.title.replace(/ \([^)]*\)$/, "")} (${caps[name]})` : button.title;
    if (keys[name]) button.setAttribute("aria-keyshortcuts", keys[name].replace("Ctrl", "Control"));
  }
}

/** The keyboard; deaf until it is bound and for a moment after each study. */
export class Keyboard {
  #since = performance.now();
  #names = new Map();
  #timer = 0;
  #table = table();

  constructor() {
    for (const [name, key] of Object.entries(this.#table.keys)) if (key) this.#names.set(key, name);
  }

  get isDeaf() {
    return performance.now() - this.#since < DEAF_MS;
  }

  /** Hear nothing for a moment. */
  deafen() {
    this.#since = performance.now();
    const element = document.getElementById("viewer");
    delete element.dataset.keys;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (element.dataset.keys = "on"), DEAF_MS);
  }

  /** Hear keys for a page. */
  bind(page) {
    const actions = actionsOf(page);
    this.deafen();
    page.viewer.since = this.#since;
    nameTools(this.#table);
    document.addEventListener("keydown", (event) => this.#onKey(event, page, actions));
  }

  #onKey(event, page, actions) {
    const combo = event.defaultPrevented ? null : comboOf(event);
    if (!combo || this.#isInDialog(event, combo)) return;
    if (isTyping(event.target)) {
      this.#onField(event, combo, page);
      return;
    }
    const name = this.#names.get(combo);
    if (!name) return;
    if (this.isDeaf) {
      if (name === "sign") event.preventDefault();
      return;
    }
    if (this.#belongsToControl(event, combo)) return;
    if (combo === "Escape" && event.target.closest?.(".panel")) {
      // The way out of the panel; what is chosen on the picture stays chosen.
      page.form?.leave();
      return;
    }
    if (name === "sign" && event.repeat) event.preventDefault();
    else if (act(page, actions, name)) event.preventDefault();
    else if (name === "sign") event.preventDefault();
  }

  // A dialog has the keyboard to itself; the key that opened the legend closes it.
  #isInDialog(event, combo) {
    const dialog = document.querySelector("dialog[open]");
    if (dialog?.id === "legend" && this.#names.get(combo) === "legend") {
      event.preventDefault();
      dialog.close();
    }
    return Boolean(dialog);
  }

  // Escape and Enter leave a field; Enter must not send the form from there.
  #onField(event, combo, page) {
    const isText = event.target.closest("textarea");
    if (combo !== "Escape" && (combo !== "Enter" || isText)) return;
    event.preventDefault();
    page.form?.leave();
  }

  #belongsToControl(event, combo) {
    const { target } = event;
    const { type } = target instanceof HTMLInputElement ? target : {};
    const isChoice = type === "radio" || type === "checkbox";
    if (combo === "Space") return isPressable(target);
    if (combo === "Enter") return isPressable(target) && !isChoice;
    return combo.startsWith("Arrow") && (type === "radio" || type === "range");
  }
}
