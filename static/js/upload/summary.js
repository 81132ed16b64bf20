// What the page says of all files together: counts, bytes, how fast, how long still.

import { sizeInWords } from "./row.js";

const WINDOW_MS = 8000;
const SAID_EVERY_MS = 15_000;

function inTime(seconds, words) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s ${words.left}`;
  return `${Math.round(seconds / 60)} min ${words.left}`;
}

/** The line under the files; it is drawn at most once a frame, however much happens. */
export class Summary {
  #form;
  #words;
  #seen = [];
  #saidAt = 0;
  #saidState = "waiting";

  constructor(form, words) {
    this.#form = form;
    this.#words = words;
  }

  draw(rows, { state, sent }) {
    const summary = this.#form.querySelector("[data-summary]");
    const counted = { WAITING: 0, REFUSED: 0, FAILED: 0 };
    let judged = 0;
    let bytes = 0;
    for (const row of rows) {
      counted[row.status] = (counted[row.status] ?? 0) + 1;
      judged += row.isJudged ? 1 : 0;
      bytes += row.file.size;
    }
    const numbers = { in: judged, all: rows.length, refused: counted.REFUSED, failed: counted.FAILED };
    for (const [name, value] of Object.entries(numbers)) summary.querySelector(`[data-count-${name}]`).textContent = value;
    summary.hidden = state === "waiting" && counted.WAITING === rows.length;
    summary.querySelector("[data-again]").hidden = state !== "judged";
    this.#drawBytes(summary, sent, bytes, state);
    this.#say(summary, state);
  }

  // What a screen reader says: when something begins or ends, and now and then; never each number.
  #say(summary, state) {
    const now = performance.now();
    if (state === this.#saidState && (state !== "sending" || now - this.#saidAt < SAID_EVERY_MS)) return;
    this.#saidAt = now;
    this.#saidState = state;
    const line = summary.querySelector("[data-line]").textContent.replace(/\s+/g, " ").trim();
    const words = { sending: this.#words.sending, paused: this.#words.paused, judged: this.#words.done };
    this.#form.querySelector("[data-said]").textContent = summary.hidden ? "" : `${words[state] ?? ""} ${line}`.trim();
  }

  #drawBytes(summary, sent, bytes, state) {
    const now = performance.now();
    this.#seen = [...this.#seen.filter(([when]) => now - when < WINDOW_MS), [now, sent]];
    const [[since, before]] = this.#seen;
    const perSecond = now - since > 500 ? ((sent - before) / (now - since)) * 1000 : 0;
    const isMoving = state === "sending" && perSecond > 0;
    const parts = [`${sizeInWords(sent)} ${this.#words.of} ${sizeInWords(bytes)}`];
    if (isMoving) parts.push(`${sizeInWords(perSecond)}/s`, inTime((bytes - sent) / perSecond, this.#words));
    summary.querySelector("[data-bytes]").textContent = parts.join(" · ");
    const bar = summary.querySelector("[data-total]");
    bar.value = bytes ? Math.floor((sent / bytes) * 100) : 0;
    bar.hidden = summary.querySelector("[data-bytes]").hidden = state === "judged";
  }
}
