"""Drawn radiographs: for the demo, for tests and for pictures in the documentation; they show no person.

Responsible for plausible bones with and without a fracture, and for where the fracture is; not for anatomy. A
model's figures on them mean nothing. Bones are tubes whose wall and marrow attenuate: a pixel's grey follows the
length of the ray inside the wall, which gives the bright edges of real shafts. Needs only NumPy and Pillow.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from training import anatomy
from training.anatomy import Bone

Part = Literal["hand", "leg", "hip", "shoulder"]
PARTS: Final[tuple[Part, ...]] = ("hand", "leg", "hip", "shoulder")
VIEWS: Final = ("AP", "lateral")
#: x0, y0, x1, y1 as fractions of the radiograph.
Box = tuple[float, float, float, float]


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
    if part not in PARTS:
        raise ValueError(f"Expected one of {', '.join(PARTS)}. Received: {part!r}.")
    if min(size) < 64:
        raise ValueError(f"Expected at least 64 rows and columns. Received: {size}.")
    if bits not in (8, 12):
        raise ValueError(f"Expected 8 or 12 bits. Received: {bits}.")
    random = np.random.default_rng([seed, PARTS.index(part), int(fractured)])
    view, side = str(random.choice(VIEWS)), str(random.choice(("left", "right")))
    bones = anatomy.posed(anatomy.bones(part, view, random), size, random, mirrored=side == "left")
    breaks = _broken(bones, random) if fractured else None
    attenuation, box = _attenuated(bones, breaks, size, random)
    grey = _exposed(attenuation, size, random)
    _marked(grey, side, random)
    return SyntheticRadiograph(_quantised(grey, bits), box, part, view, side)


def write_folder(out: Path, *, count: int, seed: int = 0, size: tuple[int, int] = (600, 500)) -> None:
    """Write `count` radiographs as a data set that `training.dataset.read` understands, half of them fractured.

    Every fourth is a 16-bit PNG; of seven groups five are train, one val, one test.

    Raises:
        ValueError: the count is not positive.
        FileExistsError: the folder holds something already.
    """
    if count < 1:
        raise ValueError(f"Expected a count of at least 1. Received: {count}.")
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"Expected an empty or absent folder. Received: {out}.")
    rows, boxes = [], []
    for number in range(count):
        part = PARTS[number // 2 % len(PARTS)]
        bits = 12 if number % 4 == 3 else 8
        drawn = radiograph(seed * 100_003 + number, fractured=number % 2 == 0, part=part, size=size, bits=bits)
        name = f"{number:05d}.png"
        _save(drawn, out / part / name)
        rows.append(_manifest_row(f"{part}/{name}", number, drawn))
        if drawn.box is not None:
            boxes.append(_box_row(name, drawn.box))
    _write_csv(out / "manifest.csv", rows)
    _write_csv(out / "boxes.csv", boxes)


@dataclass(frozen=True, slots=True)
class _Break:
    """Where along which bone, how oblique, and how far the far part is displaced."""

    bone: int
    at: float
    slope: float
    step: float
    gap: float


def _broken(bones: Sequence[Bone], random: np.random.Generator) -> _Break:
    """Choose a long bone, and how it is broken."""
    number = int(random.choice([index for index, bone in enumerate(bones) if bone.may_break]))
    radius = bones[number].radius
    return _Break(
        bone=number,
        at=float(random.uniform(0.3, 0.7)),
        slope=float(random.uniform(-0.9, 0.9)),
        step=float(random.choice((-1, 1)) * random.uniform(0.12, 0.45)) * radius,
        gap=max(1.0, float(random.uniform(0.06, 0.12)) * radius),
    )


def _attenuated(
    bones: Sequence[Bone], breaks: _Break | None, size: tuple[int, int], random: np.random.Generator
) -> tuple[NDArray[np.float32], Box | None]:
    """Return how much soft tissue and bone lie in each ray, and the box of the fracture."""
    tissue = np.zeros(size, np.float32)
    bone_layer = np.zeros(size, np.float32)
    grain = _grain(size, random)
    box = None
    for number, bone in enumerate(bones):
        window = _window(bone, size, 3.2)
        if window is None:
            continue
        along, across = bone.coordinates(window)
        tissue[window] = np.maximum(tissue[window], bone.flesh(along, across))
        line: NDArray[np.float32] | None = None
        if breaks is not None and breaks.bone == number:
            across, line = _displaced(bone, breaks, along, across, random)
            box = _box_around(bone, breaks, size)
        depth = bone.depth(along, across) * (0.86 + 0.28 * grain[window])
        if line is not None:
            depth = depth * (1 - 0.72 * line)
        bone_layer[window] += depth
    return 0.42 * _smoothed(tissue, max(size) / 60) + bone_layer, box


def _displaced(
    bone: Bone, breaks: _Break, along: NDArray[np.float32], across: NDArray[np.float32], random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the coordinate across the bone with its far part shifted, and the fracture line, 0..1."""
    waves = sum(
        random.uniform(0.2, 0.45) / frequency * bone.radius * np.sin(across / bone.radius * frequency + phase)
        for frequency, phase in zip((1.7, 4.3, 9.1), random.uniform(0, 6, 3), strict=True)
    )
    distance = along - breaks.at * bone.length - breaks.slope * across - waves
    far = distance > 0
    bent = 0.10 * np.sign(breaks.step) * np.maximum(distance, 0)
    moved = np.where(far, across - breaks.step - bent, across).astype(np.float32)
    return moved, np.exp(-((distance / breaks.gap) ** 2)).astype(np.float32)


