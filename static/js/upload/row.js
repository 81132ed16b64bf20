// One file's row: name, progress, a verdict in words, its sentence, and what can be done about it.

const DONE = new Set(["ACCEPTED", "REFUSED", "DUPLICATE", "HELD"]);

function sizeInWords(bytes) {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** A file on its way in. Status: WAITING, SENDING, FAILED here; RECEIVED and what follows from the server. */
export class Row {
  status = "WAITING";
  id = "";

  constructor(file, template, { retry, remove }) {
    this.file = file;
    this.words = template.dataset;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.#part("name").textContent = file.name;
    this.#part("name").title = file.name;
    const size = document.createElement("span");
    size.className = "file-row__size num";
    size.textContent = ` ${sizeInWords(file.size)}`;
    this.#part("name").append(size);
    this.#part("bar").setAttribute("aria-label", file.name);
    this.element.querySelector("[data-retry]").addEventListener("click", () => retry(this));
    this.element.querySelector("[data-remove]").addEventListener("click", () => remove(this));
    this.#say();
  }

  get isJudged() {
    return DONE.has(this.status);
  }

  get isPending() {
    return Boolean(this.id) && !this.isJudged;
  }

  progress(fraction) {
    this.#part("bar").value = Math.round(fraction * 100);
  }

  /** Take over a status with the sentence that explains it. */
  become(status, sentence = "") {
    this.status = status;
    this.#part("sentence").textContent = sentence;
    if (status === "WAITING" || status === "SENDING") this.progress(0);
    if (this.isJudged || status === "RECEIVED") this.progress(1);
    this.#say();
  }

  #part(name) {
    return this.element.querySelector(`.file-row__${name}`);
  }

  #say() {
    this.element.dataset.status = this.status;
    this.#part("word").textContent = this.words[this.status.toLowerCase()] ?? this.status;
    this.#part("bar").hidden = this.isJudged || this.status === "FAILED";
    this.element.querySelector("[data-retry]").hidden = this.status !== "FAILED";
    this.element.querySelector("[data-remove]").hidden = !["WAITING", "FAILED"].includes(this.status);
  }
}
