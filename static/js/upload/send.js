// Sends small files, many in one request; says what came of each and never throws.

export function answerOf(xhr) {
  try {
    return JSON.parse(xhr.responseText);
  } catch {
    return null;
  }
}

export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

// A proxy answers so while the platform behind it starts anew.
const AWAY = new Set([0, 502, 503, 504]);

/** What an answer that is no success means: { kind, sentence, seconds, fields }; kind is "network", "wait", "signed_out",
 * "refused" or "server". */
export function failureOf(xhr, words) {
  const answer = answerOf(xhr);
  if (AWAY.has(xhr.status) && !answer?.message) return { kind: "network", sentence: words.network };
  if (xhr.status === 401 || xhr.status === 403) {
    return { kind: "signed_out", sentence: words.signedOut, refusal: answer?.message ?? "" };
  }
  const sentence = answer?.message ?? words.server;
  const seconds = Number(xhr.getResponseHeader("Retry-After")) || 0;
  if (seconds) return { kind: "wait", sentence, seconds };
  if (xhr.status < 500 && answer?.message) return { kind: "refused", sentence, fields: answer.fields ?? {} };
  return { kind: "server", sentence };
}

/** Send one request; resolves to the finished XMLHttpRequest, its status 0 where the network failed. */
export function exchange(method, url, { headers = {}, body = null, progress = () => {}, begun = () => {} } = {}) {
  return new Promise((resolve) => {
    const xhr = new XMLHttpRequest();
    xhr.upload.addEventListener("progress", (event) => progress(event.loaded));
    xhr.addEventListener("loadend", () => resolve(xhr));
    xhr.open(method, url);
    const token = csrfToken();
    for (const [name, value] of Object.entries({ ...(token ? { "X-CSRFToken": token } : {}), ...headers })) {
      xhr.setRequestHeader(name, value);
    }
    begun(xhr);
    xhr.send(body);
  });
}

/** Post files with the form's fields; resolves to { files, batch } in the order of the rows, or to { failure }. */
export async function sendFiles(url, fields, rows, { words, progress, begun }) {
  const body = new FormData();
  // The token goes in the header, where a new one can follow; an old one in the body would be looked at first.
  for (const [name, value] of fields) if (name !== "csrfmiddlewaretoken") body.append(name, value);
  for (const row of rows) {
    body.append("files", row.file, row.file.name);
    body.append("folders", row.folder);
    body.append("keys", row.key);
  }
  const xhr = await exchange("POST", url, { headers: { Accept: "application/json" }, body, progress, begun });
  const answer = answerOf(xhr);
  const isIn = xhr.status >= 200 && xhr.status < 300 && answer?.files?.length === rows.length;
  return isIn ? { files: answer.files, batch: answer.batch } : { failure: failureOf(xhr, words) };
}
