// Cornerstone3D and its DICOM loader, started: megabytes that are fetched beside the images and not before them.
//
// Nothing but `core.js` imports this, and only when it is asked for.

import { cache, Enums, eventTarget, getWebWorkerManager, imageLoader, init as startCore, metaData, RenderingEngine } from "@cornerstonejs/core";
import * as wadouri from "@cornerstonejs/dicom-image-loader/wadouri";
import { decoder } from "./core.js";
import { previewId, registerPreviews } from "./preview.js";

startCore({ rendering: { webGlContextCount: 1 } });
// The loader's own start would bring up workers of its own, after everything else.
wadouri.register();
const maxWorkerInstances = Math.max(1, Math.min(4, Math.floor((navigator.hardwareConcurrency || 2) / 2)));
getWebWorkerManager().registerWorker("dicomImageLoader", decoder, { maxWorkerInstances });
cache.setMaxCacheSize(1024 * 1024 * 1024);
registerPreviews();

const stretched = new Map(); // id of the loader -> what is said of its plane
const BEFORE_THE_FILE = 10_000;
metaData.addProvider((type, imageId) => (type === "imagePlaneModule" ? stretched.get(imageId) : undefined), BEFORE_THE_FILE);

/** Have an instance shown with pixels that are higher than wide, or wider: Cornerstone reads spacings only. */
export function stretch(imageId, { rows, columns, aspect = 1 }) {
  if (aspect === 1) return;
  stretched.set(imageId, {
    rows,
    columns,
    rowPixelSpacing: aspect,
    columnPixelSpacing: 1,
    rowCosines: [1, 0, 0],
    columnCosines: [0, 1, 0],
    imagePositionPatient: [0, 0, 0],
    imageOrientationPatient: [1, 0, 0, 0, 1, 0],
  });
}

export { cache, Enums, eventTarget, imageLoader, previewId, RenderingEngine, wadouri };
