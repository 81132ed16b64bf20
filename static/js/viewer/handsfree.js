// Drawing and moving marks without a mouse: Shift and an arrow move the chosen mark, or put one down in the middle of the
// view where a tool that draws is chosen and no mark is; Ctrl or Cmd and an arrow resize it.

import { nudge } from "./editing.js";
import { PLACING } from "./tools.js";

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 4; // CSS pixels
const HALF = [50, 40];

/** Return the middle of a pane's stage. */
export function middleOf({ element }) {
  return [element.clientWidth / 2, element.clientHeight / 2];
}

// Put down in the middle of the view what a tool draws; returns whether it draws anything.
function putDown({ mode, pane, marks, measurements }) {
  if (!PLACING.includes(mode) || !pane.isDrawn || pane.image.prior) return false;
  const [x, y] = middleOf(pane);
  const at = (dx, dy) => pane.toImage([x + dx, y + dy]);
  const { id, columns, rows } = pane.image;
  const within = (value, high) => Math.min(high, Math.max(0, value));
  const xs = [at(-HALF[0], -HALF[1])[0], at(...HALF)[0]].map((value) => within(value, columns)).sort((p, q) => p - q);
  const ys = [at(-HALF[0], -HALF[1])[1], at(...HALF)[1]].map((value) => within(value, rows)).sort((p, q) => p - q);
  if (mode === "box") marks.add(id, { x: xs[0], y: ys[0], width: xs[1] - xs[0], height: ys[1] - ys[0] });
  else if (mode === "point") marks.add(id, { kind: "point", x: within(at(0, 0)[0], columns), y: within(at(0, 0)[1], rows) });
  else if (mode === "length") measurements.add(id, "length", [at(-HALF[0], 0), at(HALF[0], 0)]);
  else measurements.add(id, "angle", [at(-HALF[0], 0), at(0, 0), at(35, -35)]);
  return true;
}

/** Bind the arrows that move and resize the chosen mark; the page's own keys do not hear of them. */
export function bindArrows(root, viewer) {
  root.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const isResizing = event.ctrlKey || event.metaKey;
    if (!step || !(event.shiftKey || isResizing) || !viewer.pane || !event.target.closest(".stage")) return;
    const by = step.map((value) => value * STEP);
    const isMoved = viewer.canDraw && nudge(viewer.pane, by, { marks: viewer.marks, isResizing });
    if (!isMoved && (isResizing || !putDown(viewer))) return;
    event.preventDefault();
    event.stopPropagation();
    viewer.past.keep(isResizing ? "resize" : "move");
  });
}
