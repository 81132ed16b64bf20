// What the models say while somebody reads: their row is filled by its poll, and the viewer is told where they looked.
//
// Nothing moves: the row has its height, the place of the map's button is kept free. No answer changes: to agree is offered,
// never chosen.

import { murmur } from "./words.js";

const sentence = () => document.querySelector("#machine .machine-line")?.textContent ?? "";

/** Bind the row of the machine, also where it is replaced. */
export function bindMachine(viewer) {
  let said = "";
  document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
    if (target.id === "machine") said = sentence();
  });
  document.addEventListener("htmx:load", ({ detail: { elt } }) => {
    if (elt.id !== "machine") return;
    if (elt.dataset.looked) viewer.looked(JSON.parse(elt.dataset.looked));
    if (sentence() !== said) murmur(sentence());
  });
}
