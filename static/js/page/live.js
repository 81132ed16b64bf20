// htmx: the CSRF token on every request, polls that do not count as a person's activity, and errors in words.

import htmx from "htmx.org";

const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

function isPoll(element) {
  return Boolean(element.closest("[data-background]")) || /\bevery\b/.test(element.getAttribute("hx-trigger") ?? "");
}

/** Show a sentence in the page's notice area; kind is one of "stop", "warn", "done". */
export function notify(sentence, kind = "stop") {
  const area = document.getElementById("notices");
  if (!area) return;
  const notice = document.createElement("p");
  notice.className = `notice notice--${kind}`;
  notice.textContent = sentence;
  area.replaceChildren(notice);
  area.scrollIntoView({ block: "nearest" });
}

function said(name) {
  return document.getElementById("words")?.dataset[name] ?? "";
}

function onAnswer(event) {
  const { xhr } = event.detail;
  if (xhr.status < 400) return;
  // A refusal names its own place (HX-Retarget); a form with its errors is 422. Anything else is no fragment of ours.
  const swaps = Boolean(xhr.getResponseHeader("HX-Retarget")) || xhr.status === 422;
  event.detail.shouldSwap = swaps;
  if (!swaps && !isPoll(event.detail.elt)) notify(said("serverFailed"));
}

/** Bind htmx's events for the page. */
export function bindLive() {
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRFToken"] = csrf();
    if (isPoll(event.detail.elt)) event.detail.headers["X-Background"] = "1";
  });
  document.addEventListener("htmx:beforeSwap", onAnswer);
  document.addEventListener("htmx:sendError", (event) => {
    if (!isPoll(event.detail.elt)) notify(said("networkFailed"));
  });
}

export { htmx };
