"""What the listener speaks: verification, and the storage classes that hold single-frame radiographs.

Every other class (CT, MR, ultrasound, multi-frame, reports) is not negotiated: the sender learns it before a byte of
the image travels, in the words of its own log ("abstract syntax not supported").
"""

from __future__ import annotations

from typing import Final

from pynetdicom.presentation import PresentationContext, build_context

VERIFICATION: Final = "1.2.840.10008.1.1"
STORAGE_CLASSES: Final = {
    "1.2.840.10008.5.1.4.1.1.1": "Computed Radiography Image Storage",
    "1.2.840.10008.5.1.4.1.1.1.1": "Digital X-Ray Image Storage - For Presentation",
    "1.2.840.10008.5.1.4.1.1.1.1.1": "Digital X-Ray Image Storage - For Processing",
    "1.2.840.10008.5.1.4.1.1.7": "Secondary Capture Image Storage",
    "1.2.840.10008.5.1.4.1.1.12.1": "X-Ray Angiographic Image Storage",
    "1.2.840.10008.5.1.4.1.1.12.2": "X-Ray Radiofluoroscopic Image Storage",
}
UNCOMPRESSED: Final = {
    "1.2.840.10008.1.2.1": "Explicit VR Little Endian",
    "1.2.840.10008.1.2": "Implicit VR Little Endian",
    "1.2.840.10008.1.2.1.99": "Deflated Explicit VR Little Endian",
    "1.2.840.10008.1.2.2": "Explicit VR Big Endian",
}
COMPRESSED: Final = {
    "1.2.840.10008.1.2.4.70": "JPEG Lossless, first-order prediction",
    "1.2.840.10008.1.2.4.57": "JPEG Lossless",
    "1.2.840.10008.1.2.4.80": "JPEG-LS Lossless",
    "1.2.840.10008.1.2.4.81": "JPEG-LS Near-lossless",
    "1.2.840.10008.1.2.4.90": "JPEG 2000 Lossless Only",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
    "1.2.840.10008.1.2.4.201": "High-Throughput JPEG 2000 Lossless Only",
    "1.2.840.10008.1.2.4.202": "High-Throughput JPEG 2000 with RPCL Options, Lossless Only",
    "1.2.840.10008.1.2.4.203": "High-Throughput JPEG 2000",
    "1.2.840.10008.1.2.5": "RLE Lossless",
    "1.2.840.10008.1.2.4.50": "JPEG Baseline, 8 bit",
    "1.2.840.10008.1.2.4.51": "JPEG Extended, 12 bit",
}
TRANSFER_SYNTAXES: Final = {**UNCOMPRESSED, **COMPRESSED}
DEFLATED: Final = "1.2.840.10008.1.2.1.99"


def verification() -> PresentationContext:
    """Return the context of C-ECHO."""
    return build_context(VERIFICATION, list(UNCOMPRESSED)[:2])


def supported() -> list[PresentationContext]:
    """Return everything that the listener accepts."""
    return [verification(), *(build_context(uid, list(TRANSFER_SYNTAXES)) for uid in STORAGE_CLASSES)]
