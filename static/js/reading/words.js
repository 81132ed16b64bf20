// The words that scripts say on the reading page: the template holds them, translated, as data attributes.

/** Return the words of a name, with its {places} filled; empty where the page has none. */
export function words(name, values = {}) {
  const text = document.getElementById("reading-words")?.dataset[name] ?? "";
  return text.replace(/\{(\w+)\}/g, (whole, place) => String(values[place] ?? whole));
}

/** Say something politely to whoever listens to the page, without showing it. */
export function murmur(sentence) {
  const area = document.getElementById("murmur");
  if (area && area.textContent !== sentence) area.textContent = sentence;
}

/** Give the keyboard to the picture that is active. */
export function focusPicture(viewer) {
  (viewer.pane?.element ?? document.querySelector("#viewer .stage"))?.focus({ preventScroll: true });
}
