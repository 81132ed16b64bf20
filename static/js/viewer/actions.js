// The one table of what the viewer can be told to do, by name: keys, buttons and tests all go through it.
//
// An action returns whether it did something. Those that change the study's marks or views can be undone.

import { presetOf } from "./levels.js";

const ZOOM_STEP = 1.25;

const tool = (mode) => (viewer) => viewer.chooseTool(mode);

// Something done to the active pane's view; nothing where no image is drawn.
const onView = (does) => (viewer) => {
  const pane = viewer.pane;
  if (!pane?.isDrawn) return false;
  does(pane.display, pane);
  return true;
};

const preset = (number) => onView((display) => display.setRange(presetOf(number, display)));

const toImage = (indexOf) => (viewer) => {
  const { pane } = viewer;
  return Boolean(pane) && pane.go(indexOf(pane.index, pane.stack.length));
};

// The chosen one after this, over the images of the study: the pane follows.
const mark = (by) => (viewer) => {
  const { all, chosen } = viewer.marks;
  if (!all.length) return false;
  viewer.goToMark(((chosen < 0 && by < 0 ? 0 : chosen) + by + all.length) % all.length);
  return true;
};

function deleteChosen({ marks, measurements, canDraw }) {
  if (canDraw && marks.chosen >= 0) return marks.remove(marks.chosen);
  return measurements.remove(measurements.chosen);
}

const ACTIONS = {
  windowTool: tool("window"),
  zoomTool: tool("zoom"),
  panTool: tool("pan"),
  boxTool: tool("box"),
  pointTool: tool("point"),
  lengthTool: tool("length"),
  angleTool: tool("angle"),
  magnifierTool: tool("magnifier"),
  rotateRight: onView((display) => display.rotate(90)),
  rotateLeft: onView((display) => display.rotate(-90)),
  flipHorizontal: onView((display) => display.flipHorizontal()),
  flipVertical: onView((display) => display.flipVertical()),
  invert: onView((display) => display.toggleInvert()),
  zoomIn: onView((display) => display.zoomBy(ZOOM_STEP)),
  zoomOut: onView((display) => display.zoomBy(1 / ZOOM_STEP)),
  fit: onView((display) => display.fit()),
  reset: onView((display) => display.reset()),
  preset1: preset(1),
  preset2: preset(2),
  preset3: preset(3),
  preset4: preset(4),
  preset5: preset(5),
  nextImage: toImage((index) => index + 1),
  previousImage: toImage((index) => index - 1),
  firstImage: toImage(() => 0),
  lastImage: toImage((_index, count) => count - 1),
  nextViewport: (viewer) => viewer.arrangement.stepPane(1),
  previousViewport: (viewer) => viewer.arrangement.stepPane(-1),
  nextStage: (viewer) => viewer.stepStage(1),
  previousStage: (viewer) => viewer.stepStage(-1),
  toggleMap: (viewer) => viewer.toggleMap(),
  nextRegion: (viewer) => Boolean(viewer.image && viewer.map.next(viewer.image)),
  nextMark: mark(1),
  previousMark: mark(-1),
  deleteChosen,
  cancel: (viewer) => viewer.cancel(),
  undo: (viewer) => viewer.past.undo(),
  redo: (viewer) => viewer.past.redo(),
  retry: (viewer) => Boolean(viewer.pane) && (viewer.pane.retry(), true),
  fullScreen: (viewer) => viewer.toggleFullScreen(),
};
/** What quick repetitions of become one step of undo. */
const COALESCED = ["zoomIn", "zoomOut"];
const UNKEPT = ["undo", "redo"];

/** The names of all actions. */
export const NAMES = Object.keys(ACTIONS);

/** Do what a name says; returns whether it did something. An unknown name is a mistake of the caller. */
export function act(viewer, name) {
  const does = ACTIONS[name];
  if (!does) throw new RangeError(`expected an action, received ${name}`);
  const isDone = Boolean(does(viewer));
  if (isDone && !UNKEPT.includes(name)) viewer.past.keep(COALESCED.includes(name) ? name : "");
  viewer.refresh();
  return isDone;
}
