// The tool bar under the image: buttons, the list of windows, the map's opacity, the arrangement; and what they show.

const PRESETS = [2, 3, 4, 5];

function press(button, isPressed) {
  button.setAttribute("aria-pressed", String(isPressed));
}

// The browser opens and closes what is used rarely; only where it stands is ours: over its button, within the page.
function placeMore(root) {
  const more = root.querySelector("[popover]");
  const opener = root.querySelector("[popovertarget]");
  more.addEventListener("toggle", ({ newState }) => {
    if (newState !== "open") return;
    const [button, menu] = [opener.getBoundingClientRect(), more.getBoundingClientRect()];
    const left = Math.max(4, Math.min(button.left, innerWidth - menu.width - 4));
    more.style.setProperty("left", `${left}px`);
    more.style.setProperty("top", `${Math.max(4, button.top - menu.height - 4)}px`);
  });
  // Escape closes it, and does nothing else.
  more.addEventListener("keydown", (event) => event.key === "Escape" && event.stopPropagation());
}

/** The tool bar of a viewer. */
export class Toolbar {
  #root;
  #viewer;
  #windows;
  #listed = null;

  constructor(root, viewer) {
    this.#root = root;
    this.#viewer = viewer;
    this.#windows = root.querySelector("[data-windows]");
    for (const button of root.querySelectorAll(".tools [data-act]")) {
      button.addEventListener("click", (event) => {
        viewer.act(button.dataset.act);
        // After a click the keys belong to the image again; after a key press on the button focus stays.
        if (event.detail) viewer.focus();
      });
    }
    placeMore(root);
    root.querySelector("[data-map-opacity] input").addEventListener("input", (event) => viewer.setOpacity(event.target.value / 100));
    root.querySelector("[data-stages]").addEventListener("change", (event) => viewer.toStage(event.target.value));
    this.#windows.addEventListener("change", () => this.#useWindow());
  }

  /** Show what is so now. */
  refresh() {
    const { mode, canDraw, pane, past } = this.#viewer;
    for (const button of this.#root.querySelectorAll("[data-tool]")) press(button, button.dataset.tool === mode);
    for (const button of this.#root.querySelectorAll("[data-draws]")) button.hidden = !canDraw;
    this.#enable("undo", past.canUndo);
    this.#enable("redo", past.canRedo);
    if (!pane) return;
    const isInverted = pane.isDrawn && pane.display.isInverted;
    press(this.#root.querySelector('[data-act="invert"]'), isInverted);
    press(this.#root.querySelector('[data-act="fullScreen"]'), Boolean(document.fullscreenElement));
    this.#refreshMap(pane.image);
    this.#refreshStages();
    this.#listWindows(pane);
  }

  // A disabled button would lose the focus of who has just pressed it.
  #enable(name, isEnabled) {
    this.#root.querySelector(`[data-act="${name}"]`).setAttribute("aria-disabled", String(!isEnabled));
  }

  #refreshMap(image) {
    const { map } = this.#viewer;
    const isOffered = Boolean(image?.map || image?.map_reason);
    const isOn = map.isOn && Boolean(image?.map);
    this.#root.dataset.map = isOn ? "on" : "off";
    this.#root.querySelector("[data-map-tools]").hidden = !isOffered;
    this.#root.querySelector("[data-map-opacity]").hidden = !isOn;
    press(this.#root.querySelector('[data-act="toggleMap"]'), isOffered && map.isOn);
  }

  #refreshStages() {
    const { arrangement, words } = this.#viewer;
    const select = this.#root.querySelector("[data-stages]");
    const { stages } = arrangement;
    select.closest("label").hidden = stages.length < 2;
    if (select.dataset.listed !== stages.join()) {
      const named = { hung: words.stageHung, two: words.stageTwo, one: words.stageOne, prior: words.stagePrior };
      select.replaceChildren(...stages.map((stage) => new Option(named[stage], stage)));
      select.dataset.listed = stages.join();
    }
    select.value = arrangement.stage;
    this.#root.dataset.stage = arrangement.stage;
  }

  #listWindows(pane) {
    const windows = pane.isDrawn ? pane.display.windows : [];
    const { words } = this.#viewer;
    if (windows !== this.#listed) {
      const own = windows.map(({ name }, index) => new Option(name || (index ? `${words.window} ${index + 1}` : words.preset1), `file-${index}`));
      const presets = PRESETS.map((number) => new Option(words[`preset${number}`], `preset-${number}`));
      this.#windows.replaceChildren(new Option(words.windowOwn, ""), ...own, ...presets);
      this.#windows.hidden = !windows.length;
      this.#listed = windows;
    }
    const range = pane.display.view?.window;
    const index = windows.findIndex(({ lower, upper }) => lower === range?.lower && upper === range?.upper);
    this.#windows.value = index < 0 ? "" : `file-${index}`;
  }

  #useWindow() {
    const [kind, number] = this.#windows.value.split("-");
    if (kind === "preset") this.#viewer.act(`preset${number}`);
    else if (kind === "file") this.#viewer.useWindow(Number(number));
  }
}
