// Who and what is still there: the server, the person's session, the files on the disk, and what came in before.

import { answerOf, exchange } from "./send.js";

/** Whether the platform answers at all; the question counts as nobody's activity. */
export async function isReachable(statusUrl) {
  try {
    const answer = await fetch(`${statusUrl}?ids=`, { headers: { Accept: "application/json", "X-Background": "1" } });
    return answer.status < 500;
  } catch {
    return false;
  }
}

/** Take over the token of a session that was opened in another tab; resolves to whether somebody is signed in. */
export async function renewSession(pageUrl) {
  try {
    const answer = await fetch(pageUrl, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const token = page.querySelector('meta[name="csrf-token"]')?.content;
    if (!answer.ok || !token || !page.querySelector("form[data-upload]")) return false;
    document.querySelector('meta[name="csrf-token"]').content = token;
    return true;
  } catch {
    return false;
  }
}

/** Those rows whose files were changed, moved or taken away after they were chosen: a browser sends nothing of them. */
export async function goneRows(rows) {
  const gone = [];
  for (const row of rows) {
    try {
      await row.file.slice(0, 1).arrayBuffer();
    } catch {
      gone.push(row);
    }
  }
  return gone;
}

/** What of an upload that goes on is here: for each row { file, upload } or undefined where nobody could say. */
export async function knownOf(knownUrl, rows) {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  const body = JSON.stringify({ keys: rows.map((row) => row.key) });
  const xhr = await exchange("POST", knownUrl, { headers, body });
  return answerOf(xhr)?.known ?? [];
}
