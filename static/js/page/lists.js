// The keyboard in lists: arrows (or j and k) move, Enter opens, "/" searches.
//
// A table opts in with data-list; each row that can be opened holds one link with data-opens-row. The search field
// carries data-search. Focus is the only cursor, so screen readers and the mouse see the same.

import { isTyping } from "./keys.js";

function links() {
  return [...document.querySelectorAll("[data-list] [data-opens-row]")].filter((link) => link.offsetParent !== null);
}

function move(step) {
  const all = links();
  if (!all.length) return false;
  const at = all.indexOf(document.activeElement?.closest("tr")?.querySelector("[data-opens-row]"));
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step));
  all[next].focus();
  all[next].closest("tr")?.scrollIntoView({ block: "nearest" });
  return true;
}

const STEPS = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (event.key === "/") {
    const field = document.querySelector("[data-search]");
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  } else if (event.key in STEPS && document.querySelector("[data-list]") && move(STEPS[event.key])) {
    event.preventDefault();
  }
}

/** Bind list keys for the page, and let a click anywhere on a row open it. */
export function bindLists() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.target.closest("a, button, input, select, label")) return;
    const link = event.target.closest("[data-list] tr")?.querySelector("[data-opens-row]");
    if (link && !String(getSelection())) link.click();
  });
}
