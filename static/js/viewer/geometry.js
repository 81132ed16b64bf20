// Plane geometry between a radiograph's pixels and the screen.
//
// Radiograph coordinates: x along the columns, y down the rows, 0,0 at the upper left CORNER of the first pixel, so a
// pixel's centre lies at .5 and a box's width is a count of pixels. Screen coordinates: CSS pixels in the stage.
// An affine map is { a, b, c, d, e, f } as in canvas: screen = (a x + c y + e, b x + d y + f).

/** Return the affine map that takes 0,0 to origin, 1,0 to right and 0,1 to down (points are [x, y]). */
export function affine(origin, right, down) {
  return {
    a: right[0] - origin[0],
    b: right[1] - origin[1],
    c: down[0] - origin[0],
    d: down[1] - origin[1],
    e: origin[0],
    f: origin[1],
  };
}

/** Return where the map takes a point. */
export function apply(map, x, y) {
  return [map.a * x + map.c * y + map.e, map.b * x + map.d * y + map.f];
}

/** Return the inverse map; a map without area has none and throws. */
export function invert(map) {
  const det = map.a * map.d - map.b * map.c;
  if (!det) throw new RangeError("expected a map with an area, received one without");
  const a = map.d / det;
  const b = -map.b / det;
  const c = -map.c / det;
  const d = map.a / det;
  return { a, b, c, d, e: -(a * map.e + c * map.f), f: -(b * map.e + d * map.f) };
}

/** Return how many CSS pixels one radiograph pixel's side takes. */
export function scaleOf(map) {
  return Math.sqrt(Math.abs(map.a * map.d - map.b * map.c));
}

/** Return the axis-parallel rectangle around what the map makes of 0,0 .. columns,rows. */
export function bounds(map, columns, rows) {
  const corners = [apply(map, 0, 0), apply(map, columns, 0), apply(map, 0, rows), apply(map, columns, rows)];
  const xs = corners.map((corner) => corner[0]);
  const ys = corners.map((corner) => corner[1]);
  const left = Math.min(...xs);
  const top = Math.min(...ys);
  return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

/** Return the box between two points, cut to the radiograph. */
export function boxBetween(one, other, columns, rows) {
  const clamp = (value, high) => Math.min(high, Math.max(0, value));
  const [x0, x1] = [clamp(one[0], columns), clamp(other[0], columns)].sort((p, q) => p - q);
  const [y0, y1] = [clamp(one[1], rows), clamp(other[1], rows)].sort((p, q) => p - q);
  return { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
}
