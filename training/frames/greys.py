"""Grey levels as DICOM defines them: modality transformation, then value of interest (PS3.3 C.11.1, C.11.2).

Responsible for the table that turns stored values into display grey; not for pixels.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

FUNCTIONS: Final = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


@dataclass(frozen=True, slots=True)
class Lut:
    """A lookup table: input value ``first`` maps to ``values[0]``; inputs outside take the nearest end.

    Attributes:
        first: first input value mapped.
        bits: bits of an output value, 8 to 16.
        values: outputs, little-endian 16-bit unsigned, as bytes.
    """

    first: int
    bits: int
    values: bytes

    def of(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the outputs for inputs of any shape."""
        outputs = np.frombuffer(self.values, "<u2")
        index = np.clip(np.rint(inputs).astype(np.int64) - self.first, 0, len(outputs) - 1)
        return outputs[index].astype(np.float64)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"first": self.first, "bits": self.bits, "values": base64.b64encode(self.values).decode()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the table that ``to_dict`` described."""
        return cls(int(data["first"]), int(data["bits"]), base64.b64decode(data["values"]))


@dataclass(frozen=True, slots=True)
class GreyScale:
    """Every element beside the pixels that decides how bright a stored value is shown.

    Attributes:
        slope: rescale slope, intercept: rescale intercept; both unused where there is a modality table.
        modality_lut: stored value to modality value.
        window: centre and width of the first window, in modality values; None where there is none that is valid.
        function: LINEAR, LINEAR_EXACT or SIGMOID.
        voi_lut: modality value to display value; used where there is no window.
        aspect: height and width of a pixel, any unit.
    """

    slope: float = 1.0
    intercept: float = 0.0
    modality_lut: Lut | None = None
    window: tuple[float, float] | None = None
    function: str = "LINEAR"
    voi_lut: Lut | None = None
    aspect: tuple[int, int] = (1, 1)

    @property
    def is_plain(self) -> bool:
        """Whether stored values are display values already."""
        return (self.slope, self.intercept) == (1.0, 0.0) and not (self.modality_lut or self.window or self.voi_lut)

    def square_shape(self, rows: int, columns: int) -> tuple[int, int]:
        """Return the rows and columns of a picture once its pixels are made square, by the longer side of a pixel."""
        vertical, horizontal = self.aspect
        if vertical > horizontal:
            return round(rows * vertical / horizontal), columns
        return rows, round(columns * horizontal / vertical)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON under DICOM's keywords; what is usual is left out."""
        data: dict[str, Any] = {}
        if (self.slope, self.intercept) != (1.0, 0.0):
            data |= {"RescaleSlope": self.slope, "RescaleIntercept": self.intercept}
        if self.window:
            data |= {"WindowCenter": self.window[0], "WindowWidth": self.window[1], "VOILUTFunction": self.function}
        if self.modality_lut:
            data["ModalityLUTSequence"] = self.modality_lut.to_dict()
        if self.voi_lut:
            data["VOILUTSequence"] = self.voi_lut.to_dict()
        if self.aspect != (1, 1):
            data["PixelAspectRatio"] = list(self.aspect)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the grey scale that ``to_dict`` described."""
        modality, voi = data.get("ModalityLUTSequence"), data.get("VOILUTSequence")
        window = (float(data["WindowCenter"]), float(data["WindowWidth"])) if "WindowCenter" in data else None
        vertical, horizontal = data.get("PixelAspectRatio", (1, 1))
        return cls(
            slope=float(data.get("RescaleSlope", 1.0)),
            intercept=float(data.get("RescaleIntercept", 0.0)),
            modality_lut=Lut.from_dict(modality) if modality else None,
            window=window,
            function=str(data.get("VOILUTFunction", "LINEAR")),
            voi_lut=Lut.from_dict(voi) if voi else None,
            aspect=(int(vertical), int(horizontal)),
        )

    def modality(self, stored: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return modality values of stored values."""
        return self.modality_lut.of(stored) if self.modality_lut else stored * self.slope + self.intercept

    def display(self, stored: NDArray[np.float64], full: tuple[float, float]) -> NDArray[np.float64]:
        """Return display values from 0 (dark in the sense of MONOCHROME2) to 1 of stored values.

        Args:
            stored: stored values, any shape.
            full: modality values that become 0 and 1 where neither a window nor a table says so.
        """
        values = self.modality(stored)
        if self.window:
            return _windowed(values, *self.window, self.function)
        if self.voi_lut:
            return np.asarray(self.voi_lut.of(values) / (2**self.voi_lut.bits - 1))
        low, high = full
        return _clipped((values - low) / (high - low)) if high > low else np.zeros_like(values)


def _windowed(values: NDArray[np.float64], centre: float, width: float, function: str) -> NDArray[np.float64]:
    """Return 0 to 1 by the formulas of PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    if function == "SIGMOID":
        return np.asarray(1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700))))
    if function == "LINEAR_EXACT":
        return _clipped((values - centre) / width + 0.5)
    if width <= 1:
        return np.asarray((values > centre - 0.5).astype(np.float64))
    return _clipped((values - (centre - 0.5)) / (width - 1) + 0.5)


def _clipped(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.clip(values, 0, 1), np.float64)
