// Sends one large file in pieces over the protocol tus 1.0: after whatever interrupted it goes on where it was.

import { exchange, failureOf } from "./send.js";

const PIECE_BYTES = 8_000_000;
const VERSION = { "Tus-Resumable": "1.0.0", Accept: "application/json" };

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

// The form's fields as the protocol's metadata; the age goes in months, what is empty stays away.
function metadata(fields, row) {
  const known = new Map(fields);
  const age = known.get("age");
  const months = age ? Number(age) * (known.get("age_unit") === "months" ? 1 : 12) : "";
  const told = { ...Object.fromEntries(known), age_months: String(months), filename: row.file.name };
  Object.assign(told, { folder: row.folder, key: row.key });
  for (const name of ["age", "age_unit", "csrfmiddlewaretoken", "folders"]) delete told[name];
  const pairs = Object.entries(told).filter(([, value]) => value !== "");
  return pairs.map(([name, value]) => `${name} ${base64(value)}`).join(",");
}

const isIn = (xhr) => xhr.status >= 200 && xhr.status < 300;

// Where the file's next byte belongs: a new upload begins at 0, one that was interrupted is asked.
async function position(url, fields, row) {
  if (row.url) {
    const asked = await exchange("HEAD", row.url, { headers: VERSION });
    if (isIn(asked)) return { offset: Number(asked.getResponseHeader("Upload-Offset")), xhr: asked };
    if (asked.status !== 404) return { xhr: asked };
  }
  const headers = { ...VERSION, "Upload-Length": String(row.file.size), "Upload-Metadata": metadata(fields, row) };
  const begun = await exchange("POST", url, { headers });
  row.url = isIn(begun) ? begun.getResponseHeader("Location") : "";
  return isIn(begun) ? { offset: 0, xhr: begun } : { xhr: begun };
}

/** Send a file from where it was; resolves to { files: [{ id, status }] } or { failure }; row.url stays for a next time. */
export async function sendPieces(url, fields, row, { words, progress, begun }) {
  let { offset, xhr } = await position(url, fields, row);
  while (offset !== undefined && !xhr.getResponseHeader("Upload-File")) {
    const start = offset;
    progress(start);
    xhr = await exchange("PATCH", row.url, {
      headers: { ...VERSION, "Upload-Offset": String(start), "Content-Type": "application/offset+octet-stream" },
      body: row.file.slice(start, start + PIECE_BYTES),
      progress: (sent) => progress(start + sent),
      begun,
    });
    if (xhr.status === 409) ({ offset, xhr } = await position(url, fields, row));
    else offset = isIn(xhr) ? Number(xhr.getResponseHeader("Upload-Offset")) : undefined;
  }
  const id = isIn(xhr) ? xhr.getResponseHeader("Upload-File") : "";
  return id ? { files: [{ id, status: "RECEIVED", sentence: "" }] } : { failure: failureOf(xhr, words) };
}
