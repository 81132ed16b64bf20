// How a radiograph is turned and mirrored on the screen: one of eight ways, as { rotation, isMirrored }.
//
// A radiograph's point is first mirrored left to right (where isMirrored), then turned clockwise by the rotation. Flips
// are those of the screen: what is seen is flipped, however it is turned.

export const UPRIGHT = Object.freeze({ rotation: 0, isMirrored: false });

const turned = (degrees) => ((degrees % 360) + 360) % 360;

/** Return the orientation after a turn by degrees, clockwise. */
export function turn({ rotation, isMirrored }, degrees) {
  return { rotation: turned(rotation + degrees), isMirrored };
}

/** Return the orientation after what is seen was flipped left to right. */
export function flipAcross({ rotation, isMirrored }) {
  return { rotation: turned(-rotation), isMirrored: !isMirrored };
}

/** Return the orientation after what is seen was flipped top to bottom. */
export function flipDown({ rotation, isMirrored }) {
  return { rotation: turned(180 - rotation), isMirrored: !isMirrored };
}

/** Return the orientation that an affine map from radiograph to screen has. */
export function orientationOf(map) {
  const isMirrored = map.a * map.d - map.b * map.c < 0;
  const angle = (Math.atan2(map.b, map.a) * 180) / Math.PI;
  return { rotation: turned(Math.round((isMirrored ? angle - 180 : angle) / 90) * 90), isMirrored };
}

/** Return which words say the orientation: names of the viewer's words, and degrees where it is turned. */
export function inWords({ rotation, isMirrored }) {
  if (!isMirrored) return { flip: "", degrees: rotation };
  if (rotation === 0) return { flip: "flippedAcross", degrees: 0 };
  if (rotation === 180) return { flip: "flippedDown", degrees: 0 };
  return { flip: "flipped", degrees: rotation };
}
