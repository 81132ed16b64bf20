// The upload page: drop files and folders anywhere, send many at a time, read each one's verdict in words.
//
// The page has  <form data-upload data-upload-url data-status-url [data-batch-url] [data-resumable-url]>  with an
// <input type="file" name="files">, perhaps a second one [data-folder] for a whole folder, a list [data-files], and
// components/upload_row.html. Without this script the form posts all files by itself. Everything else in the form goes
// along; fields "batch" and "expected_files" keep the files of one form together. Small files go many in a request,
// large ones in pieces that go on after a broken connection. Of thousands of rows only some are drawn.

import { notify } from "../page/live.js";
import { chosen, dropped } from "./folders.js";
import { newBatch } from "./ids.js";
import { goneRows, isReachable, knownOf, renewSession } from "./presence.js";
import { sendPieces } from "./resumable.js";
import { Row } from "./row.js";
import { sendFiles } from "./send.js";
import { Summary } from "./summary.js";

const AT_ONCE = 3;
const LARGE_BYTES = 4_000_000;
const GROUP_BYTES = 4_000_000;
const GROUP_FILES = 25;
const ROWS_DRAWN = 200;
const ASKED_AT_ONCE = 50;
const ASK_FIRST_MS = 500;
const ASK_LAST_MS = 5000;
const AGAIN_MS = [1000, 2000, 4000, 8000, 15_000, 30_000];
const TRIES = 3;

class Upload {
  #form;
  #input;
  #template;
  #words;
  #summary;
  #rows = [];
  #drawn = 0;
  #sending = 0;
  #asking = 0;
  #pause = ASK_FIRST_MS;
  #isPaused = false;
  #isStarted = false;
  #failures = 0;
  #waitsUntil = 0;
  #frame = 0;
  #isRenewed = false;
  #learning = Promise.resolve();
  #open = new Set();
  #alone = new Set();

