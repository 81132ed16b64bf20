// What the status line says, and the same as data attributes on #viewer for styles and tests.

function badge(element, name, isShown) {
  const found = element.querySelector(`[data-badge="${name}"]`);
  if (found) found.hidden = !isShown;
}

function sayDisplay(element, display) {
  const { width, centre } = display.window;
  Object.assign(element.dataset, {
    ww: Math.round(width),
    wc: Math.round(centre),
    zoom: Math.round(display.zoomPercent),
    rotation: display.rotation,
    inverted: display.isInverted,
  });
  element.querySelector('[data-status="window"]').textContent = `${Math.round(width)}/${Math.round(centre)}`;
  element.querySelector('[data-status="zoom"]').textContent = Math.round(display.zoomPercent);
}

function sayMap(element, image, isOn) {
  element.dataset.map = isOn ? "on" : "off";
  element.querySelector("[data-map-tools]").hidden = !image.map;
  element.querySelector("[data-map-opacity]").hidden = !isOn;
  element.querySelector('[data-act="toggleMap"]').setAttribute("aria-pressed", String(isOn));
  element.querySelector(".stage__map-name").hidden = !isOn;
  if (isOn && image.map.name) element.querySelector("[data-map-name]").textContent = image.map.name;
  element.querySelector("[data-map-version]").textContent = isOn ? image.map.model_version ?? "" : "";
}

/** Say the state of the view; `display` is null while nothing is drawn yet. */
export function showStatus(element, { image, display, isMapOn, boxCount }) {
  const { ready } = element.dataset;
  badge(element, "loading", ready === "loading");
  badge(element, "preview", ready === "preview" || ready === "failed");
  badge(element, "full", ready === "full");
  if (display) sayDisplay(element, display);
  badge(element, "inverted", Boolean(display?.isInverted));
  badge(element, "turned", Boolean(display?.rotation));
  element.querySelector('[data-act="invert"]').setAttribute("aria-pressed", String(Boolean(display?.isInverted)));
  sayMap(element, image, isMapOn);
  element.dataset.boxes = boxCount;
  const label = element.querySelector(".stage__label");
  label.hidden = false;
  label.textContent = image.label;
}
