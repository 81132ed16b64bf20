// One file on its way in: what is known of it, and its row on the page where it has one.

const DONE = new Set(["ACCEPTED", "REFUSED", "DUPLICATE", "HELD"]);

export function sizeInWords(bytes) {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Status: WAITING, SENDING, FAILED here; RECEIVED and what follows from the server. */
export class Row {
  status = "WAITING";
  sentence = "";
  id = "";
  url = "";
  sent = 0;
  tries = 0;
  isGone = false;
  element = null;

  constructor({ file, folder }, template, acts) {
    this.file = file;
    this.folder = folder;
    // The same file chosen again, perhaps in another tab on another day, has the same key.
    this.key = `${folder}/${file.name}\n${file.size}\n${file.lastModified}`;
    this.words = template.dataset;
    this.template = template;
    this.acts = acts;
  }

  get isJudged() {
    return DONE.has(this.status);
  }

  get isPending() {
    return Boolean(this.id) && !this.isJudged;
  }

  /** Whether a person has to look at it: it is shown even where most rows are not. */
  get isTrouble() {
    return ["FAILED", "REFUSED", "HELD"].includes(this.status);
  }

  /** Make the row's element; most of many thousands never get one. */
  show() {
    this.element = this.template.content.firstElementChild.cloneNode(true);
    const path = this.folder ? `${this.folder}/${this.file.name}` : this.file.name;
    const name = document.createElement("bdi");
    name.textContent = path;
    this.#part("name").append(name);
    this.#part("name").title = path;
    const size = document.createElement("span");
    size.className = "file-row__size num";
    size.textContent = ` ${sizeInWords(this.file.size)}`;
    this.#part("name").append(size);
    this.#part("bar").setAttribute("aria-label", path);
    this.element.querySelector("[data-retry]").addEventListener("click", () => this.acts.retry(this));
    this.element.querySelector("[data-remove]").addEventListener("click", () => this.acts.remove(this));
    this.#say();
    return this.element;
  }

  progress(bytes) {
    this.sent = Math.min(bytes, this.file.size);
    if (this.element) this.#part("bar").value = this.file.size ? Math.round((this.sent / this.file.size) * 100) : 100;
  }

  /** Take over a status with the sentence that explains it. */
  become(status, sentence = "") {
    this.status = status;
    this.sentence = sentence;
    if (status === "WAITING" && !this.url) this.progress(0);
    if (this.isJudged || status === "RECEIVED") this.progress(this.file.size);
    if (this.element) this.#say();
  }

  #part(name) {
    return this.element.querySelector(`.file-row__${name}`);
  }

  #say() {
    this.element.dataset.status = this.status;
    this.#part("sentence").textContent = this.sentence;
    this.#part("word").textContent = this.words[this.status.toLowerCase()] ?? this.status;
    this.#part("bar").hidden = this.isJudged || this.status === "FAILED";
    this.element.querySelector("[data-retry]").hidden = this.status !== "FAILED" || this.isGone;
    this.element.querySelector("[data-remove]").hidden = !["WAITING", "FAILED"].includes(this.status);
  }
}
