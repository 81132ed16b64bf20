// Keeps a draft of the reading on the server, in the background, a moment after the last change.

const QUIET_MS = 1500;

/** Post the form's fields to data-draft-url after changes; a failed draft is tried again with the next change. */
export function keepDraft(form, notify) {
  let timer = 0;
  let hasFailed = false;
  const save = async () => {
    const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
    try {
      const answer = await fetch(form.dataset.draftUrl, {
        method: "POST",
        body: new FormData(form),
        credentials: "same-origin",
        headers: { "X-CSRFToken": token, "X-Background": "1" },
      });
      hasFailed = !answer.ok;
    } catch {
      hasFailed = true;
    }
    form.dataset.draft = hasFailed ? "failed" : "saved";
    if (hasFailed && form.dataset.draftFailed) notify(form.dataset.draftFailed, "warn");
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(save, QUIET_MS);
  };
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  form.addEventListener("submit", () => clearTimeout(timer));
}
