// Opens dialogs by data-opens="id of a <dialog>", copies by data-copies="id", and shows file names nowhere else.
//
// Dialogs close themselves through <form method="dialog"> or Escape; focus returns to the opener (the browser's own).

async function copy(button) {
  const source = document.getElementById(button.dataset.copies);
  if (!source) return;
  const text = "value" in source ? source.value : source.textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = button.dataset.copied || "Copied";
  } catch {
    // The clipboard may be forbidden: select the text so that Ctrl+C does it.
    if ("select" in source) source.select();
    else getSelection().selectAllChildren(source);
  }
}

/** Bind openers and copy buttons, also those that arrive later. */
export function bindDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens)?.showModal();
    const button = event.target.closest("[data-copies]");
    if (button) copy(button);
  });
}
