// Sets the chosen theme before the first paint, so that no page flashes. Loaded as a classic script in the head:
// it must import nothing. The choice itself is made in page/theme.js.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("bonefrac-theme");
  } catch {
    // Storage may be forbidden; the dark default stands.
  }
  document.documentElement.dataset.theme = ["dark", "light", "system"].includes(chosen) ? chosen : "dark";
})();
