import "@cornerstonejs/core"; import "@cornerstonejs/dicom-image-loader"; export function openViewer() {}
