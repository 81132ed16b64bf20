// A form that changes something is sent once: a second click before the answer would be told that the study changed.

const PAUSE = 5000;

/** Let each POST form of the page be sent once until its answer is there; a page that comes back sends again. */
export function bindOnce() {
  const sent = new Map();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.matches("[hx-post], [data-upload]")) return;
    const now = performance.now();
    if (now - (sent.get(form) ?? -PAUSE) < PAUSE) event.preventDefault();
    else sent.set(form, now);
  });
  window.addEventListener("pageshow", () => sent.clear());
}
