// The keys of the reading page. Letters typed into a field are text; a dialog has the keyboard to itself.

import { isPressable, isTyping } from "../page/keys.js";

const DEAF_MS = 400; // after the page came: a held Enter of the study before must not sign this one
const VERDICTS = { f: "fracture", n: "no_fracture", u: "not_assessable" };
const CONFIDENCES = { 1: "definite", 2: "probable", 3: "possible" };
const MODES = { b: "box", w: "window", z: "zoom", p: "pan" };
const ACTS = { m: "toggleMap", i: "invert", r: "rotate", "=": "fit", "+": "zoomIn", "-": "zoomOut" };
const STEPS = { ArrowUp: -1, ArrowDown: 1, k: -1, j: 1 };

function onImage(key, viewer) {
  if (key in MODES) viewer.mode = MODES[key];
  else if (key in ACTS) viewer[ACTS[key]]();
  else if (key in STEPS) viewer.step(STEPS[key]);
  else if (key === " ") viewer.reset();
  else if (key === "Backspace" || key === "Delete") viewer.removeChosen();
  else return false;
  return true;
}

function letGo(viewer) {
  viewer.boxes.choose(-1);
  if (viewer.mode === "box") viewer.mode = "window";
}

function onForm(key, reading) {
  if (!reading) return false;
  if (key in VERDICTS) reading.choose("verdict", VERDICTS[key]);
  else if (key in CONFIDENCES) reading.choose("confidence", CONFIDENCES[key]);
  else return false;
  return true;
}

/** Bind the page's keys to the viewer and, where the person may read, to the form. */
export function bindKeys(viewer, reading) {
  const came = performance.now();
  viewer.since = came;
  setTimeout(() => (document.getElementById("viewer").dataset.keys = "on"), DEAF_MS);
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(target) || document.querySelector("dialog[open]")) return;
    if (performance.now() - came < DEAF_MS) {
      if (key === "Enter") event.preventDefault();
      return;
    }
    const isRadio = target instanceof HTMLInputElement && target.type === "radio";
    const isSlider = target instanceof HTMLInputElement && target.type === "range";
    if (key === " " && isPressable(target)) return;
    if (key.startsWith("Arrow") && (isRadio || isSlider)) return;
    if (key === "Enter") {
      if (isPressable(target) && !isRadio) return;
      event.preventDefault();
      if (!event.repeat) reading?.sign();
    } else if (key === "?") document.getElementById("legend")?.showModal();
    else if (key === "Escape") letGo(viewer);
    else if (onForm(key, reading) || onImage(key, viewer)) event.preventDefault();
  });
}
