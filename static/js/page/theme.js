// Lets a person choose dark, light or the system's theme; the choice stays in this browser.

const KEY = "bonefrac-theme";

/** Bind the theme select of the header; where storage is forbidden the choice lasts for the page. */
export function bindTheme(root = document) {
  const select = root.querySelector("[data-theme-choice]");
  if (!select) return;
  select.value = document.documentElement.dataset.theme || "dark";
  select.addEventListener("change", () => {
    document.documentElement.dataset.theme = select.value;
    try {
      localStorage.setItem(KEY, select.value);
    } catch {
      // Nothing to keep it in: it lasts until the next page.
    }
  });
}
