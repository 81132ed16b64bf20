"""Ten types of fracture of a long bone, as a textbook draws them.

Responsible for the shape of each type on one bone: where it is dark, what is displaced, what is dense; not for poses
or exposure. Coordinates are relative to the break in radii of the bone: `u` along its axis, `v` across it. Needs only
NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.anatomy import Bone
from training.synthetic.skeleton import Box, framed

Layer = NDArray[np.float32]
Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Site:
    """The place of a break, and the unbroken bone around it.

    Attributes:
        whole: the bone.
        at: px from its first end.
        side: 1 or -1, which side of the bone.
        end: 1 where the nearer end of the bone lies at larger `u`, -1 where at smaller.
    """

    whole: Bone
    at: float
    side: int
    end: int

    def bone(self, u: Floats, v: Floats) -> Layer:
        """Return the attenuation of the unbroken bone."""
        radius = self.whole.radius
        return self.whole.depth((u * radius + self.at).astype(np.float32), (v * radius).astype(np.float32))


Drawing = Callable[[Site, Layer, Layer, np.random.Generator], Floats]


@dataclass(frozen=True, slots=True)
class Named:
    """A fracture of a named type.

    Attributes:
        kind: one of `KINDS`.
        bone: number of the broken bone.
        at: where, as a share of its length.
        side: 1 or -1, which side of the bone.
    """

    kind: str
    bone: int
    at: float
    side: int

    def depth(self, bone: Bone, along: Layer, across: Layer, random: np.random.Generator) -> Layer:
        """Return the attenuation of the broken bone."""
        site = Site(bone, self.at * bone.length, self.side, 1 if self.at > 0.5 else -1)
        u, v = ((along - site.at) / bone.radius).astype(np.float32), (across / bone.radius).astype(np.float32)
        return np.maximum(_SHAPES[self.kind].draw(site, u, v, random), 0).astype(np.float32)

    def box(self, bone: Bone, size: tuple[int, int]) -> Box:
        """Return the box around the fracture."""
        shape = _SHAPES[self.kind]
        x, y = bone.point(self.at)
        unit_x, unit_y = (bone.x1 - bone.x0) / bone.length, (bone.y1 - bone.y0) / bone.length
        reach_x = bone.radius * (abs(unit_x) * shape.long + abs(unit_y) * shape.wide)
        reach_y = bone.radius * (abs(unit_y) * shape.long + abs(unit_x) * shape.wide)
        return framed((x - reach_x, y - reach_y, x + reach_x, y + reach_y), size)


def place(kind: str, bone: Bone, end: int, random: np.random.Generator) -> float:
    """Return where a type breaks a bone, as a share of its length; `end` -1 or 1 is the end in sight."""
    distance = _SHAPES[kind].from_end
    if distance is None:
        return float(random.uniform(0.38, 0.62))
    share = distance * bone.radius / bone.length
    return 1 - share if end > 0 else share


def _transverse(site: Site, u: Layer, v: Layer, random: np.random.Generator) -> Floats:
    """Right across, at a right angle to the axis, with a small step."""
    distance = u - _jag(v, random, 0.05)
    step = site.side * random.uniform(0.12, 0.3)
    return site.bone(u, np.where(distance > 0, v - step, v)) * (1 - 0.85 * _line(distance, random.uniform(0.08, 0.11)))


def _oblique(site: Site, u: Layer, v: Layer, random: np.random.Generator) -> Floats:
    """At 45 to 57 degrees; the far part has slid along the line."""
    slope = site.side * random.uniform(1.0, 1.55)
    length = math.hypot(1, slope)
    distance = (u - slope * v - _jag(v, random, 0.05)) / length
    slid = random.uniform(-0.4, -0.15)
    far = distance > 0
    moved = site.bone(np.where(far, u - slid * slope / length, u), np.where(far, v - slid / length, v))
    return moved * (1 - 0.85 * _line(distance, random.uniform(0.08, 0.11)))


def _spiral(site: Site, u: Layer, v: Layer, random: np.random.Generator) -> Floats:
    """A helix around the shaft: a long S in front, its two tails on the back."""
    pitch = random.uniform(1.0, 1.25)
    angle = np.arcsin(np.clip(v, -0.999, 0.999)) * site.side
    steepness = np.hypot(1, pitch / np.maximum(np.cos(angle), 0.2))
    front = (u - pitch * angle) / steepness
    tails = [
        _line((u - sign * pitch * (math.pi - sign * angle)) / steepness, 0.07) * (sign * angle > -0.25)
        for sign in (-1, 1)
    ]
    step = site.side * random.uniform(0.1, 0.2)
    moved = site.bone(u, np.where(front > 0, v - step, v))
    return moved * (1 - 0.9 * _line(front, 0.09)) * (1 - 0.6 * np.maximum(*tails))


def _comminuted(site: Site, u: Layer, v: Layer, random: np.random.Generator) -> Floats:
    """In five to seven pieces, which have come apart and turned."""
    count = int(random.integers(3, 6))
    seeds = [(-2.6, 0.0)]
    seeds += [((piece + 0.5) / count * 2.6 - 1.3, (-1) ** piece * random.uniform(0.35, 0.7)) for piece in range(count)]
    seeds += [(2.6, 0.0)]
    uneven_u, uneven_v = u + _jag(v, random, 0.1), v + _jag(u, random, 0.1)
    distances = np.stack([np.hypot(uneven_u - s, (uneven_v - t) * 1.2) for s, t in seeds])
    owner = distances.argmin(axis=0)
    nearest = np.sort(distances, axis=0)[:2]
    depth = np.zeros_like(u)
    for number, (s, t) in enumerate(seeds):
        is_end = number in (0, len(seeds) - 1)
        turn = 0.0 if is_end else random.uniform(-0.35, 0.35)
        out_u = 0.0 if is_end else random.uniform(-0.15, 0.15)
        out_v = (number > 0) * 0.15 * site.side if is_end else math.copysign(random.uniform(0.15, 0.45), t)
        near_u, near_v = u - s - out_u, v - t - out_v
        turned_u, turned_v = _turned(near_u, near_v, turn)
        depth = np.where(owner == number, site.bone(s + turned_u, t + turned_v), depth)
    return depth * (1 - 0.9 * _line(nearest[1] - nearest[0], 0.13))


def _greenstick(site: Site, u: Layer, v: Layer, random: np.random.Generator) -> Floats:
    """Bent: torn open on the outer side of the bend, whole on the inner side."""
    bend = math.tan(random.uniform(0.22, 0.34))
    bent = v + site.side * bend * 0.35 * np.logaddexp(0, np.clip(u / 0.35, -30, 30))
    outward = site.side * bent
    open_here = _rise(outward + 0.05, 0.08)
    distance = u - _jag(v, random, 0.08)
    crack = open_here * _line(distance, 0.05 + 0.17 * np.clip(outward + 0.1, 0, 1.2))
    split = _line(outward + 0.02 + 0.05 * np.sin(4 * u), 0.05) * _line(u, 0.55)
    return site.bone(u, bent) * (1 - 0.95 * crack) * (1 - 0.55 * split)


def _hairline(site: Site, u: Layer, v: Layer, random: np.random.Generator) -> Floats:
    """A fine line that does not quite cross the bone; nothing is displaced."""
    slope = site.side * random.uniform(0.15, 0.5)
    distance = (u - slope * v - _jag(v, random, 0.12)) / math.hypot(1, slope)
    gap = max(0.035, 0.8 / site.whole.radius)
    return site.bone(u, v) * (1 - 0.6 * _line(distance, gap) * _rise(site.side * v + 0.55, 0.12))


def _impacted(site: Site, u: Layer, v: Layer, random: np.random.Generator) -> Floats:
    """The shaft driven into the end: a dense uneven band, the cortex buckled, the bone shorter."""
    depth = random.uniform(0.5, 0.75)
    toward_end = u * site.end
    edge = toward_end - _jag(v, random, 0.16)
    bulged = v / (1 + 0.24 * np.exp(-(((toward_end - depth / 2) / 0.5) ** 2)))
    shaft = site.bone(u, v * 1.02) * _rise(depth - edge, 0.06)
    end = site.bone(u + site.end * depth, bulged) * _rise(edge, 0.06)
    return shaft + 0.9 * end


def _avulsion(site: Site, u: Layer, v: Layer, random: np.random.Generator) -> Floats:
    """A small piece torn off the corner of the bone's end, and the notch that it left."""
    outline = 1 + site.whole.flare * 0.75
    centre_v = site.side * outline * 0.86
    long, wide = random.uniform(0.6, 0.75), random.uniform(0.42, 0.55)
    away_u, away_v = site.end * random.uniform(-0.1, 0.25), site.side * random.uniform(0.55, 0.8)
    rough = _jag(u + v, random, 0.06)

    def inside(at_u: Floats, at_v: Floats) -> Floats:
        return _rise(1 - np.hypot(at_u / long, (at_v - centre_v) / wide) + rough, 0.06)

    near_u, near_v = _turned(u - away_u, v - away_v - centre_v, random.uniform(-0.3, 0.3))
    piece = site.bone(near_u, near_v + centre_v) * inside(near_u, near_v + centre_v)
    drawn: Floats = site.bone(u, v) * (1 - 0.97 * inside(u, v)) + 1.15 * piece
    return drawn


