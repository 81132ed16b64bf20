// Takes hold of what is drawn: which mark or measurement lies under the pointer, and moving or resizing it.

import { apply } from "./geometry.js";
import { HANDLES } from "./drawing.js";
import { pointOn } from "./tools.js";

const NEAR = 9; // CSS pixels
const SMALLEST = 2; // pixels of the radiograph

const distance = (p, q) => Math.hypot(p[0] - q[0], p[1] - q[1]);

function toLine(at, one, other) {
  const [dx, dy] = [other[0] - one[0], other[1] - one[1]];
  const share = ((at[0] - one[0]) * dx + (at[1] - one[1]) * dy) / Math.max(1e-9, dx * dx + dy * dy);
  const along = Math.min(1, Math.max(0, share));
  return distance(at, [one[0] + along * dx, one[1] + along * dy]);
}

function outline({ x, y, width, height }) {
  return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]];
}

function nearLine(at, map, points, isClosed) {
  const shown = points.map((point) => apply(map, ...point));
  const ends = isClosed ? [...shown.slice(1), shown[0]] : shown.slice(1);
  return ends.some((end, index) => toLine(at, shown[index], end) < NEAR);
}

function handleOf(mark, map, at) {
  return HANDLES.find(([u, v]) => distance(apply(map, mark.x + u * mark.width, mark.y + v * mark.height), at) < NEAR);
}

// The box after one of its handles went to a point; what is dragged past the other side turns over.
function resized({ x, y, width, height }, [u, v], [px, py]) {
  const side = (from, size, share, to) => {
    if (share === 0.5) return [from, from + size];
    return share === 0 ? [to, from + size] : [from, to];
  };
  const [x0, x1] = side(x, width, u, px).sort((p, q) => p - q);
  const [y0, y1] = side(y, height, v, py).sort((p, q) => p - q);
  return { x: x0, y: y0, width: Math.max(SMALLEST, x1 - x0), height: Math.max(SMALLEST, y1 - y0) };
}

function movedBy({ x, y, width, height }, dx, dy, image) {
  const within = (value, size, high) => Math.min(high - size, Math.max(0, value));
  return { x: within(x + dx, width, image.columns), y: within(y + dy, height, image.rows), width, height };
}

function grabMark(pane, at, marks) {
  const mark = marks.all[marks.chosen];
  if (!mark || pane.image.prior || String(mark.image) !== String(pane.image.id)) return null;
  const map = pane.transform;
  const was = { x: mark.x, y: mark.y, width: mark.width, height: mark.height };
  const found = mark.kind === "box" ? handleOf(mark, map, at) : null;
  const index = marks.chosen;
  if (found) return (now) => marks.place(index, resized(was, found, pointOn(pane, now)));
  const isNear = mark.kind === "box" ? nearLine(at, map, outline(mark), true) : distance(apply(map, mark.x, mark.y), at) < NEAR;
  if (!isNear) return null;
  const start = pane.toImage(at);
  return (now) => {
    const to = pane.toImage(now);
    marks.place(index, movedBy(was, to[0] - start[0], to[1] - start[1], pane.image));
  };
}

function grabMeasurement(pane, at, measurements) {
  const map = pane.transform;
  for (const [index, { points }] of measurements.of(pane.image.id)) {
    const end = points.findIndex((point) => distance(apply(map, ...point), at) < NEAR);
    if (end < 0) continue;
    measurements.choose(index);
    return (now) => measurements.place(index, end, pointOn(pane, now));
  }
  return null;
}

/** Return what dragging from a stage point moves, as a function of the pointer's place, or null. */
export function grab(pane, at, { marks, measurements, canDraw }) {
  if (!pane.transform) return null;
  return (canDraw && grabMark(pane, at, marks)) || grabMeasurement(pane, at, measurements);
}

/** Return the index of the smallest mark under a stage point, -1 where there is none. */
export function markAt(pane, at, marks) {
  const map = pane.transform;
  const point = pane.toImage(at);
  if (!point || pane.image.prior) return -1;
  const [x, y] = point;
  const isHit = (mark) => {
    if (mark.kind === "point") return distance(apply(map, mark.x, mark.y), at) < NEAR;
    return (x >= mark.x && x <= mark.x + mark.width && y >= mark.y && y <= mark.y + mark.height) || nearLine(at, map, outline(mark), true);
  };
  const hits = marks.of(pane.image.id).filter(([, mark]) => isHit(mark));
  hits.sort(([, one], [, other]) => one.width * one.height - other.width * other.height);
  return hits[0]?.[0] ?? -1;
}

/** Return the index of the measurement whose line runs under a stage point, -1 where there is none. */
export function measurementAt(pane, at, measurements) {
  const map = pane.transform;
  const found = map && measurements.of(pane.image.id).find(([, { points }]) => nearLine(at, map, points, false));
  return found ? found[0] : -1;
}

/** Move or resize the chosen mark by a step of CSS pixels, as the screen shows it. */
export function nudge(pane, [dx, dy], { marks, isResizing }) {
  const mark = marks.all[marks.chosen];
  if (!mark || !pane.transform || String(mark.image) !== String(pane.image.id)) return false;
  const centre = apply(pane.transform, mark.x, mark.y);
  const to = pane.toImage([centre[0] + dx, centre[1] + dy]);
  const [mx, my] = [to[0] - mark.x, to[1] - mark.y];
  if (isResizing && mark.kind === "box") {
    const corner = [mark.x + mark.width + mx, mark.y + mark.height + my];
    const [x, y] = [Math.max(mark.x + SMALLEST, Math.min(pane.image.columns, corner[0])), Math.max(mark.y + SMALLEST, Math.min(pane.image.rows, corner[1]))];
    marks.place(marks.chosen, resized(mark, [1, 1], [x, y]));
  } else marks.place(marks.chosen, movedBy(mark, mx, my, pane.image));
  return true;
}
