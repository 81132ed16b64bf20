"""Files of everything that decides grey levels, and what DCMTK or the standard's own formula says they look like.

The picture is a board of even patches, so that a screen, a rendition and a picture of another size can all be asked for
the grey in the middle of each.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image

from tests import factories_intake as files

DOWN, ACROSS, SIDE = 6, 8, 40
SQUARES = np.linspace(0, 1, 4096) ** 2


def board(bits=12, *, is_signed=False):
    """Patches from the smallest to the largest value of so many bits."""
    low = -(2 ** (bits - 1)) if is_signed else 0
    levels = np.rint(np.linspace(low, low + 2**bits - 1, DOWN * ACROSS)).reshape(DOWN, ACROSS)
    kind = (np.int16 if is_signed else np.uint16) if bits > 8 else np.uint8
    return np.kron(levels, np.ones((SIDE, SIDE))).astype(kind)


def middles(picture):
    """The greys in the middle of each patch, of a picture in which the board has any size."""
    rows, columns = picture.shape
    down = ((np.arange(DOWN) + 0.5) * rows / DOWN).astype(int)
    across = ((np.arange(ACROSS) + 0.5) * columns / ACROSS).astype(int)
    return picture[np.ix_(down, across)].astype(float)


def program(name):
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} of DCMTK is not installed")
    return found


def rendered(content, folder, *options):
    """The picture in 0..255 that DCMTK's ``dcm2pnm`` makes of a file, of 16 bits."""
    (folder / "in.dcm").write_bytes(content)
    command = [program("dcm2pnm"), "-O", *options, "+on2", "in.dcm", "out.png"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    with Image.open(folder / "out.png") as image:
        return np.asarray(image).astype(float) / 257


def table(first, bits, values, *, vr="US"):
    item = pydicom.Dataset()
    item.add_new("LUTDescriptor", vr, [len(values) % 65536, first, bits])
    item.add_new("LUTData", "OW", np.asarray(values, "<u2").tobytes())
    item.add_new("ModalityLUTType", "LO", "US")
    return item


@dataclass(frozen=True)
class Kind:
    """What a file says of its greys.

    Attributes:
        elements: beside the pixels.
        options: of ``dcm2pnm``; none where DCMTK does not know how, and ``formula`` says what is shown instead.
        pixels: another board.
        bits: that are stored.
        formula: from stored values to 0..1.
    """

    elements: dict[str, Any]
    options: tuple[str, ...] = ()
    pixels: Any = field(default_factory=board)
    bits: int = 12
    formula: Any = None

    def content(self):
        return files.dicom(files.dataset(self.pixels, bits=self.bits, **self.elements))

    def expected(self, folder):
        """The picture in 0..255."""
        if self.formula:
            return 255 * np.clip(self.formula(self.pixels.astype(float)), 0, 1)
        return rendered(self.content(), folder, *self.options)


WINDOW, TABLE, RANGE = ("+Wi", "1"), ("+Wl", "1"), ("+Wm",)
MIDDLE = {"WindowCenter": 1800, "WindowWidth": 2100}
INVERSE = {"PhotometricInterpretation": "MONOCHROME1"}
OF_INTEREST = {"VOILUTSequence": [table(0, 12, SQUARES * 4095)]}
PADDED = np.where(np.arange(ACROSS * SIDE) < SIDE, 4095, board() // 2).astype(np.uint16)

KINDS = {
    "window": Kind(MIDDLE, WINDOW),
    "first of several windows": Kind({"WindowCenter": [900, 40, 3000], "WindowWidth": [2100, 80, 1]}, WINDOW),
    "window, MONOCHROME1": Kind(MIDDLE | INVERSE, WINDOW),
    "window, exact": Kind(MIDDLE | {"VOILUTFunction": "LINEAR_EXACT"},
                          formula=lambda values: (values - 1800) / 2100 + 0.5),
    "sigmoid": Kind(MIDDLE | {"VOILUTFunction": "SIGMOID"}, (*WINDOW, "+Wfs")),
    "sigmoid, MONOCHROME1": Kind(MIDDLE | INVERSE | {"VOILUTFunction": "SIGMOID"}, (*WINDOW, "+Wfs")),
    "rescale and window": Kind({"RescaleSlope": 2.5, "RescaleIntercept": -1000, "WindowCenter": 3000,
                                "WindowWidth": 5000}, WINDOW),
    "rescale alone": Kind({"RescaleSlope": 0.5, "RescaleIntercept": 12}, RANGE),
    "nothing": Kind({}, RANGE, pixels=board() // 2 + 500),
    "nothing, MONOCHROME1": Kind(INVERSE, RANGE),
    "padding and a window": Kind(MIDDLE | {"PixelPaddingValue": 4095}, WINDOW, pixels=PADDED),
    "padding alone": Kind({"PixelPaddingValue": 4095}, RANGE, pixels=PADDED),
    "modality table and window": Kind({"ModalityLUTSequence": [table(0, 16, SQUARES * 65535)], "WindowCenter": 20000,
                                       "WindowWidth": 30000}, WINDOW),
    "modality table that begins late": Kind({"ModalityLUTSequence": [table(1000, 12, np.arange(2000) * 2)]}, RANGE),
    "table of interest": Kind(OF_INTEREST, TABLE),
    "table of interest, MONOCHROME1": Kind(OF_INTEREST | INVERSE, TABLE),
    "table of interest that begins late": Kind({"VOILUTSequence": [table(700, 12, SQUARES[:2500:] * 4095)]}, TABLE),
    "rescale and table of interest below zero": Kind(
        {"RescaleSlope": 1, "RescaleIntercept": -2000, "VOILUTSequence": [table(-2000, 12, SQUARES * 4095, vr="SS")]},
        TABLE),
    "eight bits": Kind({"WindowCenter": 128, "WindowWidth": 100}, WINDOW, pixels=board(8), bits=8),
    "higher in their word": Kind(MIDDLE | {"HighBit": 15}, WINDOW, pixels=board() << 4),
    "higher in their word, signed": Kind({"HighBit": 15, "WindowCenter": 100, "WindowWidth": 3000}, WINDOW,
                                         pixels=board(is_signed=True) << 4),
    "not square": Kind(MIDDLE | {"PixelAspectRatio": [2, 1]}, (*WINDOW, "+Sxv", str(ACROSS * SIDE))),
    **{f"{bits} bits": Kind({"WindowCenter": 2 ** (bits - 1), "WindowWidth": 2**bits * 0.7}, WINDOW,
                            pixels=board(bits), bits=bits) for bits in range(10, 17)},
    **{f"{bits} bits, signed": Kind({"WindowCenter": 0, "WindowWidth": 2**bits * 0.7}, WINDOW,
                                    pixels=board(bits, is_signed=True), bits=bits) for bits in range(10, 17)},
}  # fmt: skip
