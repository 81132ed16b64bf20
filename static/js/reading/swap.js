// Puts a whole reading page that came as text into the place of the one that is shown: no new document, no new engine.

import { htmx } from "../page/live.js";
import { showWaits } from "../page/waits.js";

const PARTS = ["header.bar--reading", "aside.panel", "#thumbs-more", "#page-data", "#page-dialogs"];

/** Return the parsed page, null where the text is no reading page. */
export function parse(html) {
  const incoming = new DOMParser().parseFromString(html, "text/html");
  return PARTS.every((part) => incoming.querySelector(part)) && incoming.getElementById("reading-data") ? incoming : null;
}

/** Replace the parts of the page by those of a parsed one. */
export function swap(incoming) {
  for (const part of PARTS) {
    const arriving = document.importNode(incoming.querySelector(part), true);
    document.querySelector(part).replaceWith(arriving);
    htmx.process(arriving);
  }
  document.title = incoming.title;
  const token = incoming.querySelector('meta[name="csrf-token"]')?.content;
  showWaits();
  // Written times come alive with it.
  htmx.trigger(document.body, "htmx:afterSettle");
  if (token) document.querySelector('meta[name="csrf-token"]').content = token;
}

/** Replace the bar alone: who holds the study, and until when. */
export function swapBar(incoming) {
  const arriving = document.importNode(incoming.querySelector(PARTS[0]), true);
  document.querySelector(PARTS[0]).replaceWith(arriving);
  showWaits();
}
