"""How much a ray loses on its way: soft tissue and bones, one of them broken.

Responsible for summing bones and for the plain break of a bone that only is or is not fractured; the ten named types
are in `training.synthetic.types`. Needs only NumPy and Pillow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from training.anatomy import Bone
from training.synthetic import film

Layer = NDArray[np.float32]
#: x0, y0, x1, y1 as fractions of the radiograph.
Box = tuple[float, float, float, float]


class Fracture(Protocol):
    """How one of the bones is broken."""

    @property
    def bone(self) -> int:
        """Number of the broken bone."""

    def depth(self, bone: Bone, along: Layer, across: Layer, random: np.random.Generator) -> Layer:
        """Return the attenuation of the broken bone at coordinates along and across its axis, px."""

    def box(self, bone: Bone, size: tuple[int, int]) -> Box:
        """Return the box around the fracture, as fractions of rows and columns `size`."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A break right across, more or less oblique, with a step.

    Attributes:
        bone: number of the broken bone.
        at: where, as a share of its length.
        slope: of the line against the bone's axis.
        step: how far the far part is displaced, px.
        gap: width of the dark line, px.
    """

    bone: int
    at: float
    slope: float
    step: float
    gap: float

    def depth(self, bone: Bone, along: Layer, across: Layer, random: np.random.Generator) -> Layer:
        """Return the attenuation: the far part shifted and bent, the line dark and uneven."""
        waves = sum(
            random.uniform(0.2, 0.45) / frequency * bone.radius * np.sin(across / bone.radius * frequency + phase)
            for frequency, phase in zip((1.7, 4.3, 9.1), random.uniform(0, 6, 3), strict=True)
        )
        distance = along - self.at * bone.length - self.slope * across - waves
        bent = 0.10 * np.sign(self.step) * np.maximum(distance, 0)
        moved = np.where(distance > 0, across - self.step - bent, across).astype(np.float32)
        line = np.exp(-((distance / self.gap) ** 2)).astype(np.float32)
        depth: Layer = bone.depth(along, moved) * (1 - np.float32(0.72) * line)
        return depth

    def box(self, bone: Bone, size: tuple[int, int]) -> Box:
        """Return the box around the break, with some room."""
        x, y = bone.point(self.at)
        reach = 1.5 * bone.radius + abs(self.step)
        return framed((x - reach, y - reach, x + reach, y + reach), size)


def plain(bones: Sequence[Bone], random: np.random.Generator) -> Plain:
    """Choose a long bone, and how it is broken."""
    number = int(random.choice([index for index, bone in enumerate(bones) if bone.may_break]))
    radius = bones[number].radius
    return Plain(
        bone=number,
        at=float(random.uniform(0.3, 0.7)),
        slope=float(random.uniform(-0.9, 0.9)),
        step=float(random.choice((-1, 1)) * random.uniform(0.12, 0.45)) * radius,
        gap=max(1.0, float(random.uniform(0.06, 0.12)) * radius),
    )


def attenuated(
    bones: Sequence[Bone], fracture: Fracture | None, size: tuple[int, int], random: np.random.Generator
) -> tuple[Layer, Box | None]:
    """Return how much soft tissue and bone lie in each ray, and the box of the fracture."""
    tissue = np.zeros(size, np.float32)
    bone_layer = np.zeros(size, np.float32)
    grain = film.grain(size, random)
    box = None
    for number, bone in enumerate(bones):
        window = _window(bone, size, 3.2)
        if window is None:
            continue
        along, across = bone.coordinates(window)
        tissue[window] = np.maximum(tissue[window], bone.flesh(along, across))
        if fracture is not None and fracture.bone == number:
            depth = fracture.depth(bone, along, across, random)
            box = fracture.box(bone, size)
        else:
            depth = bone.depth(along, across)
        bone_layer[window] += depth * (0.86 + 0.28 * grain[window])
    return 0.42 * film.smoothed(tissue, max(size) / 60) + bone_layer, box


def framed(corners: Box, size: tuple[int, int]) -> Box:
    """Return a box in px as fractions of rows and columns `size`, cut at the radiograph's edge."""
    rows, columns = size
    left, top, right, bottom = corners
    x0, x1 = (float(np.clip(x / columns, 0, 1)) for x in (left, right))
    y0, y1 = (float(np.clip(y / rows, 0, 1)) for y in (top, bottom))
    return x0, y0, x1, y1


def _window(bone: Bone, size: tuple[int, int], reach: float) -> tuple[slice, slice] | None:
    """Return the rows and columns that a bone and its flesh may touch, or None where it lies outside."""
    room = reach * bone.radius + 4
    rows, columns = size
    top, bottom = max(0, int(min(bone.y0, bone.y1) - room)), min(rows, int(max(bone.y0, bone.y1) + room) + 1)
    left, right = max(0, int(min(bone.x0, bone.x1) - room)), min(columns, int(max(bone.x0, bone.x1) + room) + 1)
    return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None
