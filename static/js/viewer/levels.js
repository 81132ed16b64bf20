// Which windows a radiograph can be shown with: the file's own, and presets taken from its own grey levels.
//
// A radiograph has no common unit as CT has, so that presets are shares of the range in which nearly all pixels lie.

import { isTabled, scalingOf } from "./greys.js";

const BINS = 4096;
const SAMPLES = 400_000;
const NEARLY_ALL = [0.005, 0.995];
/** Where a preset's window lies in that range, from dark to bright: bone, soft tissue, contrast. */
const PRESETS = { 3: [0.35, 1], 4: [0.02, 0.6], 5: [0.25, 0.75] };
const ranges = new WeakMap();

function histogram(loaded) {
  const pixels = loaded.getPixelData();
  const { slope, intercept } = scalingOf(loaded);
  const low = loaded.minPixelValue * slope + intercept;
  const span = Math.max(1e-9, (loaded.maxPixelValue - loaded.minPixelValue) * slope);
  const counts = new Uint32Array(BINS);
  const step = Math.max(1, Math.floor(pixels.length / SAMPLES));
  let total = 0;
  for (let i = 0; i < pixels.length; i += step, total += 1) {
    const at = Math.floor(((pixels[i] * slope + intercept - low) / span) * BINS);
    counts[Math.min(BINS - 1, Math.max(0, at))] += 1;
  }
  return { counts, total, low, span };
}

function valueAt({ counts, total, low, span }, share) {
  let seen = 0;
  for (let bin = 0; bin < BINS; bin += 1) {
    seen += counts[bin];
    if (seen >= share * total) return low + ((bin + (share > 0 ? 1 : 0)) / BINS) * span;
  }
  return low + span;
}

function rangeOf(loaded) {
  if (!ranges.has(loaded)) {
    const known = histogram(loaded);
    ranges.set(loaded, NEARLY_ALL.map((share) => valueAt(known, share)));
  }
  return ranges.get(loaded);
}

// PS3.3 C.11.2.1.2: a linear window ends half a grey level inside of what its width says.
function between(centre, width, isExact) {
  const half = (isExact ? width : width - 1) / 2;
  const middle = isExact ? centre : centre - 0.5;
  return { lower: middle - half, upper: middle + half };
}

/** Return [{ name, lower, upper }]: what the canvas shows first, then the file's further windows. */
export function windowsOf(image, loaded, first) {
  const [own, ...more] = image.windows ?? [];
  // Pixels that a table has replaced are no longer in the unit in which the file names its windows.
  const further = isTabled(loaded) ? [] : more;
  const isExact = loaded.voiLUTFunction === "LINEAR_EXACT";
  const named = further.map(({ name, centre, width }) => ({ name, ...between(centre, width, isExact) }));
  return [{ name: own?.name ?? "", ...first }, ...named];
}

/** Return the window of a preset, 1 to 5, of what a display shows: the file's, all greys, bone, soft tissue, contrast. */
export function presetOf(number, display) {
  if (number === 1) return display.windows[0];
  const { loaded } = display.pixels;
  const { slope, intercept } = scalingOf(loaded);
  if (number === 2) return { lower: loaded.minPixelValue * slope + intercept, upper: loaded.maxPixelValue * slope + intercept };
  const [low, high] = rangeOf(loaded);
  // Where low values are meant bright, the bright share lies at the low end.
  const [from, to] = loaded.invert ? PRESETS[number].map((share) => 1 - share).reverse() : PRESETS[number];
  const lower = low + (high - low) * from;
  return { lower, upper: Math.max(lower + 1, low + (high - low) * to) };
}
