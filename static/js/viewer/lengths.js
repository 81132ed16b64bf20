// Lengths and angles on a radiograph, in the unit that its file allows: nobody is told millimetres that nobody calibrated.
//
// `spacing` is null or { row, column, kind }: millimetres between rows and between columns, of the patient's plane or of
// the detector's, which shows everything larger than it is by an unknown factor. `aspect`, height to width of a pixel,
// is for angles where there is no spacing.

/** Return a length in mm or pixels, as { value, unit: "mm" | "detector" | "px" }. */
export function lengthOf([[x0, y0], [x1, y1]], { spacing, aspect = 1 }) {
  if (!spacing) return { value: Math.hypot(x1 - x0, (y1 - y0) * aspect), unit: "px" };
  const value = Math.hypot((x1 - x0) * spacing.column, (y1 - y0) * spacing.row);
  return { value, unit: spacing.kind === "patient" ? "mm" : "detector" };
}

/** Return the angle at the middle one of three points, in degrees 0 to 180, as it is in the plane and not in pixels. */
export function angleOf([one, corner, other], { spacing, aspect = 1 }) {
  const [sx, sy] = spacing ? [spacing.column, spacing.row] : [1, aspect];
  const [ax, ay] = [(one[0] - corner[0]) * sx, (one[1] - corner[1]) * sy];
  const [bx, by] = [(other[0] - corner[0]) * sx, (other[1] - corner[1]) * sy];
  return (Math.abs(Math.atan2(ax * by - ay * bx, ax * bx + ay * by)) * 180) / Math.PI;
}

/** Return a measurement in words; `words` has what the units are called. */
export function measured({ kind, points }, image, words) {
  if (kind === "angle") return `${angleOf(points, image).toFixed(1)}°`;
  const { value, unit } = lengthOf(points, image);
  const name = { mm: words.mm, detector: words.detector, px: words.px }[unit];
  return `${value.toFixed(unit === "px" ? 0 : 1)} ${name}`;
}
