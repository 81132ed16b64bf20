// Shows a study that changed while it was read as it is now: the form goes, as it stands, to another address.
//
// A plain submission, so that the whole page comes anew with its images; the server writes back everything typed.

/** Bind the button, also where it arrives later: <button type="button" data-looks-again="address">. */
export function bindLookAgain() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-looks-again]");
    const form = document.getElementById("reading-form");
    if (!button || !form) return;
    window.bonefrac.page.draft?.close();
    form.action = button.dataset.looksAgain;
    HTMLFormElement.prototype.submit.call(form);
  });
}
