// Loads instances from DICOMweb as viewers of others do: metadata first, then the frame, by Cornerstone's own wadors loader.
import { imageLoader, init as startCore } from "@cornerstonejs/core";
import { init as startLoader, wadors } from "@cornerstonejs/dicom-image-loader";

startCore();
startLoader({ maxWebWorkers: 1 });

globalThis.loaded = async (address) => {
  const answer = await fetch(`${address}/metadata`, { headers: { Accept: "application/dicom+json" } });
  const [metadata] = await answer.json();
  const imageId = `wadors:${location.origin}${address}/frames/1`;
  wadors.metaDataManager.add(imageId, metadata);
  const image = await imageLoader.loadAndCacheImage(imageId);
  const { rows, columns, windowCenter, windowWidth, slope, intercept } = image;
  return { rows, columns, windowCenter, windowWidth, slope, intercept, pixels: Array.from(image.getPixelData()) };
};
