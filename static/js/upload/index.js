// The upload page's entry.

/** Bind the upload form where the page has one. */
export function bindUpload() {}
