// The last signature can be taken back for some seconds; a bar says for how many, in words that stand still.

import { words } from "./words.js";

/** Bind the bar of the page, where there is one. Returns a function that stops its clock. */
export function bindUndo() {
  const bar = document.getElementById("undo-signing");
  if (!bar) return () => {};
  const until = Date.parse(bar.dataset.undoUntil);
  const left = bar.querySelector("[data-left]");
  const tick = () => {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    // It gives up its place only with the next study: nothing of the page moves while somebody reads.
    if (seconds <= 0) {
      bar.classList.add("is-over");
      bar.querySelector("button").disabled = true;
      clearInterval(timer);
    }
    left.textContent = seconds > 0 ? words("secondsLeft", { count: seconds }) : "";
  };
  const timer = setInterval(tick, 1000);
  tick();
  return () => clearInterval(timer);
}