def _longitudinal(site: Site, u: Layer, v: Layer, random: np.random.Generator) -> Floats:
    """Split along the axis over five radii and more, the halves a little apart."""
    half = random.uniform(2.6, 3.2)
    here = _rise(half - np.abs(u), 0.35)
    middle = random.uniform(-0.15, 0.15) + 0.13 * np.sin(u / 1.3 + random.uniform(0, 6)) + _jag(u, random, 0.04)
    distance = v - middle
    apart = 0.08 * np.sign(distance) * here
    return site.bone(u, v - apart) * (1 - 0.9 * here * _line(distance, 0.085))


def _pathological(site: Site, u: Layer, v: Layer, random: np.random.Generator) -> Floats:
    """Through a moth-eaten hole that has thinned the wall and widened the bone."""
    around = np.arctan2(v, u)
    waves = sum(0.09 * np.sin(k * around + phase) for k, phase in zip((2, 3, 5), random.uniform(0, 6, 3), strict=True))
    hole = _rise(1 - np.hypot(u / random.uniform(1.4, 1.8), (v - site.side * 0.1) / 0.86) + waves, 0.12)
    for _ in range(9):
        s, t, size = random.uniform(-2.3, 2.3), random.uniform(-0.7, 0.7), random.uniform(0.1, 0.22)
        hole = np.maximum(hole, 0.75 * _rise(1 - np.hypot(u - s, v - t) / size, 0.25))
    wide = v / (1 + 0.16 * np.exp(-((u / 1.6) ** 2)))
    distance = u - 0.2 * site.side * v - _jag(v, random, 0.12)
    moved = np.where(distance > 0, wide - site.side * 0.1, wide)
    thinned: Floats = site.bone(u, moved) * (1 - 0.68 * hole)
    return thinned * (1 - 0.85 * _line(distance, 0.06))


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a type is drawn, and how far it reaches, in radii.

    Attributes:
        draw: returns the attenuation.
        long: reach along the bone to either side.
        wide: reach across it.
        from_end: distance from the bone's end; None for the middle of the shaft.
    """

    draw: Drawing
    long: float
    wide: float
    from_end: float | None = None


_SHAPES: Final[Mapping[str, _Shape]] = MappingProxyType(
    {
        "avulsion": _Shape(_avulsion, 1.2, 2.4, from_end=0.35),
        "comminuted": _Shape(_comminuted, 2.3, 1.7),
        "greenstick": _Shape(_greenstick, 1.0, 1.4),
        "hairline": _Shape(_hairline, 0.9, 1.2),
        "impacted": _Shape(_impacted, 1.2, 1.6, from_end=2.2),
        "longitudinal": _Shape(_longitudinal, 3.4, 1.3),
        "oblique": _Shape(_oblique, 2.1, 1.5),
        "pathological": _Shape(_pathological, 2.4, 1.5),
        "spiral": _Shape(_spiral, 3.8, 1.4),
        "transverse": _Shape(_transverse, 0.8, 1.5),
    }
)
KINDS: Final = tuple(_SHAPES)


def _line(distance: Floats, gap: Floats | float) -> Floats:
    """Return 1 on a line, falling to 0 within about its half width `gap`."""
    shade: Floats = np.exp(-((distance / gap) ** 2))
    return shade


def _rise(value: Floats, soft: float) -> Floats:
    """Return 0 well below 0 and 1 well above it."""
    risen: Floats = 1 / (1 + np.exp(-np.clip(4 * value / soft, -40, 40)))
    return risen


def _jag(v: Floats, random: np.random.Generator, height: float) -> Floats:
    """Return an uneven edge: three waves, together about `height` high."""
    jagged: Floats = sum(
        height * random.uniform(0.6, 1.4) / k**0.5 * np.sin(k * 2.6 * v + phase)
        for k, phase in zip((1.0, 2.7, 6.1), random.uniform(0, 6, 3), strict=True)
    )
    return jagged


def _turned(u: Floats, v: Floats, angle: float) -> tuple[Floats, Floats]:
    """Return coordinates of a plane that is turned."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return cosine * u + sine * v, cosine * v - sine * u
