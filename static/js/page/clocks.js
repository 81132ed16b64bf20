// Keeps written times alive: waits ("18 min") and what is left of a claim ("14 min left").
//
//   <time data-since="2026-11-21T09:42:00Z">18 min</time>       a wait that grows
//   <span data-until="2026-11-21T10:00:00Z">14 min left</span>  a lease that shrinks; data-over="..." is said when it is over
//
// The server writes the words first; without this script they stand still and stay right for the moment of rendering.

const MINUTE = 60_000;

/** Return a length of time in words: "under a minute", "18 min", "3 h 05", "2 days". */
export function inWords(milliseconds) {
  const minutes = Math.floor(milliseconds / MINUTE);
  if (minutes < 1) return "under a minute";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")}`;
  return `${Math.floor(hours / 24)} days`;
}

function tick() {
  const now = Date.now();
  for (const element of document.querySelectorAll("[data-since]")) {
    element.textContent = inWords(Math.max(0, now - Date.parse(element.dataset.since)));
  }
  for (const element of document.querySelectorAll("[data-until]")) {
    const left = Date.parse(element.dataset.until) - now;
    element.classList.toggle("is-near", left < 3 * MINUTE);
    element.textContent = left > 0 ? `${inWords(left)} left` : element.dataset.over || "over";
  }
}

/** Refresh every written time now and every 15 seconds. */
export function startClocks() {
  tick();
  setInterval(tick, 15_000);
  document.addEventListener("htmx:afterSettle", tick);
  document.addEventListener("bonefrac:rows", tick);
}
