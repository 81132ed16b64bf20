// The worker that decodes instances: the loader's own. The first of a page is started before the page's scripts know what
// to do with it, and meanwhile makes ready what the first picture would otherwise wait for: the decoder of its transfer
// syntax, told by the worker's name ("first 1.2.840..."), and the browser's graphics, whose first use takes long.

import "../../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/decodeImageFrameWorker.js";
import { initialize } from "../../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeJPEGLS.js";

const JPEG_LS = ["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"];
const UNTIL_THE_PAGE_HAS_ITS_OWN_MS = 5000;

const [isFirst, syntax] = self.name.split(" ");
if (JPEG_LS.includes(syntax)) initialize().catch((error) => console.debug("the decoder was not ready ahead", error));
if (isFirst) {
  const graphics = new OffscreenCanvas(1, 1).getContext("webgl2");
  setTimeout(() => graphics?.getExtension("WEBGL_lose_context")?.loseContext(), UNTIL_THE_PAGE_HAS_ITS_OWN_MS);
}
