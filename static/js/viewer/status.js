// What a pane's status line says, and the same as data attributes: on the pane, and of the active one on #viewer, for
// styles and tests.

import { inWords } from "./orientation.js";

const MIRRORED = ["image", "ready", "drawn", "ww", "wc", "zoom", "rotation", "mirrored", "inverted", "boxes"];

function badge(element, name, isShown, text) {
  const found = element.querySelector(`[data-badge="${name}"]`);
  if (!found) return;
  found.hidden = !isShown;
  if (text !== undefined) found.textContent = text;
}

function sayView(element, display) {
  const { width, centre } = display.window;
  const { rotation, isMirrored } = display.orientation;
  Object.assign(element.dataset, {
    ww: Math.round(width),
    wc: Math.round(centre),
    zoom: Math.round(display.zoomPercent),
    rotation,
    mirrored: isMirrored,
    inverted: display.isInverted,
  });
  element.querySelector('[data-status="window"]').textContent = `${Math.round(width)}/${Math.round(centre)}`;
  element.querySelector('[data-status="zoom"]').textContent = Math.round(display.zoomPercent);
}

function sayBadges(element, display, words) {
  const { ready } = element.dataset;
  badge(element, "loading", ready === "loading");
  badge(element, "preview", ready === "preview" || ready === "failed");
  badge(element, "full", ready === "full");
  const { flip, degrees } = inWords(display?.orientation ?? { rotation: 0, isMirrored: false });
  badge(element, "inverted", Boolean(display?.isInverted));
  badge(element, "turned", degrees > 0, `${words.turned} ${degrees}°`);
  badge(element, "flipped", Boolean(flip), flip ? words[flip] : "");
}

function sayMap(element, image, map) {
  const isOn = map.isOn && Boolean(image.map);
  const name = element.querySelector(".stage__map-name");
  const reason = map.isOn && !image.map ? image.map_reason ?? "" : "";
  name.hidden = !isOn && !reason;
  if (isOn && image.map.name) element.querySelector("[data-map-name]").textContent = image.map.name;
  element.querySelector("[data-map-name]").hidden = !isOn;
  element.querySelector("[data-map-version]").textContent = isOn ? image.map.model_version ?? "" : reason;
}

/** Say the state of a pane on its stage. */
export function sayPane(pane, { words, map, marks }) {
  const { element, image } = pane;
  const display = pane.isDrawn ? pane.display : null;
  if (display) sayView(element, display);
  sayBadges(element, display, words);
  sayMap(element, image, map);
  element.dataset.boxes = image.prior ? 0 : marks.of(image.id).length;
  element.classList.toggle("stage--prior", Boolean(image.prior));
  const label = element.querySelector("[data-label]");
  label.textContent = image.prior ? `${words.prior} ${image.prior.date} · ${image.label}` : image.label;
  element.querySelector(".stage__label").hidden = false;
  element.setAttribute("aria-label", `${label.textContent}. ${words.help}`);
}

/** Say of the whole viewer what its active pane shows. */
export function sayActive(root, pane) {
  for (const name of MIRRORED) {
    if (name in pane.element.dataset) root.dataset[name] = pane.element.dataset[name];
    else delete root.dataset[name];
  }
}
