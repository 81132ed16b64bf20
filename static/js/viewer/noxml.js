// Stands in for the XML library that vtk.js's readers of surfaces ask for: half a megabyte that no radiograph needs.

/** Refuse: nothing on these pages reads or writes XML. */
export function create() {
  throw new Error("expected no XML, and it was left out of the viewer");
}
