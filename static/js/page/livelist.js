// Keeps the worklist live without moving what the hand is on.
//
// Every quarter of a minute the rows are asked for again, with X-Background so that it proves nobody's presence; never
// while the tab is hidden, ever more rarely while the server is away, and never again once the person is signed out.
// While a row has the focus, the pointer is over the list or the page is scrolled into it, rows are changed where they
// stand and marked by a word; rows that came, went or moved wait behind a line that "r" takes up.

import { notify } from "./live.js";

const EVERY = 15_000;
const SLOWEST = 240_000;

function withoutClocks(cell) {
  const copy = cell.cloneNode(true);
  for (const time of copy.querySelectorAll("time[data-since]")) time.textContent = "";
  for (const mark of copy.querySelectorAll("[data-mark]")) mark.remove();
  return copy.innerHTML.trim();
}

function sameRow(old, fresh) {
  if (old.className.replace(/ ?is-\w+/g, "") !== fresh.className) return false;
  return [...old.cells].every((cell, index) => withoutClocks(cell) === withoutClocks(fresh.cells[index]));
}

const rowsOf = (root) => [...root.querySelectorAll("[data-list] tbody tr")];

class LiveList {
  constructor(root) {
    this.root = root;
    this.rows = root.querySelector("#rows");
    this.news = root.querySelector("#live-news");
    this.words = root.dataset;
    this.pause = EVERY;
    this.asked = Date.now();
    this.waiting = null;
  }

  start() {
    this.plan();
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.timer);
      if (!document.hidden) Date.now() - this.asked > EVERY ? this.ask() : this.plan();
    });
    this.news.querySelector("[data-refresh]").addEventListener("click", () => this.take());
  }

  plan() {
    clearTimeout(this.timer);
    if (!document.hidden && !this.isOver) this.timer = setTimeout(() => this.ask(), this.pause);
  }

  async ask() {
    this.asked = Date.now();
    try {
      const answer = await fetch(this.words.live, { headers: { "X-Background": "1" }, redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) return this.end();
      if (!answer.ok) throw new Error(String(answer.status));
      const told = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!told.getElementById("rows")) return this.end();
      this.pause = EVERY;
      this.show(told);
    } catch {
      this.pause = Math.min(SLOWEST, this.pause * 2);
      this.say(`${this.words.wordsLost} ${new Date(this.asked - this.pause / 2).toTimeString().slice(0, 5)}.`, false);
    }
    this.plan();
  }

  end() {
    this.isOver = true;
    notify(this.words.wordsOut, "warn");
  }

  handIsOn() {
    const isScrolled = this.rows.getBoundingClientRect().top < 0;
    return this.rows.contains(document.activeElement) || this.rows.matches(":hover") || isScrolled;
  }

  show(told) {
    for (const count of told.querySelectorAll("[data-count]")) {
      const here = document.querySelector(`[data-count="${count.dataset.count}"]`);
      if (here && here.textContent !== count.textContent) here.textContent = count.textContent;
    }
    const fresh = told.getElementById("rows");
    if (!this.handIsOn()) return this.take(fresh);
    const [old, now] = [rowsOf(this.rows), rowsOf(fresh)];
    const changed = this.change(old, new Map(now.map((row) => [row.id, row])));
    const isMoved = old.map((row) => row.id).join() !== now.map((row) => row.id).join();
    this.waiting = isMoved ? fresh : null;
    const known = new Set(old.map((row) => row.id));
    const came = now.filter((row) => !known.has(row.id)).length;
    if (isMoved) this.say(came ? `${came} ${this.words.wordsNew}.` : this.words.wordsOrder, true);
    else if (!changed || this.news.hidden) this.news.hidden = true;
    return undefined;
  }

  /** Change rows where they stand; return how many. */
  change(old, fresh) {
    let changed = 0;
    for (const row of old) {
      const now = fresh.get(row.id);
      if (!now) this.mark(row, "gone", this.words.wordsGone);
      else if (!sameRow(row, now)) {
        this.change1(row, now);
        changed += 1;
      }
    }
    return changed;
  }

  change1(row, now) {
    row.className = now.className;
    for (const [index, cell] of [...row.cells].entries()) {
      const isOn = cell.contains(document.activeElement);
      if (!isOn && withoutClocks(cell) !== withoutClocks(now.cells[index])) cell.innerHTML = now.cells[index].innerHTML;
    }
    for (const name of ["skip"]) {
      if (name in now.dataset) row.dataset[name] = now.dataset[name];
      else delete row.dataset[name];
    }
    this.mark(row, "changed", this.words.wordsChanged);
  }

  mark(row, kind, word) {
    if (row.classList.contains(`is-${kind}`)) return;
    row.classList.add(`is-${kind}`);
    row.cells[row.cells.length - 1].querySelector("[data-mark]")?.remove();
    const mark = document.createElement("span");
    mark.dataset.mark = kind;
    mark.className = "mark";
    mark.textContent = word;
    row.cells[row.cells.length - 1].append(" ", mark);
  }

  say(sentence, mayTake) {
    this.news.hidden = false;
    this.news.querySelector("span").textContent = sentence;
    this.news.querySelector("[data-refresh]").hidden = !mayTake;
  }

  /** Show the list as it is now: new and changed rows keep their word, the focus stays on its study. */
  take(fresh = this.waiting) {
    if (!fresh) return;
    const before = new Map(rowsOf(this.rows).map((row) => [row.id, row]));
    const held = document.activeElement?.closest("#rows tr")?.id ?? (this.news.contains(document.activeElement) ? "first" : "");
    const top = before.get(held)?.getBoundingClientRect().top;
    const kept = document.importNode(fresh, true);
    for (const row of rowsOf(kept)) {
      const old = before.get(row.id);
      if (!old) this.mark(row, "new", this.words.wordsNew);
      else if (!sameRow(old, row)) this.mark(row, "changed", this.words.wordsChanged);
    }
    this.rows.replaceChildren(...kept.childNodes);
    this.waiting = null;
    this.news.hidden = true;
    if (held) this.giveBack(held, top);
    document.dispatchEvent(new CustomEvent("bonefrac:rows"));
  }

  giveBack(held, top) {
    const row = document.getElementById(held) ?? rowsOf(this.rows)[0];
    row?.querySelector("[data-opens-row]")?.focus({ preventScroll: top !== undefined });
    if (row?.id === held && top !== undefined) scrollBy(0, row.getBoundingClientRect().top - top);
  }
}

/** Keep the page's list live, where it has one. */
export function bindLiveList() {
  const root = document.querySelector("[data-live]");
  if (root) new LiveList(root).start();
}
