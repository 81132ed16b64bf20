"""One drawn radiograph of a seed.

Responsible for choosing bones, pose, fracture and exposure; not for how each of them is drawn, nor for folders.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from training import anatomy
from training.anatomy import Bone
from training.synthetic import film, skeleton, types
from training.synthetic.skeleton import Box, Fracture

Part = Literal["hand", "leg", "hip", "shoulder"]
PARTS: Final[tuple[Part, ...]] = ("hand", "leg", "hip", "shoulder")
VIEWS: Final = ("AP", "lateral")
#: Radius of the broken bone in a radiograph of a type, relative to the shorter side.
_NEAR: Final = (0.085, 0.11)


@dataclass(frozen=True, slots=True)
class SyntheticRadiograph:
    """A drawn radiograph and what is true of it.

    Attributes:
        pixels: (rows, columns), uint8 or uint16 (12 bits used), larger is brighter.
        box: where the fracture is, fractions of the radiograph, or None.
        part: body part.
        view: AP or lateral.
        side: left or right.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    box: Box | None
    part: Part
    view: str
    side: str


def radiograph(
    seed: int, *, fractured: bool, part: Part = "hand", size: tuple[int, int] = (1200, 1000), bits: int = 8
) -> SyntheticRadiograph:
    """Return the radiograph of a seed: the same seed and arguments always give the same pixels.

    Args:
        seed: decides pose, proportions, side, view, exposure and noise.
        fractured: one bone is broken.
        part: body part.
        size: rows, columns.
        bits: 8 for uint8, 12 for uint16 with values up to 4095.

    Raises:
        ValueError: the part is unknown, the size too small or the depth another one.
    """
    _require(part, size, bits)
    random = np.random.default_rng([seed, PARTS.index(part), int(fractured)])
    view, side = str(random.choice(VIEWS)), str(random.choice(("left", "right")))
    bones = anatomy.posed(anatomy.bones(part, view, random), size, random, mirrored=side == "left")
    fracture = skeleton.plain(bones, random) if fractured else None
    return _exposed(bones, fracture, (part, view, side), size, bits, random)


def of_type(
    seed: int, *, kind: str, part: Part = "leg", size: tuple[int, int] = (600, 500), bits: int = 8
) -> SyntheticRadiograph:
    """Return a near view of a long bone with one of the ten types of fracture; the same arguments, the same pixels.

    Args:
        seed: decides pose, proportions, side, exposure and noise.
        kind: one of `KINDS`.
        part: body part; the thickest of its long bones is broken.
        size: rows, columns.
        bits: 8 for uint8, 12 for uint16 with values up to 4095.

    Raises:
        ValueError: the type or the part is unknown, the size too small or the depth another one.
    """
    if kind not in types.KINDS:
        raise ValueError(f"Expected one of {', '.join(types.KINDS)}. Received: {kind!r}.")
    _require(part, size, bits)
    random = np.random.default_rng([seed, PARTS.index(part), types.KINDS.index(kind), 10])
    side = str(random.choice(("left", "right")))
    bones = anatomy.posed(anatomy.bones(part, "AP", random), size, random, mirrored=side == "left")
    number = max((place for place, bone in enumerate(bones) if bone.may_break), key=lambda place: bones[place].radius)
    at = types.place(kind, bones[number], _end_in_sight(bones[number], size), random)
    fracture = types.Named(kind, number, at, int(random.choice((-1, 1))))
    near = _near(bones, bones[number].radius, bones[number].point(at), size, random)
    return _exposed(near, fracture, (part, "AP", side), size, bits, random)


def _require(part: str, size: tuple[int, int], bits: int) -> None:
    if part not in PARTS:
        raise ValueError(f"Expected one of {', '.join(PARTS)}. Received: {part!r}.")
    if min(size) < 64:
        raise ValueError(f"Expected at least 64 rows and columns. Received: {size}.")
    if bits not in (8, 12):
        raise ValueError(f"Expected 8 or 12 bits. Received: {bits}.")


def _exposed(
    bones: Sequence[Bone],
    fracture: Fracture | None,
    seen: tuple[Part, str, str],
    size: tuple[int, int],
    bits: int,
    random: np.random.Generator,
) -> SyntheticRadiograph:
    """Return the film of these bones; `seen` is part, view and side."""
    part, view, side = seen
    attenuation, box = skeleton.attenuated(bones, fracture, size, random)
    grey = film.exposed(attenuation, size, random)
    film.marked(grey, side, random)
    return SyntheticRadiograph(film.quantised(grey, bits), box, part, view, side)


def _end_in_sight(bone: Bone, size: tuple[int, int]) -> int:
    """Return 1 where a bone's second end lies farther inside the picture than its first, else -1."""

    def room(y: float) -> float:
        return min(y, size[0] - y)

    return 1 if room(bone.y1) > room(bone.y0) else -1


def _near(
    bones: Sequence[Bone],
    radius: float,
    centre: tuple[float, float],
    size: tuple[int, int],
    random: np.random.Generator,
) -> list[Bone]:
    """Return the bones of another person as seen from near.

    A bone of `radius` is about a fifth as wide as the picture and `centre` about its middle; thickness, angles between
    bones and proportions vary.
    """
    factor = random.uniform(*_NEAR) * min(size) / radius
    x, y = (side * (0.5 + random.uniform(-0.08, 0.08)) for side in (size[1], size[0]))
    angle, lean = math.radians(random.uniform(-20, 20)), random.uniform(-0.16, 0.16)
    squeezed = factor * random.uniform(0.72, 1.3)
    a, b = squeezed * math.cos(angle), factor * (lean - math.sin(angle))
    d, e = squeezed * math.sin(angle), factor * math.cos(angle)

    def moved(bone: Bone) -> Bone:
        ends = [(px - centre[0], py - centre[1]) for px, py in ((bone.x0, bone.y0), (bone.x1, bone.y1))]
        (x0, y0), (x1, y1) = ((x + a * px + b * py, y + d * px + e * py) for px, py in ends)
        thick, flared, walled, fleshy = random.uniform(0.75, 1.35, 4)
        return dataclasses.replace(
            bone, x0=x0, x1=x1, y0=y0, y1=y1, radius=factor * bone.radius * math.sqrt(thick),
            flare=bone.flare * flared, wall=min(1.0, bone.wall * walled), meat=bone.meat * fleshy,
        )  # fmt: skip

    return [moved(bone) for bone in bones]
