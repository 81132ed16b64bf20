"""The faces of DICOMweb: they parse a request, call one verb or selector, and render."""
