// What a drag over the image does in each mode. Points are CSS pixels in the stage; marks are in pixels of the radiograph.
//
// A tool has `move(pane, drag)` and `end(pane, drag)`, where drag is { from, before, now, isClick }.

import { boxBetween } from "./geometry.js";

export const MODES = ["window", "zoom", "pan", "box", "point", "length", "angle", "magnifier"];
/** Modes that leave something behind which is signed. */
export const DRAWING = ["box", "point"];
/** Modes that leave something behind at all. */
export const PLACING = [...DRAWING, "length", "angle"];

const clamp = (value, high) => Math.min(high, Math.max(0, value));

/** Return the radiograph's point under a stage point, cut to the radiograph; null while nothing is drawn. */
export function pointOn(pane, at) {
  const point = pane.toImage(at);
  return point && [clamp(point[0], pane.image.columns), clamp(point[1], pane.image.rows)];
}

function boxOf(pane, { from, now }) {
  const [one, other] = [pane.toImage(from), pane.toImage(now)];
  return one && other && boxBetween(one, other, pane.image.columns, pane.image.rows);
}

function sketch(pane, what) {
  pane.sketch = what;
  pane.redraw();
}

const box = {
  move: (pane, drag) => sketch(pane, boxOf(pane, drag)),
  end(pane, drag, viewer) {
    const drawn = boxOf(pane, drag);
    sketch(pane, null);
    if (drag.isClick) return viewer.choose(pane, drag.now);
    if (drawn && drawn.width >= 1 && drawn.height >= 1) viewer.marks.add(pane.image.id, drawn);
  },
};

const point = {
  move: () => {},
  end(pane, { now, isClick }, viewer) {
    const at = isClick && pointOn(pane, now);
    if (at) viewer.marks.add(pane.image.id, { kind: "point", x: at[0], y: at[1] });
  },
};

const length = {
  move: (pane, { from, now }) => sketch(pane, { kind: "length", points: [pointOn(pane, from), pointOn(pane, now)] }),
  end(pane, { from, now, isClick }, viewer) {
    sketch(pane, null);
    if (isClick) return viewer.choose(pane, now);
    viewer.measurements.add(pane.image.id, "length", [pointOn(pane, from), pointOn(pane, now)]);
  },
};

// One leg by a drag, the other by a second drag or a click: the second leg begins at the first's end.
const angle = {
  move(pane, { from, now }) {
    const open = pane.sketch?.isOpen ? pane.sketch.points.slice(0, 2) : null;
    const points = open ? [...open, pointOn(pane, now)] : [pointOn(pane, from), pointOn(pane, now)];
    sketch(pane, { kind: "angle", points, isOpen: Boolean(open) });
  },
  end(pane, { from, now, isClick }, viewer) {
    const open = pane.sketch?.isOpen ? pane.sketch.points.slice(0, 2) : null;
    if (open) {
      sketch(pane, null);
      viewer.measurements.add(pane.image.id, "angle", [...open, pointOn(pane, now)]);
    } else if (isClick) viewer.choose(pane, now);
    else sketch(pane, { kind: "angle", points: [pointOn(pane, from), pointOn(pane, now)], isOpen: true });
  },
};

const view = (move) => ({ move, end: (pane, { now, isClick }, viewer) => isClick && viewer.choose(pane, now) });

/** The tools by mode. */
export const TOOLS = {
  window: view((pane, { before, now }) => pane.display.dragWindow(now[0] - before[0], now[1] - before[1])),
  pan: view((pane, { before, now }) => pane.display.panBy(now[0] - before[0], now[1] - before[1])),
  zoom: view((pane, { from, before, now }) => pane.display.zoomBy(Math.exp((before[1] - now[1]) / 150), from)),
  magnifier: view((pane, { now }) => pane.lens.hold(now)),
  box,
  point,
  length,
  angle,
};
