// The keyboard in lists: arrows (or j and k) move, Enter opens, "/" searches; in the worklist n takes the next, c claims,
// x skips, h hands back, r shows what has changed, "]" turns the page, "?" says all that.
//
// A table opts in with data-list; each row that can be opened holds one link with data-opens-row. The search field
// carries data-search. Focus is the only cursor, so screen readers and the mouse see the same.

import { isTyping } from "./keys.js";

function links() {
  return [...document.querySelectorAll("[data-list] [data-opens-row]")].filter((link) => link.offsetParent !== null);
}

/** The row that the hand is on, if any. */
export function chosenRow() {
  return document.activeElement?.closest("[data-list] tbody tr") ?? null;
}

function focusAt(all, index) {
  all[index].focus();
  all[index].closest("tr")?.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = links();
  if (!all.length) return false;
  const at = all.indexOf(chosenRow()?.querySelector("[data-opens-row]"));
  focusAt(all, at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step)));
  return true;
}

function edge(last) {
  const all = links();
  if (!all.length || !chosenRow()) return false;
  focusAt(all, last ? all.length - 1 : 0);
  return true;
}

function press(element) {
  element?.click();
  return Boolean(element);
}

function search() {
  const field = document.querySelector("[data-search]");
  field?.focus();
  field?.select();
  return Boolean(field);
}

function takeNext() {
  const form = document.querySelector("form[data-next][data-chosen]") ?? document.querySelector("form[data-next]");
  form?.requestSubmit();
  return Boolean(form);
}

/** Ask why the chosen study is skipped; the dialog's form goes to the row's own address. */
function askWhy() {
  const row = chosenRow();
  const dialog = document.getElementById("skip");
  if (!dialog || !row?.dataset.skip) return false;
  dialog.querySelector("form").action = row.dataset.skip;
  dialog.querySelector("[data-skipped]").textContent = row.querySelector("[data-opens-row]").textContent;
  dialog.showModal();
  dialog.querySelector("input[name=reason]").focus();
  return true;
}

const DEEDS = {
  ArrowDown: () => move(1),
  j: () => move(1),
  ArrowUp: () => move(-1),
  k: () => move(-1),
  Home: () => edge(false),
  End: () => edge(true),
  "/": search,
  n: takeNext,
  x: askWhy,
  c: () => press(chosenRow()?.querySelector("[data-claim]")),
  h: () => press(chosenRow()?.querySelector("[data-hand-back]")),
  r: () => press(document.querySelector("#live-news:not([hidden]) [data-refresh]")),
  "]": () => press(document.querySelector("a[rel=next]")),
  "?": () => press(document.querySelector("[data-legend]")),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && !event.key.startsWith("Arrow")) return;
  if (document.querySelector("dialog[open]")) return;
  if (isTyping(event.target)) {
    if (event.key === "Escape" && event.target.matches("[data-search]")) move(1);
    return;
  }
  const deed = document.querySelector("[data-list], [data-search]") && DEEDS[event.key];
  if (deed && deed()) event.preventDefault();
}

/** Fields of a filter that say nothing stay out of the address, so that equal filters are one address. */
function withoutEmpty(event) {
  if (!event.target.matches?.("form[data-filters]")) return;
  for (const field of event.target.elements) {
    if (field.name && !field.value) {
      field.disabled = true;
      setTimeout(() => { field.disabled = false; });
    }
  }
}

/** Bind list keys for the page, and let a click anywhere on a row open it. */
export function bindLists() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("submit", withoutEmpty);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
    if (event.defaultPrevented || event.target.closest("a, button, input, select, label, summary")) return;
    const link = event.target.closest("[data-list] tr")?.querySelector("[data-opens-row]");
    if (link && !String(getSelection())) link.click();
  });
}
