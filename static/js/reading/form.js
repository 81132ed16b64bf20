// The reading form: choosing by keys, what a box implies, what is shown for which verdict, signing once, drafts.
//
// The form posts by itself or by htmx; nothing here decides what is allowed, the server does.

import { notify } from "../page/live.js";
import { listBoxes } from "./boxlist.js";
import { keepDraft } from "./draft.js";

/** The form as the keys and the viewer see it. */
class ReadingForm {
  #form;
  #button;
  #isSending = false;

  constructor(form) {
    this.#form = form;
    this.#button = form.querySelector("[data-sign]");
    form.addEventListener("change", () => this.refresh());
    form.addEventListener("submit", (event) => this.#onSubmit(event));
    form.addEventListener("htmx:afterRequest", () => this.#sent(false));
    // Coming back by the browser's own history shows the page as it was left: not sending any more.
    addEventListener("pageshow", () => this.#sent(false));
    this.refresh();
  }

  get verdict() {
    return new FormData(this.#form).get("verdict");
  }

  /** Check a radio by name and value, as a click would. */
  choose(name, value) {
    const radio = [...this.#form.querySelectorAll(`input[type="radio"]`)].find(
      (input) => input.name === name && input.value === value && !input.disabled,
    );
    if (!radio || radio.checked) return;
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** Submit, where a verdict is chosen and nothing is under way. */
  sign() {
    if (this.#button && this.verdict && !this.#isSending) this.#form.requestSubmit(this.#button);
  }

  /** Show what the chosen verdict asks for, and enable the sign button once there is one. */
  refresh() {
    const { verdict } = this;
    for (const part of this.#form.querySelectorAll("[data-when]")) {
      part.hidden = !part.dataset.when.split(" ").includes(verdict ?? "");
    }
    if (this.#button) this.#button.disabled = !verdict || this.#isSending;
  }

  #onSubmit(event) {
    if (event.submitter && event.submitter !== this.#button) return;
    if (!this.verdict || this.#isSending) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    this.#sent(true);
  }

  // The submit button must still be enabled while the browser collects the form, so it is disabled a tick later.
  #sent(isSending) {
    this.#isSending = isSending;
    setTimeout(() => this.refresh());
  }
}

function bindSheet() {
  const panel = document.querySelector(".panel");
  const grip = panel?.querySelector(".panel__grip");
  grip?.addEventListener("click", () => {
    const isUp = panel.classList.toggle("is-pulled-up");
    grip.setAttribute("aria-expanded", String(isUp));
  });
}

/** Bind the reading form to the viewer; null where the person may not read. */
export function bindForm(form, viewer) {
  bindSheet();
  if (!form) return null;
  const reading = new ReadingForm(form);
  listBoxes(document.getElementById("box-list"), viewer);
  viewer.boxes.listen((change) => {
    // A box says where; the verdict itself is always said by the person.
    if (change.drawn) reading.choose(`image-${change.drawn.image}`, "fracture_visible");
  });
  if (form.dataset.draftUrl) keepDraft(form, notify);
  return reading;
}
