"""DICOM at the platform's doors: what is kept of a header on the way in, and instances on the way out."""
