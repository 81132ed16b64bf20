// Regions over a held picture: what the machine found, and what a person draws by mouse, touch or keyboard.
//
// A region is a checkbox of the form, so that without this script the found ones can be chosen all the same. All numbers
// are pixels of the picture; the boxes over it are percentages, so that they keep their place at any size.

const STEP = 8;
const SMALLEST = 6;

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

class Regions {
  constructor(root) {
    this.root = root;
    this.stage = root.querySelector("[data-stage]");
    this.image = this.stage.querySelector("img");
    this.size = { columns: Number(root.dataset.columns), rows: Number(root.dataset.rows) };
    this.words = JSON.parse(root.dataset.words);
    this.form = root.querySelector("[data-mask]");
    this.regions = [];
    for (const label of root.querySelectorAll("[data-region]")) this.adopt(label);
  }

  adopt(label) {
    const input = label.querySelector("input");
    const [left, top, width, height] = input.value.split(",").map(Number);
    this.add({ label, input, box: { left, top, width, height }, isFound: true });
  }

  add(region) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = region.isFound ? "region region--found" : "region";
    region.button = button;
    this.regions.push(region);
    this.stage.append(button);
    button.addEventListener("keydown", (event) => this.pressed(event, region));
    region.input.addEventListener("change", () => this.draw());
    this.draw();
    return region;
  }

  make(box) {
    const label = document.createElement("label");
    label.className = "choice choice--drawn";
    const input = Object.assign(document.createElement("input"), { type: "checkbox", name: "region", checked: true });
    const text = document.createElement("span");
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "button button--quiet button--small";
    remove.dataset.remove = "";
    remove.textContent = this.words.remove;
    label.append(input, text, remove);
    this.form.querySelector("fieldset").append(label);
    const region = this.add({ label, input, text, remove, box, isFound: false });
    remove.addEventListener("click", () => this.remove(region));
    return region;
  }

  remove(region) {
    if (region.isFound) {
      region.input.checked = false;
    } else {
      region.button.remove();
      region.label.remove();
      this.regions = this.regions.filter((other) => other !== region);
      (this.regions.at(-1)?.button ?? this.root.querySelector("[data-add]")).focus();
    }
    this.draw();
  }

  draw() {
    this.regions.forEach((region, index) => {
      const { left, top, width, height } = region.box;
      const { columns, rows } = this.size;
      const place = { left: left / columns, top: top / rows, width: width / columns, height: height / rows };
      for (const [side, share] of Object.entries(place)) region.button.style[side] = `${share * 100}%`;
      region.button.dataset.number = index + 1;
      region.button.classList.toggle("region--off", !region.input.checked);
      region.input.value = [left, top, width, height].join(",");
      const who = region.isFound ? this.words.found : this.words.drawn;
      const where = `${width} × ${height} ${this.words.at} ${left}, ${top}`;
      region.button.setAttribute("aria-label", `${this.words.region} ${index + 1}, ${who}, ${where}`);
      if (region.text) this.tell(region, `${this.words.region} ${index + 1}`, `${who} · ${where}`);
      region.remove?.setAttribute("aria-label", `${this.words.remove} ${this.words.region} ${index + 1}`);
    });
    const send = this.form?.querySelector(".button--primary");
    if (send) send.disabled = !this.regions.some((region) => region.input.checked);
  }

  tell(region, title, detail) {
    const sub = Object.assign(document.createElement("span"), { className: "choice__sub", textContent: detail });
    region.text.replaceChildren(title, sub);
  }

  pressed(event, region) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.remove(region);
      return;
    }
    const direction = moves[event.key];
    if (!direction) return;
    event.preventDefault();
    event.stopPropagation();
    const [x, y] = direction.map((value) => value * (event.ctrlKey ? 1 : STEP));
    if (event.shiftKey) this.resize(region, region.box.width + x, region.box.height + y);
    else this.move(region, region.box.left + x, region.box.top + y);
  }

  move(region, left, top) {
    region.box.left = Math.round(clamp(left, 0, this.size.columns - region.box.width));
    region.box.top = Math.round(clamp(top, 0, this.size.rows - region.box.height));
    this.draw();
  }

  resize(region, width, height) {
    region.box.width = Math.round(clamp(width, SMALLEST, this.size.columns - region.box.left));
    region.box.height = Math.round(clamp(height, SMALLEST, this.size.rows - region.box.top));
    this.draw();
  }

  point(event) {
    const frame = this.image.getBoundingClientRect();
    return {
      x: clamp(((event.clientX - frame.left) / frame.width) * this.size.columns, 0, this.size.columns),
      y: clamp(((event.clientY - frame.top) / frame.height) * this.size.rows, 0, this.size.rows),
    };
  }

  started(event) {
    if (event.button !== 0) return;
    const region = this.regions.find((one) => one.button === event.target);
    const from = this.point(event);
    const held = region ? { x: from.x - region.box.left, y: from.y - region.box.top } : null;
    const pointer = event.pointerId;
    let drawn = region;
    this.stage.setPointerCapture(pointer);
    const moved = (next) => {
      const to = this.point(next);
      if (region) {
        this.move(region, to.x - held.x, to.y - held.y);
        return;
      }
      const box = boxOf(from, to);
      if (!drawn && Math.max(box.width, box.height) < SMALLEST) return;
      drawn ??= this.make(box);
      Object.assign(drawn.box, box);
      this.resize(drawn, box.width, box.height);
    };
    const ended = () => {
      this.stage.removeEventListener("pointermove", moved);
      drawn?.button.focus({ preventScroll: true });
    };
    this.stage.addEventListener("pointermove", moved);
    this.stage.addEventListener("pointerup", ended, { once: true });
    this.stage.addEventListener("pointercancel", ended, { once: true });
    if (!region) event.preventDefault();
  }

  addInTheMiddle() {
    const { columns, rows } = this.size;
    const width = Math.max(SMALLEST, Math.round(columns / 4));
    const height = Math.max(SMALLEST, Math.round(rows / 12));
    const box = { left: Math.round((columns - width) / 2), top: Math.round((rows - height) / 2), width, height };
    this.make(box).button.focus();
  }
}

function boxOf(from, to) {
  const left = Math.floor(Math.min(from.x, to.x));
  const top = Math.floor(Math.min(from.y, to.y));
  return { left, top, width: Math.ceil(Math.abs(to.x - from.x)), height: Math.ceil(Math.abs(to.y - from.y)) };
}

/** Bind the held picture of a page, where there is one. */
export function bindRegions() {
  const root = document.querySelector("[data-regions]");
  if (!root) return;
  const zoom = root.querySelector("[data-zoom]");
  zoom.hidden = false;
  zoom.querySelector("input").addEventListener("change", (event) => {
    root.classList.toggle("is-actual", event.target.checked);
  });
  if ("fixed" in root.dataset) return;
  const regions = new Regions(root);
  for (const hidden of root.querySelectorAll("[data-add], [data-help]")) hidden.hidden = false;
  root.querySelector("[data-add]").addEventListener("click", () => regions.addInTheMiddle());
  regions.stage.addEventListener("pointerdown", (event) => regions.started(event));
  root.dataset.bound = "";
}
