// Shows a study that changed while it was read as it is now: the form goes, as it stands, to another address.
//
// A plain submission, so that the whole page comes anew with its images; the server writes back everything typed.

/** Bind the button, also where it arrives later: <button type="button" data-looks-again="address"> inside or beside the form. */
export function bindLookAgain(form) {
  if (!form) return;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-looks-again]");
    if (!button) return;
    form.action = button.dataset.looksAgain;
    HTMLFormElement.prototype.submit.call(form);
  });
}
