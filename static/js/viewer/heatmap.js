// The map of a model: small, grey, coloured violet and laid over the radiograph. Off until it is asked for.
//
// The map covers the model's input; content_box says which part of it is the radiograph, so borders are not drawn.

const VIOLET = [183, 156, 244];
const BRIGHT = [221, 178, 255];
const FINE = 256;

async function picture(url) {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`expected a map, received status ${answer.status}`);
  return createImageBitmap(await answer.blob());
}

// Small maps are enlarged smoothly first and coloured afterwards: colouring first would blend colours, not values.
function enlarge(bitmap) {
  const canvas = new OffscreenCanvas(Math.max(FINE, bitmap.width), Math.max(FINE, bitmap.height));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return { canvas, context };
}

/** Return a canvas whose colour runs from clear over violet to bright violet with the map's value. */
export async function colouredMap(url) {
  const { canvas, context } = enlarge(await picture(url));
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const { data } = pixels;
  for (let i = 0; i < data.length; i += 4) {
    const value = data[i] / 255;
    const bright = Math.max(0, (value - 0.7) / 0.3);
    for (let channel = 0; channel < 3; channel += 1) {
      data[i + channel] = VIOLET[channel] + (BRIGHT[channel] - VIOLET[channel]) * bright;
    }
    data[i + 3] = 255 * value;
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** Draw a coloured map over the radiograph on an overlay canvas; without a map, clear it. */
export function drawMap(overlay, map, image, coloured, contentBox, opacity) {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [Math.round(overlay.clientWidth * ratio), Math.round(overlay.clientHeight * ratio)];
  if (overlay.width !== width || overlay.height !== height) Object.assign(overlay, { width, height });
  const context = overlay.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  if (!coloured || !map) return;
  const [x0, y0, x1, y1] = contentBox;
  context.setTransform(map.a * ratio, map.b * ratio, map.c * ratio, map.d * ratio, map.e * ratio, map.f * ratio);
  context.globalAlpha = opacity;
  context.imageSmoothingQuality = "high";
  const [w, h] = [coloured.width, coloured.height];
  context.drawImage(coloured, x0 * w, y0 * h, (x1 - x0) * w, (y1 - y0) * h, 0, 0, image.columns, image.rows);
}
