// Keeps the counts of the header true while a page is open: notices, overdue critical findings, held files.
//
//   <a href="/notices/" data-waits>Notices <span class="nav__count">2</span></a>     the address says what is counted
//
// Asked with X-Background, so that it proves nobody's presence; never while the tab is hidden, ever more rarely while the
// server is away, and never again once the person is signed out. What has grown is said politely.

const EVERY = 30_000;
const SLOWEST = 240_000;
const FIRST = 3000; // a page whose counts came empty asks once its pictures had their turn

let known = {};
let pause = EVERY;
let timer = 0;
let asked = Date.now();

const entries = () => [...document.querySelectorAll("[data-waits]")];

function placeOf(entry) {
  const place = entry.querySelector(".nav__count");
  if (place) return place;
  entry.append(" ", Object.assign(document.createElement("span"), { className: "nav__count" }));
  return entry.lastElementChild;
}

const number = (text) => Number.parseInt(text || "0", 10);

/** Write the counts that are known, also into a header that has just come. */
export function showWaits() {
  for (const entry of entries()) {
    const count = known[new URL(entry.href).pathname];
    if (count !== undefined && placeOf(entry).textContent !== count) placeOf(entry).textContent = count;
  }
}

function say(grown) {
  const area = document.getElementById("told");
  if (area && grown.length) area.textContent = grown.map((entry) => entry.textContent.trim().replace(/\s+/g, " ")).join(", ");
}

function take(counts) {
  const before = new Map(entries().map((entry) => [entry, entry.querySelector(".nav__count")?.textContent ?? ""]));
  known = counts;
  showWaits();
  say([...before].filter(([entry, count]) => number(placeOf(entry).textContent) > number(count)).map(([entry]) => entry));
}

function plan(wait = pause) {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(ask, wait);
}

async function ask() {
  clearTimeout(timer);
  asked = Date.now();
  try {
    const answer = await fetch(document.getElementById("words").dataset.waiting, {
      credentials: "same-origin",
      headers: { "X-Background": "1", Accept: "application/json" },
    });
    if (answer.status === 401 || answer.status === 403) return;
    if (!answer.ok) throw new Error(String(answer.status));
    take(await answer.json());
    pause = EVERY;
  } catch {
    pause = Math.min(SLOWEST, pause * 2);
  }
  plan();
}

/** Begin, where the page's header counts anything. */
export function bindWaits() {
  if (!entries().length) return;
  const isEmpty = document.querySelector(".bar--reading") !== null;
  plan(isEmpty ? FIRST : EVERY);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden) Date.now() - asked > EVERY ? ask() : plan();
  });
  addEventListener("online", () => ask());
}
