// Extends a claim while its holder acts, and only then: a tab left open over lunch lets it lapse.
//
//   <span data-until="..." data-heartbeat="/studies/…/extend/" data-heartbeat-ended="sentence">…</span>
//
// A pointer, wheel or key is an act; a moved pointer over an idle page is none. At most one request a minute.

import { notify } from "./live.js";

const EVERY = 60_000;
const ACTS = ["pointerdown", "keydown", "wheel", "touchstart"];

/** Bind the heartbeat of the claim that the page shows; the element may be replaced while the page stays. */
export function bindHeartbeat() {
  let acted = false;
  let beaten = Date.now();
  const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

  async function beat() {
    const shown = document.querySelector("[data-heartbeat]");
    if (!shown || !acted || Date.now() - beaten < EVERY) return;
    acted = false;
    beaten = Date.now();
    const address = shown.dataset.heartbeat;
    try {
      const answer = await fetch(address, { method: "POST", headers: { "X-CSRFToken": csrf(), Accept: "application/json" } });
      const now = document.querySelector("[data-heartbeat]");
      if (now?.dataset.heartbeat !== address) return;
      if (answer.ok) now.dataset.until = (await answer.json()).claimed_until;
      else if (answer.status === 409 && now.dataset.heartbeatEnded) notify(now.dataset.heartbeatEnded, "warn");
    } catch {
      acted = true; // the network is away: the next beat tries again
    }
  }

  const act = () => {
    acted = true;
    beat();
  };
  for (const name of ACTS) addEventListener(name, act, { capture: true, passive: true });
}
