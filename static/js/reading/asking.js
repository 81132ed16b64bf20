// Asking the server from the reading page: the token, the session, and a refusal put where the page says such things.

import { htmx, notify } from "../page/live.js";
import { words } from "./words.js";

/** Return the headers that every request of a script carries; a background one does not count as activity. */
export function headers({ isBackground = false, ...more } = {}) {
  const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
  return { "X-CSRFToken": token, ...(isBackground ? { "X-Background": "1" } : {}), ...more };
}

/** Put a fragment of the server's into the notice area. */
export function showFragment(html) {
  const area = document.getElementById("notices");
  if (!area) return;
  const incoming = new DOMParser().parseFromString(html, "text/html");
  area.replaceChildren(...incoming.body.childNodes);
  htmx.process(area);
  area.scrollIntoView({ block: "nearest" });
}

/**
 * Send a form's fields in place.
 * Returns { address, html } where it was done, null where it was refused or did not arrive; a sentence says so then.
 */
export async function send(address, body) {
  let answer;
  try {
    answer = await fetch(address, {
      method: "POST",
      body,
      credentials: "same-origin",
      headers: headers({ "X-In-Place": "1", "HX-Request": "true", "HX-Current-URL": location.href }),
    });
  } catch {
    notify(words("networkFailed"));
    return null;
  }
  const leads = answer.headers.get("HX-Redirect");
  if (leads) return { address: leads, html: "", code: "" };
  if (answer.ok) {
    return { address: answer.headers.get("X-Address") ?? answer.url, html: await answer.text(), code: "" };
  }
  if (answer.headers.get("HX-Retarget") || answer.status === 422) showFragment(await answer.text());
  else notify(words("serverFailed"));
  return null;
}
