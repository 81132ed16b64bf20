// Cornerstone3D and its DICOM loader, started: megabytes that are fetched beside the images and not before them.
//
// Nothing but `core.js` imports this, and only when it is asked for.

import { cache, Enums, eventTarget, imageLoader, init as startCore, RenderingEngine } from "@cornerstonejs/core";
import { init as startLoader, wadouri } from "@cornerstonejs/dicom-image-loader";
import { previewId, registerPreviews } from "./preview.js";

startCore({ rendering: { webGlContextCount: 1 } });
startLoader({ maxWebWorkers: Math.max(1, Math.min(4, Math.floor((navigator.hardwareConcurrency || 2) / 2))) });
cache.setMaxCacheSize(1024 * 1024 * 1024);
registerPreviews();

export { cache, Enums, eventTarget, imageLoader, previewId, RenderingEngine, wadouri };
