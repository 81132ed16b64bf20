// The fallback of the viewer: a preview PNG as a Cornerstone image, for instances that this browser cannot decode.
//
// The caller says so on the screen: a preview has 8 bits and a reduced size and is not for reading alone.

import { imageLoader, metaData } from "@cornerstonejs/core";

const SCHEME = "bonefrac-preview";
const planes = new Map();

async function pixelsOf(url) {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`expected a preview, received status ${answer.status}`);
  const bitmap = await createImageBitmap(await answer.blob());
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const rgba = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
  const grey = new Uint8Array(bitmap.width * bitmap.height);
  for (let i = 0; i < grey.length; i += 1) grey[i] = rgba[4 * i];
  return { grey, width: bitmap.width, height: bitmap.height };
}

function imageOf(imageId, { grey, width, height }) {
  return {
    imageId,
    minPixelValue: 0,
    maxPixelValue: 255,
    slope: 1,
    intercept: 0,
    windowCenter: 128,
    windowWidth: 256,
    voiLUTFunction: "LINEAR",
    getPixelData: () => grey,
    rows: height,
    columns: width,
    height,
    width,
    color: false,
    rgba: false,
    numberOfComponents: 1,
    columnPixelSpacing: 1,
    rowPixelSpacing: 1,
    invert: false,
    sizeInBytes: grey.byteLength,
    photometricInterpretation: "MONOCHROME2",
    dataType: "Uint8Array",
    imageFrame: {},
  };
}

function load(imageId) {
  const promise = pixelsOf(imageId.slice(SCHEME.length + 1)).then((pixels) => {
    planes.set(imageId, pixels);
    return imageOf(imageId, pixels);
  });
  return { promise };
}

function describe(type, imageId) {
  const plane = planes.get(imageId);
  if (!plane) return undefined;
  if (type === "imagePixelModule") {
    return {
      samplesPerPixel: 1,
      photometricInterpretation: "MONOCHROME2",
      rows: plane.height,
      columns: plane.width,
      bitsAllocated: 8,
      bitsStored: 8,
      highBit: 7,
      pixelRepresentation: 0,
    };
  }
  if (type === "imagePlaneModule") {
    return {
      rows: plane.height,
      columns: plane.width,
      rowPixelSpacing: 1,
      columnPixelSpacing: 1,
      rowCosines: [1, 0, 0],
      columnCosines: [0, 1, 0],
      imagePositionPatient: [0, 0, 0],
      imageOrientationPatient: [1, 0, 0, 0, 1, 0],
    };
  }
  return type === "generalSeriesModule" ? { modality: "OT" } : undefined;
}

/** Teach Cornerstone to load previews. */
export function registerPreviews() {
  imageLoader.registerImageLoader(SCHEME, load);
  metaData.addProvider(describe, 1);
}

/** Return the Cornerstone id of a preview's address. */
export function previewId(url) {
  return `${SCHEME}:${new URL(url, location.href).href}`;
}
