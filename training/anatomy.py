"""The bones that `training.synthetic` draws: where they lie, how thick they are.

Responsible for proportions and pose of four body parts in two views; not for pixels' grey levels beyond the depth of
one bone. Proportions are sketches in a unit square, x to the right and y down; they are no anatomical reference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Bone:
    """A tube from (x0, y0) to (x1, y1).

    Attributes:
        radius: of the shaft's middle.
        flare: how much thicker the ends are, relative.
        wall: thickness of the compact wall relative to the radius; 1 is solid.
        meat: radius of the soft tissue around it, relative.
        may_break: long enough for a fracture that can be seen.
        density: relative attenuation.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    radius: float
    flare: float = 0.35
    wall: float = 0.32
    meat: float = 2.1
    may_break: bool = False
    density: float = 1.0

    @property
    def length(self) -> float:
        """Distance between the ends."""
        return math.hypot(self.x1 - self.x0, self.y1 - self.y0)

    def point(self, share: float) -> tuple[float, float]:
        """Return x, y at a share of the way from the first end to the second."""
        return self.x0 + share * (self.x1 - self.x0), self.y0 + share * (self.y1 - self.y0)

    def coordinates(self, window: tuple[slice, slice]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the distance along the axis and across it of each pixel of a window."""
        y, x = np.mgrid[window].astype(np.float32)
        length = max(self.length, 1e-6)
        unit_x, unit_y = (self.x1 - self.x0) / length, (self.y1 - self.y0) / length
        along = (x - self.x0) * unit_x + (y - self.y0) * unit_y
        across = (y - self.y0) * unit_x - (x - self.x0) * unit_y
        return along, across

    def depth(self, along: NDArray[np.float32], across: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the attenuation of each ray: the chord in the wall, and a fifth of the chord in the marrow."""
        outer = self._outline(along)
        beyond = np.maximum(np.maximum(-along, along - self.length), 0) / 0.8
        distance = np.sqrt(across**2 + beyond**2)
        ends = np.minimum(along, self.length - along) / max(self.length, 1e-6)
        spongy = np.clip(ends / 0.22, 0, 1)
        inner = outer * (1 - self.wall * (0.35 + 0.65 * spongy))
        chord = _chord(outer, distance)
        hollow = _chord(inner, distance)
        filled = 0.22 + 0.33 * (1 - spongy)
        depth: NDArray[np.float32] = self.density * (chord - (1 - filled) * hollow) / (2 * self.radius)
        return depth.astype(np.float32)

    def flesh(self, along: NDArray[np.float32], across: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the soft tissue in each ray, 0..1."""
        beyond = np.maximum(np.maximum(-along, along - self.length), 0)
        distance = np.sqrt(across**2 + beyond**2) / (self.meat * self.radius)
        flesh: NDArray[np.float32] = np.sqrt(np.maximum(1 - distance**2, 0)).astype(np.float32)
        return flesh * np.float32(min(1.5, 0.45 + self.meat * 0.25))

    def _outline(self, along: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the radius at each distance along the axis, thicker towards both ends."""
        share = np.clip(along / max(self.length, 1e-6), 0, 1)
        flared = 1 + self.flare * np.abs(2 * share - 1) ** 4
        outline: NDArray[np.float32] = (self.radius * flared).astype(np.float32)
        return outline


def bones(part: str, view: str, random: np.random.Generator) -> list[Bone]:
    """Return the bones of a part in the unit square."""
    return {"hand": _hand, "leg": _leg, "hip": _hip, "shoulder": _shoulder}[part](view, random)


def posed(sketch: Sequence[Bone], size: tuple[int, int], random: np.random.Generator, *, mirrored: bool) -> list[Bone]:
    """Return the bones in pixels of `size` (rows, columns): scaled, turned, shifted, perhaps mirrored."""
    rows, columns = size
    scale = min(rows, columns * 1.2) * random.uniform(0.9, 1.05)
    angle = math.radians(random.uniform(-8, 8))
    cosine, sine = math.cos(angle), math.sin(angle)
    shift_x, shift_y = columns * (0.5 + random.uniform(-0.04, 0.04)), rows * (0.5 + random.uniform(-0.03, 0.03))

    def moved(x: float, y: float) -> tuple[float, float]:
        x, y = (0.5 - x if mirrored else x - 0.5) * scale, (y - 0.5) * scale
        return cosine * x - sine * y + shift_x, sine * x + cosine * y + shift_y

    placed = []
    for bone in sketch:
        start, end = moved(bone.x0, bone.y0), moved(bone.x1, bone.y1)
        thickness = bone.radius * scale * random.uniform(0.94, 1.06)
        placed.append(Bone(*start, *end, thickness, bone.flare, bone.wall, bone.meat, bone.may_break, bone.density))
    return placed


def _hand(view: str, random: np.random.Generator) -> list[Bone]:
    """Return the forearm's ends, the wrist and five rays; seen from the side the rays lie closer together."""
    narrow = 1.0 if view == "AP" else 0.55
    found = [
        Bone(0.44, 1.08, 0.455, 0.79, 0.034, 0.65, meat=2.6, may_break=True),
        Bone(0.565, 1.08, 0.56, 0.80, 0.026, 0.3, meat=2.6, may_break=True),
    ]
    for row, y, count in ((0, 0.745, 4), (1, 0.695, 4)):
        for number in range(count):
            x = 0.5 + (number - 1.5) * 0.046 * narrow + row * 0.004
            found.append(Bone(x - 0.006, y, x + 0.006, y + 0.012, 0.024, 0.1, 0.25, 2.4, density=0.8))
    spread = random.uniform(0.85, 1.15) * narrow
    for finger, (lean, reach) in enumerate(((-0.16, 0.93), (-0.055, 1.05), (0.045, 1.0), (0.15, 0.8))):
        found += _ray(0.5 + (finger - 1.5) * 0.047 * narrow, 0.655, lean * spread, reach)
    found += _ray(0.40, 0.72, -0.75 * narrow, 0.62, phalanges=2)
    return found


def _ray(x: float, y: float, lean: float, reach: float, phalanges: int = 3) -> list[Bone]:
    """Return one metacarpal and its phalanges, leaning to a side."""
    found = []
    lengths = ((0.185, 0.0165), (0.125, 0.0145), (0.075, 0.0125), (0.05, 0.0105))[: phalanges + 1]
    for index, (length, radius) in enumerate(lengths):
        length *= reach
        direction = lean * (1 + 0.12 * index)
        end_x, end_y = x + math.sin(direction) * length, y - math.cos(direction) * length
        found.append(Bone(x, y, end_x, end_y, radius, 0.42, 0.4, 2.0, may_break=index < 2))
        x, y = end_x + math.sin(direction) * 0.022, end_y - math.cos(direction) * 0.022
    return found


def _leg(view: str, random: np.random.Generator) -> list[Bone]:
    """Return shin and calf bone between knee and ankle."""
    apart = 0.135 if view == "AP" else 0.055
    tilt = random.uniform(-0.02, 0.02)
    return [
        Bone(0.46, -0.16, 0.46 + tilt, 0.045, 0.062, 0.55, 0.34, 2.1),
        Bone(0.46, 0.165, 0.47 + tilt, 0.80, 0.047, 0.75, 0.42, 2.7, may_break=True),
        Bone(0.46 + apart, 0.215, 0.46 + apart * 0.86 + tilt, 0.865, 0.021, 0.5, 0.5, 2.2, may_break=True),
        Bone(0.475 + tilt, 0.885, 0.505 + tilt, 0.895, 0.056, 0.1, 0.2, 1.7, density=0.85),
        Bone(0.475 + tilt, 0.985, 0.52 + tilt, 1.06, 0.058, 0.1, 0.2, 1.7, density=0.85),
    ]


def _hip(view: str, random: np.random.Generator) -> list[Bone]:
    """Return one half of the pelvis and the upper thigh bone."""
    turn = 0.0 if view == "AP" else 0.05
    neck = random.uniform(-0.015, 0.015)
    return [
        Bone(0.15, 0.05, 0.22, 0.62, 0.16, 0.1, 0.1, 2.2, density=0.0),
        Bone(0.30, 0.08, 0.40, 0.36, 0.085, 0.25, 0.16, 2.0, density=0.62),
        Bone(0.18, 0.20, 0.34, 0.30, 0.10, 0.1, 0.12, 2.0, density=0.5),
        Bone(0.36, 0.42, 0.15, 0.50, 0.035, 0.4, 0.3, 2.4, density=0.8),
        Bone(0.33, 0.52, 0.20, 0.66, 0.032, 0.3, 0.3, 2.4, density=0.8),
        Bone(0.16, 0.52, 0.19, 0.64, 0.034, 0.2, 0.3, 2.2, density=0.8),
        Bone(0.445, 0.385, 0.455, 0.392, 0.072, 0.0, 0.16, 2.2, density=0.85),
        Bone(0.46, 0.40, 0.585 + turn, 0.505 + neck, 0.044, 0.5, 0.3, 2.6, may_break=True),
        Bone(0.605 + turn, 0.50, 0.62 + turn, 0.56, 0.052, 0.2, 0.2, 2.4, density=0.6),
        Bone(0.60 + turn, 0.53, 0.565 + turn, 1.10, 0.050, 0.5, 0.45, 3.0, may_break=True),
    ]


def _shoulder(view: str, random: np.random.Generator) -> list[Bone]:
    """Return collar bone, shoulder blade, some ribs and the upper arm."""
    lift = random.uniform(-0.02, 0.02)
    ribs = [
        Bone(0.02, 0.28 + 0.13 * number, 0.26, 0.36 + 0.15 * number, 0.018, 0.1, 0.45, 2.4, density=0.7)
        for number in range(5)
    ]
    swing = 0.0 if view == "AP" else 0.05
    return [
        Bone(0.02, 0.42, 0.06, 1.1, 0.14, 0.1, 0.1, 2.6, density=0.0),
        *ribs,
        Bone(0.06, 0.255, 0.30, 0.215 + lift, 0.024, 0.5, 0.45, 2.4, may_break=True),
        Bone(0.30, 0.215 + lift, 0.52, 0.20 + lift, 0.025, 0.5, 0.45, 2.4, may_break=True),
        Bone(0.36, 0.29, 0.57, 0.235 + lift, 0.028, 0.3, 0.3, 2.4, density=0.8),
        Bone(0.40, 0.36, 0.33, 0.74, 0.055, 0.3, 0.14, 2.0, density=0.45),
        Bone(0.50, 0.36, 0.505, 0.42, 0.04, 0.2, 0.25, 2.2, density=0.8),
        Bone(0.585 + swing, 0.355, 0.595 + swing, 0.375, 0.074, 0.0, 0.18, 2.0, density=0.85),
        Bone(0.605 + swing, 0.37, 0.635 + swing, 1.10, 0.045, 0.5, 0.45, 2.8, may_break=True),
    ]


def _chord(radius: NDArray[np.float32], distance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the length of a ray inside a tube at a distance from its axis."""
    chord: NDArray[np.float32] = 2 * np.sqrt(np.maximum(radius**2 - distance**2, 0))
    return chord
