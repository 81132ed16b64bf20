// Keeps a draft of the reading on the server: every change within a second, and once more when the page goes away.
//
// Where the network is lost the fields themselves are the copy: a sentence says that they are not saved, and sending is
// tried again, ever more slowly, and at once when the connection is back. Nothing is kept in the browser's storage. Where
// another tab or device saved meanwhile, the reader chooses whose draft stands; neither is overwritten silently.

import { headers } from "./asking.js";
import { words } from "./words.js";

const QUIET_MS = 350; // after the last change
const LONGEST_MS = 800; // while changes go on
const RETRIES_MS = [1000, 2000, 4000, 8000, 15_000, 30_000];

/** The draft of one form. */
export class Draft {
  #form;
  #address;
  #status;
  #timer = 0;
  #since = 0; // when the oldest unsaved change was made
  #failures = 0;
  #isClosed = false;
  #isTheirs = false; // another tab saved: nothing is sent until the reader has chosen
  #sending = null;
  #savedText;
  #abort = new AbortController();

  constructor(form) {
    this.#form = form;
    this.#address = form.dataset.draftUrl;
    this.#status = document.getElementById("draft-status");
    this.#savedText = this.#text();
    const { signal } = this.#abort;
    form.addEventListener("input", () => this.#later(), { signal });
    form.addEventListener("change", () => this.#later(), { signal });
    addEventListener("online", () => this.#again(), { signal });
    addEventListener("pagehide", () => this.#leave(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden && this.#leave(), { signal });
    document.addEventListener("click", (event) => this.#onClick(event), { signal });
  }

  get isDirty() {
    return this.#text() !== this.#savedText;
  }

  /** Stop saving, and wait a moment for what is under way: what is signed next must not be followed by its draft. */
  async pause() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#isClosed = true;
    if (this.#sending) await Promise.race([this.#sending, new Promise((resolve) => setTimeout(resolve, 500))]);
  }

  /** Save what is not saved yet, now, and then stop as pause() does: the form goes and its draft stays. */
  async settle() {
    if (this.#sending) await this.#sending;
    if (!this.#isTheirs && this.isDirty) await this.#save();
    await this.pause();
  }

  /** Go on saving after a signature that was refused. */
  resume() {
    this.#isClosed = false;
    if (this.isDirty) this.#later();
  }

  /** Forget the form: it was replaced by another. */
  close() {
    clearTimeout(this.#timer);
    this.#isClosed = true;
    this.#abort.abort();
    this.#dialog?.close();
  }

  // What is compared and sent: the reader's own fields, not those that only say how the page stands.
  #body() {
    return new FormData(this.#form);
  }

  #text() {
    const told = new Set(["csrfmiddlewaretoken", "draft_version", "revision", "opened_at", "shown"]);
    return JSON.stringify([...this.#body()].filter(([name]) => !told.has(name)));
  }

  #later() {
    if (this.#isClosed || this.#isTheirs || !this.isDirty) return;
    const now = performance.now();
    this.#since ||= now;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#save(), Math.min(QUIET_MS, Math.max(0, this.#since + LONGEST_MS - now)));
  }

  #again() {
    if (this.#failures) this.#save();
  }

  async #save() {
    if (this.#isClosed || this.#isTheirs || this.#sending) return;
    clearTimeout(this.#timer);
    this.#since = 0;
    this.#sending = this.#post();
    await this.#sending;
    this.#sending = null;
    if (!this.#failures && this.isDirty) this.#later();
  }

  async #post() {
    const text = this.#text();
    let answer = null;
    try {
      answer = await fetch(this.#address, {
        method: "POST",
        body: this.#body(),
        credentials: "same-origin",
        headers: headers({ isBackground: true, Accept: "application/json" }),
      });
    } catch {
      this.#fail("draftOffline");
      return;
    }
    if (answer.ok) await this.#saved(answer, text);
    else if (answer.status === 409) await this.#overtaken(answer);
    else if (answer.status === 401) this.#fail("draftLocked");
    else if (answer.status >= 500) this.#fail("draftFailed");
    else this.#refuse(await answer.json().catch(() => ({})));
  }

  async #saved(answer, text) {
    const kept = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
    if (kept.version !== undefined) this.#setVersion(kept.version);
    this.#savedText = text;
    this.#failures = 0;
    this.#say("saved", words("draftSaved"));
  }

  #setVersion(version) {
    const field = this.#form.elements.draft_version;
    if (field) field.value = version;
  }

  #fail(word) {
    const wait = RETRIES_MS[Math.min(this.#failures, RETRIES_MS.length - 1)];
    this.#failures += 1;
    this.#say("failed", words(word));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#save(), wait);
  }

  // A refusal that another try will not change (the claim is over, the study is void): the fields stay as they are.
  #refuse(said) {
    this.#savedText = this.#text();
    this.#say("refused", said.message ?? said.sentence ?? words("draftFailed"));
  }

  get #dialog() {
    return document.getElementById("draft-conflict");
  }

  async #overtaken(answer) {
    const said = await answer.json().catch(() => ({}));
    if (said.version === undefined || !this.#dialog) return this.#refuse(said);
    this.#isTheirs = true;
    this.#dialog.dataset.version = said.version;
    const sentence = this.#dialog.querySelector("[data-sentence]");
    sentence.textContent = said.sentence ?? said.message ?? "";
    this.#say("overtaken", words("draftOvertaken"));
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  #onClick(event) {
    const choice = event.target.closest("[data-draft-choice]")?.dataset.draftChoice;
    if (choice === "mine") this.#keepMine();
    else if (choice === "theirs") this.#takeTheirs();
  }

  #keepMine() {
    this.#setVersion(this.#dialog.dataset.version);
    this.#isTheirs = false;
    this.#dialog.close();
    this.#savedText = "";
    this.#save();
  }

  #takeTheirs() {
    this.#isClosed = true;
    location.reload();
  }

  // The page goes away: what is not saved yet goes with it, past its end.
  #leave() {
    if (this.#isClosed || this.#isTheirs || !this.isDirty || this.#sending) return;
    const text = this.#text();
    fetch(this.#address, {
      method: "POST",
      body: this.#body(),
      credentials: "same-origin",
      keepalive: true,
      headers: headers({ isBackground: true, Accept: "application/json" }),
    })
      .then((answer) => answer.ok && this.#saved(answer, text))
      .catch(() => {});
  }

  #say(state, sentence) {
    this.#form.dataset.draft = state;
    if (!this.#status) return;
    this.#status.dataset.state = state;
    if (this.#status.textContent !== sentence) this.#status.textContent = sentence;
  }
}
