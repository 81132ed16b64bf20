// The page of keys: a button that waits for the next key press, and sends it.

import "../css/keys.css";
import { comboOf } from "./reading/combos.js";

let waiting = null; // { button, words }
let wasGiven = ""; // the key that was just given, until it is let go

function stop() {
  if (!waiting) return;
  waiting.button.textContent = waiting.words;
  waiting.button.removeAttribute("aria-pressed");
  waiting = null;
}

function start(button) {
  stop();
  waiting = { button, words: button.textContent };
  button.textContent = document.getElementById("keys").dataset.waiting;
  button.setAttribute("aria-pressed", "true");
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-change]");
  if (!button) stop();
  else if (waiting?.button !== button) start(button);
});
document.addEventListener("focusout", (event) => {
  if (event.target === waiting?.button) stop();
});
// A key that is pressed while the page waits is the new key, and nothing else.
document.addEventListener(
  "keydown",
  (event) => {
    if (!waiting || event.key === "Tab") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const combo = comboOf(event);
    if (!combo || event.repeat) return;
    const { form } = waiting.button;
    stop();
    wasGiven = event.key;
    form.elements.key.value = combo;
    form.requestSubmit();
  },
  true,
);
// Space presses a button when it is let go: the key that was just given must not press it again.
document.addEventListener("keyup", (event) => {
  if (event.key === wasGiven) event.preventDefault();
  wasGiven = "";
});
