// Sends one file with the form's fields, with progress; says what came of it and never throws.

function answerOf(xhr) {
  try {
    return JSON.parse(xhr.responseText);
  } catch {
    return null;
  }
}

function outcome(xhr, words) {
  const answer = answerOf(xhr);
  if (xhr.status >= 200 && xhr.status < 300 && answer?.files?.length) return { batch: answer.batch, ...answer.files[0] };
  if (xhr.status >= 400 && xhr.status < 500 && answer?.message) {
    return { status: "FAILED", sentence: answer.message, fields: answer.fields ?? {} };
  }
  return { status: "FAILED", sentence: answer?.message ?? words.server };
}

/** Post one file; resolves to { status, sentence, id, batch } as the server or the network said. */
export function sendFile(url, fields, file, { words, progress }) {
  return new Promise((resolve) => {
    const xhr = new XMLHttpRequest();
    const body = new FormData();
    for (const [name, value] of fields) body.append(name, value);
    body.append("files", file, file.name);
    xhr.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total));
    xhr.addEventListener("load", () => resolve(outcome(xhr, words)));
    for (const failure of ["error", "timeout", "abort"]) {
      xhr.addEventListener(failure, () => resolve({ status: "FAILED", sentence: words.network }));
    }
    xhr.open("POST", url);
    xhr.setRequestHeader("Accept", "application/json");
    const token = document.querySelector('meta[name="csrf-token"]')?.content;
    if (token) xhr.setRequestHeader("X-CSRFToken", token);
    xhr.send(body);
  });
}