  constructor(form) {
    this.#form = form;
    this.#input = form.querySelector('input[name="files"]');
    this.#template = document.getElementById("upload-row");
    this.#words = this.#template.dataset;
    this.#summary = new Summary(form, this.#words);
    for (const input of form.querySelectorAll('input[type="file"]')) {
      input.addEventListener("change", () => {
        this.add(chosen(input.files));
        input.value = "";
      });
    }
    form.addEventListener("submit", (event) => {
      if (!this.#rows.length) return;
      event.preventDefault();
      this.#start();
    });
    form.querySelector("[data-hold]")?.addEventListener("click", () => this.#hold(!this.#isPaused));
    form.querySelector("[data-retry-all]")?.addEventListener("click", () => this.#retry(...this.#rows));
    addEventListener("online", () => this.#goOn());
    this.#bindDrop();
    addEventListener("beforeunload", (event) => this.#isBusy() && event.preventDefault());
  }

  /** Take files in the order given; nothing is sent before the form is. */
  add(files) {
    const acts = { retry: (row) => this.#retry(row), remove: (row) => this.#remove(row) };
    const rows = files.map((file) => new Row(file, this.#template, acts));
    const keys = new Set(this.#rows.map((row) => row.key));
    for (const row of rows) {
      for (let twin = 2, own = row.key; keys.has(row.key); twin += 1) row.key = `${own}\n${twin}`;
      keys.add(row.key);
      this.#rows.push(row);
    }
    if (this.#form.dataset.knownUrl) this.#learning = this.#learn(rows);
    if (rows.some((row) => row.folder)) this.#groupByFolder();
    this.#draw(rows);
    this.#changed();
  }

  // An upload that goes on: what is in has its verdict, what was cut off has its place.
  async #learn(rows) {
    const known = await knownOf(this.#form.dataset.knownUrl, rows);
    rows.forEach((row, index) => {
      row.url = known[index]?.upload ?? "";
      const file = known[index]?.file;
      if (!file) return;
      row.id = file.id;
      this.#become(row, file.status, file.sentence);
    });
    this.#ask();
    this.#changed();
  }

  // Whoever hands in folders means their borders; the choice stays visible and can be changed back.
  #groupByFolder() {
    const choice = this.#form.querySelector('input[name="grouping"][value="folder"]');
    if (choice) choice.checked = true;
  }

  #draw(rows) {
    const some = rows.filter((row) => !row.element).slice(0, Math.max(0, ROWS_DRAWN - this.#drawn));
    this.#drawn += some.length;
    this.#form.querySelector("[data-files]").append(...some.map((row) => row.show()));
  }

  #bindDrop() {
    const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    const mark = (isOver) => document.body.classList.toggle("is-dropping", isOver);
    addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      mark(true);
    });
    addEventListener("dragleave", (event) => event.relatedTarget === null && mark(false));
    addEventListener("drop", async (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      mark(false);
      try {
        this.add(await dropped(event.dataTransfer));
      } catch {
        notify(this.#words.unreadable);
      }
    });
  }

  async #start() {
    await this.#learning;
    const { batch, expected_files: expected } = this.#form.elements;
    if (batch && !batch.value) batch.value = newBatch();
    if (expected) expected.value = this.#rows.length;
    this.#isStarted = true;
    this.#isPaused = false;
    this.#next();
  }

  #next() {
    if (this.#isPaused || Date.now() < this.#waitsUntil) return this.#changed();
    const fields = [...new FormData(this.#form)].filter(([, value]) => typeof value === "string");
    for (let group = this.#group(); group.length && this.#sending < AT_ONCE; group = this.#group()) {
      this.#send(group, fields);
    }
    this.#changed();
  }

  // What goes in the next request: one large file, one that failed among others, or many small ones.
  #group() {
    const group = [];
    let bytes = 0;
    for (const row of this.#rows) {
      if (row.status !== "WAITING") continue;
      const isAlone = this.#isLarge(row) || this.#alone.has(row);
      if (group.length && (isAlone || bytes + row.file.size > GROUP_BYTES)) break;
      group.push(row);
      bytes += row.file.size;
      if (isAlone || group.length >= GROUP_FILES) break;
    }
    return group;
  }

  #isLarge(row) {
    return Boolean(this.#form.dataset.resumableUrl) && row.file.size > LARGE_BYTES;
  }

  async #send(rows, fields) {
    this.#sending += 1;
    for (const row of rows) row.become("SENDING");
    let own = null;
    const told = {
      words: this.#words,
      progress: (bytes) => this.#progress(rows, bytes),
      begun: (xhr) => {
        this.#open.delete(own);
        own = xhr;
        if (this.#isLarge(rows[0])) this.#open.add(xhr);
      },
    };
    const answer = this.#isLarge(rows[0])
      ? await sendPieces(this.#form.dataset.resumableUrl, fields, rows[0], told)
      : await sendFiles(this.#form.dataset.uploadUrl, fields, rows, told);
    this.#open.delete(own);
    this.#sending -= 1;
    if (answer.failure) await this.#failed(rows, answer.failure);
    else this.#arrived(rows, answer);
    this.#ask();
    this.#next();
  }

  // A request's bytes belong to its files one after the other.
  #progress(rows, bytes) {
    let rest = bytes;
    for (const row of rows) {
      row.progress(rest);
      rest = Math.max(0, rest - row.file.size);
    }
    this.#changed();
  }

  #arrived(rows, { files, batch }) {
    this.#failures = 0;
    this.#isRenewed = false;
    rows.forEach((row, index) => {
      row.id = files[index].id ?? "";
      this.#become(row, files[index].status, files[index].sentence);
    });
    this.#linkBatch(batch ?? this.#form.elements.batch?.value);
  }

  async #failed(rows, failure) {
    const { kind, sentence, seconds = 0, fields = {} } = failure;
    if (kind === "network") return this.#unreached(rows, sentence);
    if (kind === "signed_out") return this.#signedOut(rows, failure);
    if (kind === "wait") {
      this.#waitFor(seconds * 1000, rows, sentence);
      notify(sentence, "warn");
    } else if (kind === "server" && rows.length > 1) {
      this.#apart(rows);
    } else {
      rows.forEach((row) => this.#become(row, "FAILED", sentence));
      if (Object.keys(fields).length) notify(sentence);
    }
  }

  // Nothing came back: somebody paused, a file is gone, the connection is away, or one file never gets through.
  async #unreached(rows, sentence) {
    if (this.#isPaused) return rows.forEach((row) => row.become("WAITING"));
    const gone = await goneRows(rows);
    for (const row of gone) {
      row.isGone = true;
      this.#become(row, "FAILED", this.#words.changed);
    }
    const others = rows.filter((row) => !row.isGone);
    if (gone.length) return others.forEach((row) => row.become("WAITING"));
    if (!(await isReachable(this.#form.dataset.statusUrl))) {
      this.#waitFor(AGAIN_MS[Math.min(this.#failures, AGAIN_MS.length - 1)], rows, this.#words.reconnect);
      this.#failures += 1;
    } else if (rows.length > 1) this.#apart(rows);
    else if ((rows[0].tries += 1) < TRIES) this.#waitFor(AGAIN_MS[rows[0].tries], rows, this.#words.reconnect);
    else this.#become(rows[0], "FAILED", sentence);
  }

  // A session that was opened again in another tab goes on at once; without one everything waits for a person.
  async #signedOut(rows, { sentence, refusal }) {
    const isIn = await renewSession(this.#form.dataset.uploadUrl);
    if (isIn && this.#isRenewed) return rows.forEach((row) => this.#become(row, "FAILED", refusal || sentence));
    this.#isRenewed = isIn;
    rows.forEach((row) => row.become("WAITING", isIn ? "" : sentence));
    if (isIn) return;
    this.#isPaused = true;
    notify(sentence, "warn");
  }

  #apart(rows) {
    for (const row of rows) this.#alone.add(row);
    rows.forEach((row) => row.become("WAITING"));
  }

  #waitFor(milliseconds, rows, sentence) {
    this.#waitsUntil = Math.max(this.#waitsUntil, Date.now() + milliseconds);
    rows.forEach((row) => row.become("WAITING", sentence));
    setTimeout(() => this.#next(), this.#waitsUntil - Date.now() + 5);
  }

  // The network is back: what waits for it need not wait on.
  #goOn() {
    this.#failures = 0;
    this.#waitsUntil = 0;
    if (this.#isStarted) this.#next();
  }

  #hold(isPaused) {
    this.#isPaused = isPaused;
    if (isPaused) for (const xhr of this.#open) xhr.abort();
    else this.#goOn();
    this.#changed();
  }

  #become(row, status, sentence) {
    row.become(status, sentence);
    if (row.isTrouble && !row.element) {
      this.#form.querySelector("[data-files]").prepend(row.show());
    }
  }

  #retry(...rows) {
    for (const row of rows.filter((one) => one.status === "FAILED" && !one.isGone)) {
      row.tries = 0;
      row.become("WAITING");
    }
    this.#failures = 0;
    this.#start();
  }

  #remove(row) {
    row.element.remove();
    this.#drawn -= 1;
    this.#rows = this.#rows.filter((other) => other !== row);
    this.#draw(this.#rows.filter((other) => !other.element).slice(0, 1));
    this.#changed();
  }

  // One question at a time for all files that are not judged yet; the pause grows while nothing changes.
  #ask() {
    if (this.#asking || !this.#rows.some((row) => row.isPending)) return;
    this.#asking = setTimeout(async () => {
      const hasNews = await this.#question(this.#rows.filter((row) => row.isPending).slice(0, ASKED_AT_ONCE));
      this.#pause = hasNews ? ASK_FIRST_MS : Math.min(ASK_LAST_MS, this.#pause * 1.5);
      this.#asking = 0;
      this.#changed();
      this.#ask();
    }, this.#pause);
  }

  async #question(rows) {
    const url = new URL(this.#form.dataset.statusUrl, location.href);
    url.searchParams.set("ids", rows.map((row) => row.id).join(","));
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json", "X-Background": "1" } });
      if (answer.status === 401) notify(this.#words.signedOut, "warn");
      if (!answer.ok) return false;
      const { files } = await answer.json();
      const byId = new Map(rows.map((row) => [row.id, row]));
      const news = files.filter((file) => byId.get(file.id)?.status !== file.status);
      for (const file of news) this.#become(byId.get(file.id), file.status, file.sentence);
      return news.length > 0;
    } catch {
      return false; // the network is away: the files are in, the question is asked again
    }
  }

  #isBusy() {
    return this.#sending > 0 || (this.#isStarted && this.#rows.some((row) => row.status === "WAITING"));
  }

  #linkBatch(batch) {
    const link = this.#form.querySelector("[data-batch-link]");
    const pattern = this.#form.dataset.batchUrl;
    if (!link || !pattern || !batch) return;
    link.href = pattern.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, batch);
    link.hidden = false;
  }

  // Much can happen between two frames; the page is brought up to date once for all of it.
  #changed() {
    if (this.#frame) return;
    this.#frame = setTimeout(() => {
      this.#frame = 0;
      this.#show();
    }, 30);
  }

  #show() {
    const has = (status) => this.#rows.some((row) => row.status === status);
    const isOver = this.#rows.length > 0 && this.#rows.every((row) => row.isJudged);
    const state = isOver ? "judged" : this.#isPaused ? "paused" : this.#isBusy() ? "sending" : "waiting";
    const sent = this.#rows.reduce((sum, row) => sum + row.sent, 0);
    this.#input.required = !this.#rows.length;
    this.#summary.draw(this.#rows, { state, sent });
    const more = this.#form.querySelector("[data-more]");
    const hidden = this.#rows.filter((row) => !row.element).length;
    if (more) {
      more.hidden = !hidden;
      more.querySelector("[data-count-more]").textContent = hidden;
    }
    this.#form.dataset.state = state;
    this.#showButtons(has);
  }

  #showButtons(has) {
    const { "data-send": send, "data-hold": pause, "data-retry-all": retry } = this.#buttons;
    if (send) send.disabled = this.#rows.length > 0 && !has("WAITING");
    if (pause) {
      pause.hidden = !this.#isStarted || !(has("WAITING") || has("SENDING"));
      pause.textContent = this.#isPaused ? this.#words.continue : this.#words.holdWord;
    }
    if (retry) retry.hidden = !this.#rows.some((row) => row.status === "FAILED" && !row.isGone);
  }

  get #buttons() {
    const names = ["data-send", "data-hold", "data-retry-all"];
    return Object.fromEntries(names.map((name) => [name, this.#form.querySelector(`[${name}]`)]));
  }
}

/** Bind the upload form where the page has one. */
export function bindUpload() {
  const form = document.querySelector("form[data-upload]");
  if (form && document.getElementById("upload-row")) new Upload(form);
}