def _box_around(bone: Bone, breaks: _Break, size: tuple[int, int]) -> Box:
    """Return the box around a break, as fractions, with some room."""
    x, y = bone.point(breaks.at)
    reach = 1.5 * bone.radius + abs(breaks.step)
    rows, columns = size
    left, right = (float(np.clip((x + sign * reach) / columns, 0, 1)) for sign in (-1, 1))
    top, bottom = (float(np.clip((y + sign * reach) / rows, 0, 1)) for sign in (-1, 1))
    return left, top, right, bottom


def _window(bone: Bone, size: tuple[int, int], reach: float) -> tuple[slice, slice] | None:
    """Return the rows and columns that a bone and its flesh may touch, or None where it lies outside."""
    room = reach * bone.radius + 4
    rows, columns = size
    top, bottom = max(0, int(min(bone.y0, bone.y1) - room)), min(rows, int(max(bone.y0, bone.y1) + room) + 1)
    left, right = max(0, int(min(bone.x0, bone.x1) - room)), min(columns, int(max(bone.x0, bone.x1) + room) + 1)
    return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None


def _grain(size: tuple[int, int], random: np.random.Generator) -> NDArray[np.float32]:
    """Return the texture of spongy bone, about 0..1: noise of two scales."""
    rows, columns = size
    total = np.zeros(size, np.float32)
    for cell, weight in ((3, 0.5), (8, 0.5)):
        noise = random.random((rows // cell + 2, columns // cell + 2), np.float32)
        total += weight * np.asarray(Image.fromarray(noise).resize((columns, rows), Image.Resampling.BICUBIC))
    return total


def _exposed(
    attenuation: NDArray[np.float32], size: tuple[int, int], random: np.random.Generator
) -> NDArray[np.float32]:
    """Return grey levels 0..1: saturation of the detector, uneven beam, quantum noise, collimation."""
    rows, columns = size
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    beam = 1 + 0.05 * ((x / columns - 0.5) * random.uniform(-1, 1) + (y / rows - 0.5) * random.uniform(-1, 1))
    grey = 1 - np.exp(-random.uniform(1.15, 1.4) * attenuation * beam)
    noise = random.normal(0, 1, size).astype(np.float32)
    grey = grey + 0.012 * (1.2 - grey) * noise + 0.035
    edge = [int(value) for value in random.uniform(0, 0.03, 4) * np.array([rows, rows, columns, columns])]
    mask = np.zeros(size, np.float32)
    mask[edge[0] : rows - edge[1], edge[2] : columns - edge[3]] = 1
    soft = _smoothed(mask, 3)
    exposed: NDArray[np.float32] = np.clip(grey * soft, 0, 1).astype(np.float32)
    return exposed


def _smoothed(layer: NDArray[np.float32], cell: float) -> NDArray[np.float32]:
    """Return a layer without detail finer than `cell` px: shrunk by its mean, enlarged again."""
    rows, columns = layer.shape
    small = (max(2, round(columns / cell)), max(2, round(rows / cell)))
    shrunk = Image.fromarray(layer).resize(small, Image.Resampling.BOX)
    return np.asarray(shrunk.resize((columns, rows), Image.Resampling.BICUBIC), np.float32)


def _marked(grey: NDArray[np.float32], side: str, random: np.random.Generator) -> None:
    """Lay the letter of the side, as of lead, into a corner where nothing is."""
    rows, columns = grey.shape
    height = max(8, rows // 22)
    letter = Image.new("L", (height, height))
    ImageDraw.Draw(letter).text((height // 5, 0), side[0].upper(), fill=255, font=ImageFont.load_default(height))
    alpha = np.asarray(letter, np.float32) / 255
    corners = [(int(rows * y), int(columns * x)) for y in (0.07, 0.86) for x in (0.07, 0.86)]
    emptiness = [
        grey[top : top + height, left : left + height].mean() + 0.01 * random.random() for top, left in corners
    ]
    top, left = corners[int(np.argmin(emptiness))]
    patch = grey[top : top + height, left : left + height]
    np.maximum(patch, alpha[: patch.shape[0], : patch.shape[1]] * 0.97, out=patch)


def _quantised(grey: NDArray[np.float32], bits: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    if bits == 8:
        return np.rint(grey * 255).astype(np.uint8)
    return np.rint(grey * 4095).astype(np.uint16)


def _save(drawn: SyntheticRadiograph, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(drawn.pixels).save(path)


def _manifest_row(file: str, number: int, drawn: SyntheticRadiograph) -> dict[str, str]:
    """Return one row of the manifest; two radiographs share a group and groups never cross the split."""
    group = number // 2
    return {
        "file": file,
        "label": "fractured" if drawn.box else "not_fractured",
        "region": drawn.part,
        "group": f"synthetic-{group:05d}",
        "split": {5: "val", 6: "test"}.get(group % 7, "train"),
        "view": drawn.view,
        "side": drawn.side,
    }


def _box_row(name: str, box: Box) -> dict[str, str]:
    x0, y0, x1, y1 = box
    centre_and_size = ((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0)
    columns = ("x_center", "y_center", "width", "height")
    return {"image_id": name, **{key: f"{value:.5f}" for key, value in zip(columns, centre_and_size, strict=True)}}


def _write_csv(path: Path, rows: Sequence[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
