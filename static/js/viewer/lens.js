// The magnifier: a round glass over the image that shows the radiograph's own pixels larger, at full depth.
//
// Not a blown-up picture of the screen: the values are read anew, so that what the screen had to leave out is seen.

import { apply, invert, scaleOf } from "./geometry.js";
import { scalingOf } from "./greys.js";

const SIZE = 220; // CSS pixels, and at most this share of a small stage
const SHARE = 0.6;
const TIMES = 3;

function shadeOf(pixels) {
  const { loaded, range, isInverted } = pixels;
  const { slope, intercept } = scalingOf(loaded);
  const span = Math.max(1e-9, range.upper - range.lower);
  return (value) => {
    const share = Math.min(1, Math.max(0, (value * slope + intercept - range.lower) / span));
    return (isInverted ? 1 - share : share) * 255;
  };
}

// The value between pixels, each pixel's centre at .5.
function valueAt(values, columns, rows, x, y) {
  const [u, v] = [Math.min(columns - 1, Math.max(0, x - 0.5)), Math.min(rows - 1, Math.max(0, y - 0.5))];
  const [i, j] = [Math.floor(u), Math.floor(v)];
  const [right, below] = [Math.min(columns - 1, i + 1), Math.min(rows - 1, j + 1)];
  const [s, t] = [u - i, v - j];
  const top = values[j * columns + i] * (1 - s) + values[j * columns + right] * s;
  return top * (1 - t) + (values[below * columns + i] * (1 - s) + values[below * columns + right] * s) * t;
}

/** A pane's magnifier; `at` is the point of the stage it stands over, null while it is put away. */
export class Lens {
  #canvas;
  #pane;
  #at = null;

  constructor(canvas, pane) {
    this.#canvas = canvas;
    this.#pane = pane;
  }

  get at() {
    return this.#at;
  }

  /** Hold the glass over a point of the stage; null puts it away. */
  hold(at) {
    this.#at = at;
    this.#canvas.hidden = !at;
    this.#pane.redraw();
  }

  draw() {
    const map = this.#at && this.#pane.transform;
    this.#canvas.hidden = !map;
    if (!map) return;
    const ratio = devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.#pane.element;
    const size = Math.min(SIZE, SHARE * Math.min(clientWidth, clientHeight));
    const side = Math.round(size * ratio);
    if (this.#canvas.width !== side) Object.assign(this.#canvas, { width: side, height: side });
    const [x, y] = this.#at;
    const { style } = this.#canvas;
    style.setProperty("width", `${size}px`);
    style.setProperty("height", `${size}px`);
    style.setProperty("left", `${x - size / 2}px`);
    style.setProperty("top", `${y - size / 2}px`);
    this.#fill(map, side, TIMES * ratio * Math.max(1, 0.5 / scaleOf(map)));
  }

  #fill(map, side, times) {
    const { display, image } = this.#pane;
    const { pixels } = display;
    const { loaded, columns, rows } = pixels;
    const values = loaded.getPixelData();
    const shade = shadeOf(pixels);
    const back = invert(map);
    const [fx, fy] = [columns / image.columns, rows / image.rows];
    const context = this.#canvas.getContext("2d");
    const picture = context.createImageData(side, side);
    const { data } = picture;
    for (let row = 0, k = 0; row < side; row += 1) {
      for (let column = 0; column < side; column += 1, k += 4) {
        const [x, y] = apply(back, this.#at[0] + (column + 0.5 - side / 2) / times, this.#at[1] + (row + 0.5 - side / 2) / times);
        const isInside = x >= 0 && y >= 0 && x < image.columns && y < image.rows;
        data[k] = data[k + 1] = data[k + 2] = isInside ? shade(valueAt(values, columns, rows, x * fx, y * fy)) : 0;
        data[k + 3] = 255;
      }
    }
    context.putImageData(picture, 0, 0);
  }
}
