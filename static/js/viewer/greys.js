// What Cornerstone's graphics card does not know of DICOM's grey levels: modality tables, tables of interest, sigmoids.
//
// Such a radiograph's pixels are replaced by the values that its tables give, so that what is left to show is a window.
// The loader's own description leaves the tables out, so they are read from the data set.

const seen = new WeakSet();
const tabled = new WeakSet(); // whose pixels are shares of what is shown

const first = (value) => (Array.isArray(value) ? value[0] : value);

// A table from input to output, or null; its first input is signed where what goes into it may be.
function table(sequence, isSigned) {
  const item = first(sequence);
  const bytes = first(item?.LUTData);
  if (!bytes) return null;
  const entries = new Uint16Array(bytes);
  const [count, from, bits] = item.LUTDescriptor;
  const last = Math.min(entries.length, count || 65536) - 1;
  const start = isSigned && from > 0x7fff ? from - 65536 : from;
  const of = (value) => entries[Math.min(last, Math.max(0, Math.round(value) - start))];
  return { of, top: 2 ** bits - 1 };
}

// From a modality value to 0..1, or null where a linear window says it.
function interest(set, isAfterTable) {
  const [centre, width] = [Number(first(set.WindowCenter)), Number(first(set.WindowWidth))];
  if (width > 0) {
    if (first(set.VOILUTFunction) !== "SIGMOID") return null;
    return (value) => 1 / (1 + Math.exp((-4 * (value - centre)) / width));
  }
  const isSigned = !isAfterTable && (first(set.PixelRepresentation) === 1 || Number(first(set.RescaleIntercept)) < 0);
  const found = table(set.VOILUTSequence, isSigned);
  return found && ((value) => found.of(value) / found.top);
}

function brightest(pixels) {
  if (pixels instanceof Int16Array) return 0x7fff;
  return pixels.BYTES_PER_ELEMENT === 1 ? 0xff : 0xffff;
}

function replace(pixels, of) {
  const known = new Map();
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < pixels.length; i += 1) {
    const value = pixels[i];
    let made = known.get(value);
    if (made === undefined) known.set(value, (made = of(value)));
    pixels[i] = made;
    low = Math.min(low, made);
    high = Math.max(high, made);
  }
  return [low, high];
}

/** Return { slope, intercept } from a loaded instance's pixels to the values of its window: the loader has mostly rescaled them. */
export function scalingOf(loaded) {
  return loaded.preScale?.scaled ? { slope: 1, intercept: 0 } : { slope: loaded.slope || 1, intercept: loaded.intercept || 0 };
}

// Where the file names no window: everything that occurs, as the platform shows it.
function showAll(loaded) {
  const { slope, intercept } = scalingOf(loaded);
  const ends = [loaded.minPixelValue, loaded.maxPixelValue].map((value) => value * slope + intercept);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  Object.assign(loaded, { windowCenter: (low + high + 1) / 2, windowWidth: Math.max(1, high - low + 1) });
}

/** Make a loaded instance such that a window shows it as its file says; once, however often it is asked. */
export function settleGreys(loaded) {
  const set = loaded.data;
  if (!set || loaded.color || seen.has(loaded)) return;
  seen.add(loaded);
  // The loader takes the first letter of the name.
  loaded.voiLUTFunction = first(set.VOILUTFunction) === "LINEAR_EXACT" ? "LINEAR_EXACT" : "LINEAR";
  const isWindowed = Number(first(set.WindowWidth)) > 0;
  const modality = table(set.ModalityLUTSequence, first(set.PixelRepresentation) === 1);
  const shown = interest(set, Boolean(modality));
  if (!modality && !shown) {
    if (!isWindowed) showAll(loaded);
    return;
  }
  const pixels = loaded.getPixelData();
  const top = brightest(pixels);
  const valueOf = modality?.of ?? ((value) => value);
  const [low, high] = replace(pixels, shown ? (value) => Math.round(shown(valueOf(value)) * top) : valueOf);
  Object.assign(loaded, { minPixelValue: low, maxPixelValue: high });
  if (!shown && !isWindowed) showAll(loaded);
  if (shown) tabled.add(loaded);
  if (shown) Object.assign(loaded, { windowCenter: (top + 1) / 2, windowWidth: top + 1 });
}

/** Whether an instance's pixels were replaced by what its table of interest shows, so that its windows mean nothing more. */
export function isTabled(loaded) {
  return tabled.has(loaded);
}
