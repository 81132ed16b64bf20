// The upload page: drop files anywhere, see a row for each at once, send a few at a time, read each one's verdict in words.
//
// The page has  <form data-upload data-upload-url data-status-url [data-batch-url]>  with an <input type="file" name="files">,
// a list [data-files], and components/upload_row.html. Without this script the form posts all files by itself. Everything
// else in the form goes along with each file; fields "batch" and "expected_files" keep the files of one form together.

import { notify } from "../page/live.js";
import { Row } from "./row.js";
import { sendFile } from "./send.js";

const AT_ONCE = 3;
const ASKED_AT_ONCE = 50;
const ASK_FIRST_MS = 500;
const ASK_LAST_MS = 5000;

function newBatch() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

class Upload {
  #form;
  #input;
  #template;
  #rows = [];
  #sending = 0;
  #asking = 0;
  #pause = ASK_FIRST_MS;

  constructor(form) {
    this.#form = form;
    this.#input = form.querySelector('input[type="file"]');
    this.#template = document.getElementById("upload-row");
    this.#input.addEventListener("change", () => {
      this.add([...this.#input.files]);
      this.#input.value = "";
    });
    form.addEventListener("submit", (event) => {
      if (!this.#rows.length) return;
      event.preventDefault();
      this.#start();
    });
    this.#bindDrop();
    addEventListener("beforeunload", (event) => this.#isBusy() && event.preventDefault());
  }

  /** Make a row for each file at once; nothing is sent before the form is. */
  add(files) {
    const acts = { retry: (row) => this.#retry(row), remove: (row) => this.#remove(row) };
    const rows = files.map((file) => new Row(file, this.#template, acts));
    this.#rows.push(...rows);
    this.#form.querySelector("[data-files]").append(...rows.map((row) => row.element));
    this.#changed();
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
    addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      mark(false);
      this.add([...event.dataTransfer.files]);
    });
  }

  #start() {
    const { batch, expected_files: expected } = this.#form.elements;
    if (batch && !batch.value) batch.value = newBatch();
    if (expected) expected.value = this.#rows.length;
    this.#next();
  }

  #next() {
    const fields = [...new FormData(this.#form)].filter(([name]) => name !== "files");
    for (const row of this.#rows) {
      if (this.#sending >= AT_ONCE) break;
      if (row.status === "WAITING") this.#send(row, fields);
    }
    this.#changed();
  }

  async #send(row, fields) {
    this.#sending += 1;
    row.become("SENDING");
    const answer = await sendFile(this.#form.dataset.uploadUrl, fields, row.file, {
      words: this.#template.dataset,
      progress: (fraction) => row.progress(fraction),
    });
    this.#sending -= 1;
    row.id = answer.id ?? "";
    row.become(answer.status, answer.sentence);
    if (answer.fields && Object.keys(answer.fields).length) notify(answer.sentence);
    if (answer.batch) this.#linkBatch(answer.batch);
    this.#ask();
    this.#next();
  }

  #retry(row) {
    row.become("WAITING");
    this.#start();
  }

  #remove(row) {
    row.element.remove();
    this.#rows = this.#rows.filter((other) => other !== row);
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
      if (!answer.ok) return false;
      const { files } = await answer.json();
      const news = files.filter((file) => rows.find((row) => row.id === file.id)?.status !== file.status);
      for (const file of news) rows.find((row) => row.id === file.id)?.become(file.status, file.sentence);
      return news.length > 0;
    } catch {
      return false; // the network is away: the files are in, the question is asked again
    }
  }

  #isBusy() {
    return this.#sending > 0;
  }

  #linkBatch(batch) {
    const link = this.#form.querySelector("[data-batch-link]");
    const pattern = this.#form.dataset.batchUrl;
    if (!link || !pattern) return;
    link.href = pattern.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, batch);
    link.hidden = false;
  }

  #changed() {
    const count = (test) => this.#rows.filter(test).length;
    this.#input.required = !this.#rows.length;
    const summary = this.#form.querySelector("[data-summary]");
    const isBegun = count((row) => row.status !== "WAITING") > 0;
    const judged = count((row) => row.isJudged);
    const numbers = {
      in: judged,
      all: this.#rows.length,
      refused: count((row) => row.status === "REFUSED"),
      failed: count((row) => row.status === "FAILED"),
    };
    summary.hidden = !isBegun;
    for (const [name, value] of Object.entries(numbers)) summary.querySelector(`[data-count-${name}]`).textContent = value;
    const isOver = isBegun && judged === this.#rows.length;
    summary.querySelector("[data-again]").hidden = !isOver;
    this.#form.dataset.state = isOver ? "judged" : this.#isBusy() ? "sending" : "waiting";
    const button = this.#form.querySelector("[data-send]");
    if (button) button.disabled = this.#rows.length > 0 && !count((row) => row.status === "WAITING");
  }
}

/** Bind the upload form where the page has one. */
export function bindUpload() {
  const form = document.querySelector("form[data-upload]");
  if (form && document.getElementById("upload-row")) new Upload(form);
}
