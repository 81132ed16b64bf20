// Whether somebody acts at this page: a pressed key or pointer, a turned wheel. A pointer that only moves is no act, and a
// tab left open over lunch none either, so that what was claimed there lapses.

let last = 0;

for (const name of ["pointerdown", "keydown", "wheel", "touchstart"]) {
  addEventListener(name, () => { last = Date.now(); }, { capture: true, passive: true });
}

/** Return whether somebody has acted since a moment, in milliseconds. */
export const actedSince = (moment) => last > moment;
