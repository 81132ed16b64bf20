// Draws boxes (solid, teal, people) and the model's regions (dotted, violet) over the image, as SVG polygons that follow
// zoom, pan and rotation.

import { apply } from "./geometry.js";

const NS = "http://www.w3.org/2000/svg";

function make(name, attributes) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function corners(map, { x, y, width, height }) {
  return [
    apply(map, x, y),
    apply(map, x + width, y),
    apply(map, x + width, y + height),
    apply(map, x, y + height),
  ].map((point) => point.map((value) => value.toFixed(1)));
}

function drawBox(svg, map, index, box, number, isChosen) {
  const points = corners(map, box);
  svg.append(make("polygon", { class: "box-halo", points: points.join(" ") }));
  const polygon = make("polygon", { class: isChosen ? "box is-chosen" : "box", points: points.join(" "), "data-box": index });
  svg.append(polygon);
  const [x, y] = points[0];
  const text = make("text", { class: "box-number", x: Number(x) + 4, y: Number(y) - 5 });
  text.textContent = number;
  svg.append(text);
}

/**
 * Draw an image's marks anew.
 * `boxes` are [index, box]; `draft` is a box being drawn or null; `regions` are fractions of the radiograph.
 */
export function drawMarks(svg, map, image, { boxes, chosen, draft, regions }) {
  svg.replaceChildren();
  if (!map) return;
  for (const [x0, y0, x1, y1] of regions) {
    const box = {
      x: x0 * image.columns,
      y: y0 * image.rows,
      width: (x1 - x0) * image.columns,
      height: (y1 - y0) * image.rows,
    };
    svg.append(make("polygon", { class: "region", points: corners(map, box).join(" ") }));
  }
  for (const [index, box] of boxes) drawBox(svg, map, index, box, index + 1, index === chosen);
  if (draft) svg.append(make("polygon", { class: "box", points: corners(map, draft).join(" ") }));
}
