// Fetches the images of the study that would come next, once those of this one are there: it is only looked at, not claimed.

import { headers } from "./asking.js";

/** Prefetch once everything of the current study was drawn; returns a function that gives up. */
export function prefetchUpcoming(viewer) {
  const address = document.getElementById("page-data")?.dataset.upcomingUrl;
  const element = document.getElementById("viewer");
  if (!address || !element || !viewer.prefetch) return () => {};
  const abort = new AbortController();
  const { signal } = abort;
  const fetchIt = async () => {
    try {
      const answer = await fetch(address, { credentials: "same-origin", signal, headers: headers({ isBackground: true }) });
      const coming = answer.ok ? await answer.json() : null;
      if (coming?.images?.length) await viewer.prefetch(coming.images);
      if (!signal.aborted) element.dataset.upcoming = coming?.study ?? "";
    } catch (error) {
      if (!signal.aborted) console.debug("nothing was prefetched", error);
    }
  };
  const isWhole = () => ["full", "failed"].includes(element.dataset.ready);
  const begin = () => {
    if (!isWhole() || signal.aborted) return;
    watcher.disconnect();
    (window.requestIdleCallback ?? setTimeout)(() => !signal.aborted && fetchIt());
  };
  const watcher = new MutationObserver(begin);
  watcher.observe(element, { attributes: true, attributeFilter: ["data-ready"] });
  begin();
  return () => {
    abort.abort();
    watcher.disconnect();
  };
}
