// Draws marks (solid, teal, people), measurements and the model's regions (violet; dotted where it suspects, solid where it
// is definite) over the image, as SVG that follows zoom, pan, turns and flips.

import { apply, bounds } from "./geometry.js";
import { measured } from "./lengths.js";

const NS = "http://www.w3.org/2000/svg";
const HANDLE = 7;
const CROSS = 7;

function make(name, attributes, text) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const fixed = (point) => point.map((value) => value.toFixed(1));

function corners(map, { x, y, width, height }) {
  return [apply(map, x, y), apply(map, x + width, y), apply(map, x + width, y + height), apply(map, x, y + height)];
}

function polygon(svg, map, box, attributes) {
  svg.append(make("polygon", { points: corners(map, box).map(fixed).join(" "), ...attributes }));
}

// Numbers stand outside the upper left of what is seen, however it is turned.
function number(svg, map, box, text, className) {
  const turned = { ...map, ...Object.fromEntries(["e", "f"].map((key, axis) => [key, apply(map, box.x, box.y)[axis]])) };
  const { left, top } = bounds(turned, box.width, box.height);
  svg.append(make("text", { class: className, x: left + 2, y: Math.max(12, top - 5) }, text));
}

/** Return the points by which a chosen box is resized: corners and middles of edges, as fractions of it. */
export const HANDLES = [[0, 0], [0.5, 0], [1, 0], [1, 0.5], [1, 1], [0.5, 1], [0, 1], [0, 0.5]];

function handle(svg, [x, y]) {
  const half = HANDLE / 2;
  svg.append(make("rect", { class: "box-handle", x: x - half, y: y - half, width: HANDLE, height: HANDLE }));
}

function drawBox(svg, map, index, box, isChosen) {
  polygon(svg, map, box, { class: "box-halo" });
  polygon(svg, map, box, { class: isChosen ? "box is-chosen" : "box", "data-box": index });
  number(svg, map, box, index + 1, "box-number");
  if (isChosen) for (const [u, v] of HANDLES) handle(svg, apply(map, box.x + u * box.width, box.y + v * box.height));
}

function drawPoint(svg, map, index, mark, isChosen) {
  const [x, y] = apply(map, mark.x, mark.y);
  const d = `M${x - CROSS} ${y}H${x + CROSS}M${x} ${y - CROSS}V${y + CROSS}`;
  svg.append(make("path", { class: "box-halo", d }));
  svg.append(make("path", { class: isChosen ? "point is-chosen" : "point", d, "data-box": index }));
  if (isChosen) svg.append(make("circle", { class: "point is-chosen", cx: x, cy: y, r: CROSS + 4 }));
  svg.append(make("text", { class: "box-number", x: x + CROSS + 3, y: y - 5 }, index + 1));
}

function drawMeasurement(svg, map, measurement, { image, words, isChosen }) {
  const points = measurement.points.map(([x, y]) => apply(map, x, y));
  const line = points.map(fixed).join(" ");
  svg.append(make("polyline", { class: "measure-halo", points: line }));
  svg.append(make("polyline", { class: isChosen ? "measure is-chosen" : "measure", points: line }));
  for (const [x, y] of points) svg.append(make("circle", { class: "measure-end", cx: x, cy: y, r: isChosen ? 5 : 3 }));
  const isWhole = points.length === (measurement.kind === "angle" ? 3 : 2);
  if (!isWhole) return;
  const [x, y] = points[1];
  svg.append(make("text", { class: "measure-words", x: x + 8, y: y + 16 }, measured(measurement, image, words)));
}

function drawRegions(svg, map, image, { regions, isDefinite, chosen }) {
  for (const [index, [x0, y0, x1, y1]] of regions.entries()) {
    const [x, y] = [x0 * image.columns, y0 * image.rows];
    const box = { x, y, width: x1 * image.columns - x, height: y1 * image.rows - y };
    const classes = ["region", isDefinite ? "region--definite" : "", index === chosen ? "is-chosen" : ""];
    polygon(svg, map, box, { class: classes.join(" ").trim() });
    number(svg, map, box, `M${index + 1}`, "region-number");
  }
}

/**
 * Draw an image's marks anew.
 * `marks` and `measurements` are { list: [index, one], chosen }; `sketch` is what is being drawn or null; `regions` is
 * { regions: fractions of the radiograph, isDefinite, chosen }.
 */
export function drawMarks(svg, map, image, { marks, measurements, sketch, regions, words }) {
  svg.replaceChildren();
  if (!map) return;
  drawRegions(svg, map, image, regions);
  for (const [index, mark] of marks.list) {
    const draw = mark.kind === "point" ? drawPoint : drawBox;
    draw(svg, map, index, mark, index === marks.chosen);
  }
  for (const [index, one] of measurements.list) {
    drawMeasurement(svg, map, one, { image, words, isChosen: index === measurements.chosen });
  }
  if (sketch?.points) drawMeasurement(svg, map, sketch, { image, words, isChosen: true });
  else if (sketch) polygon(svg, map, sketch, { class: "box" });
}
