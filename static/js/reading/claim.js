// The claim: kept alive while the study is read, and claimed again, with everything that was entered, once it is over.

import { headers, send } from "./asking.js";
import { parse, swapBar } from "./swap.js";
import { words } from "./words.js";
import { actedSince } from "../page/acting.js";

const BEAT_MS = 60_000;

/** The claim of the study on the page. */
export class Claim {
  #timer = 0;
  #over = 0;
  #form;
  #address;

  constructor(onRegained) {
    this.onRegained = onRegained;
    this.#form = document.getElementById("claim");
    this.#address = document.getElementById("page-data")?.dataset.extendUrl;
    if (!this.#address) return;
    this.#timer = setInterval(() => this.#beatIfActed(), BEAT_MS);
    this.#watch();
  }

  #beaten = Date.now();

  // Only who acts keeps a claim: a tab left open over lunch lets it lapse.
  #beatIfActed() {
    if (!actedSince(this.#beaten)) return false;
    this.#beaten = Date.now();
    this.#beat();
    return true;
  }

  close() {
    clearInterval(this.#timer);
    clearTimeout(this.#over);
  }

  get #clock() {
    return document.querySelector(".bar--reading [data-until]");
  }

  // The claim may end between two beats of a sleeping machine: its own clock says so.
  #watch() {
    clearTimeout(this.#over);
    const left = Date.parse(this.#clock?.dataset.until ?? "") - Date.now();
    if (Number.isFinite(left)) this.#over = setTimeout(() => this.#beatIfActed() || this.lost(), Math.max(0, left) + 500);
  }

  async #beat() {
    let answer;
    try {
      answer = await fetch(this.#address, {
        method: "POST",
        credentials: "same-origin",
        headers: headers({ Accept: "application/json" }),
      });
    } catch {
      return; // no connection: the draft says so, and the next beat tries again
    }
    if (answer.ok) {
      const { claimed_until: until } = await answer.json();
      if (until && this.#clock) this.#clock.dataset.until = until;
      this.#watch();
    } else if (answer.status === 409 || answer.status === 403) {
      this.lost();
    }
  }

  /** Say that the claim is over, by the server's sentence where there is one, with the way to claim again. */
  lost(said = "") {
    clearInterval(this.#timer);
    const bar = document.getElementById("claim-lost");
    if (bar) bar.hidden = false;
    const sentence = bar?.querySelector("[data-sentence]");
    if (sentence) sentence.textContent = said || sentence.textContent || words("claimLost");
  }

  /** Claim the study again; everything that was entered stays. True where there is something to claim. */
  again() {
    if (!this.#form) return false;
    this.#regain();
    return true;
  }

  async #regain() {
    const done = await send(this.#form.action, new FormData(this.#form));
    if (!done) return;
    if (!done.html) {
      // Today's answer of a claim is a way to the page: the draft brings back what was entered.
      location.assign(done.address);
      return;
    }
    const incoming = parse(done.html);
    if (!incoming?.getElementById("reading-form")) {
      location.assign(done.address);
      return;
    }
    swapBar(incoming);
    document.getElementById("claim-lost").hidden = true;
    document.getElementById("notices").replaceChildren();
    this.#watch();
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#beatIfActed(), BEAT_MS);
    this.onRegained();
  }
}
