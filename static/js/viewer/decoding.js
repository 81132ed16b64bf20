// The worker that decodes instances: the loader's own, told by its name which syntax will come first, so that its decoder
// is compiled while that instance is still on its way.

import "../../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/decodeImageFrameWorker.js";
import { initialize } from "../../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeJPEGLS.js";

const JPEG_LS = ["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"];

if (JPEG_LS.includes(self.name)) initialize().catch((error) => console.debug("the decoder was not ready ahead", error));
