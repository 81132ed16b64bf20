"""Makes the reader's weights: draws letters of many fonts onto radiographs, finds them again as marks, learns them.

``python -m training.lettering.fit FONTS PICTURES OUT`` takes two folders, searched to any depth. What is found where
nothing was drawn teaches what is no letter. Only for making weights; nothing that serves imports it.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from training.lettering.chains import letters_in
from training.lettering.glyphs import CLASSES, SIDE, class_of, glyphs_of
from training.lettering.marks import marks_of
from training.lettering.reader import WEIGHTS

LATIN: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz00112233445566778899////"
OTHERS: Final = "БГДЖЗИЛПУФЦЧШЩЫЭЮЯбгджзилпфцчшщыэюяΓΔΘΛΞΠΣΦΨΩαβγδεζηθλμξπσφψω&@#%$§ÄÖÜßÉÑÅØ"
HIDDEN: Final = (192, 96)
_PER_PICTURE: Final = 16
_NO_LETTERS: Final = 12


def samples(fonts: Sequence[Path], pictures: Sequence[Path], *, seed: int) -> Iterator[tuple[NDArray[np.float32], int]]:
    """Yield glyphs as ``glyphs.glyphs_of`` cuts them, with their classes."""
    chance = np.random.default_rng(seed)
    for picture in pictures:
        with Image.open(picture) as opened:
            grey = opened.convert("L")
        grey = grey.crop(grey.getbbox() or (0, 0, *grey.size)).rotate(int(chance.integers(4)) * 90, expand=True)
        grey.thumbnail((640, 640))
        drawn, letters = _written(grey, fonts, chance)
        yield from _found(drawn, letters, chance)


def _written(
    grey: Image.Image, fonts: Sequence[Path], chance: np.random.Generator
) -> tuple[Image.Image, list[tuple[tuple[int, int, int, int], str]]]:
    """Return the picture with letters, and where each is."""
    layer, letters = Image.new("L", grey.size), []
    pen = ImageDraw.Draw(layer)
    for _ in range(_PER_PICTURE):
        size = int(np.exp(chance.uniform(np.log(8), np.log(56))))
        font = ImageFont.truetype(fonts[int(chance.integers(len(fonts)))], size)
        x, y = int(chance.integers(0, grey.width)), int(chance.integers(0, grey.height))
        for _ in range(int(chance.integers(3, 12))):
            letter = str(chance.choice(list(LATIN if chance.random() < 0.92 else OTHERS)))
            box = pen.textbbox((x, y), letter, font=font)
            if box[2] >= grey.width or box[3] >= grey.height or layer.crop(_grown(box)).getbbox():
                break
            pen.text((x, y), letter, fill=255, font=font)
            letters.append(((int(box[0]), int(box[1]), int(box[2]), int(box[3])), letter))
            x = int(box[2] + max(1, size * chance.uniform(0.0, 0.25)))
    soft = layer.filter(ImageFilter.GaussianBlur(float(chance.choice([0, 0, 0.4, 0.7, 1.0]))))
    return _inked(grey, soft, chance), letters


def _grown(box: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    return int(box[0]), int(box[1]), int(box[2]) + 2, int(box[3])


def _inked(grey: Image.Image, layer: Image.Image, chance: np.random.Generator) -> Image.Image:
    under, ink = np.asarray(grey, np.float32), np.asarray(layer, np.float32) / 255
    level = 255.0 if chance.random() < 0.5 else np.clip(under + chance.uniform(35, 160), 0, 255)
    if chance.random() < 0.3:
        level = np.clip(under - chance.uniform(40, 200), 0, 255)
    mixed = under * (1 - ink) + level * ink + chance.normal(0, chance.uniform(0, 4), under.shape)
    buffer = io.BytesIO()
    picture = Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))
    picture.save(buffer, "JPEG", quality=int(chance.integers(60, 98)))
    return Image.open(buffer)


def _found(
    drawn: Image.Image, letters: Sequence[tuple[tuple[int, int, int, int], str]], chance: np.random.Generator
) -> Iterator[tuple[NDArray[np.float32], int]]:
    if not letters:
        return
    where = np.array([box for box, _ in letters])
    for marks in marks_of(np.asarray(drawn)):
        boxes = marks.boxes[letters_in(marks.boxes) == 1]
        if not len(boxes):
            continue
        overlap = _overlap(boxes, where)
        best = overlap.argmax(axis=1)
        is_letter, is_none = overlap.max(axis=1) > 0.55, overlap.max(axis=1) < 0.02
        none = np.flatnonzero(is_none)
        chosen = np.concatenate([np.flatnonzero(is_letter), chance.permutation(none)[:_NO_LETTERS]])
        for glyph, index in zip(glyphs_of(marks.ink, boxes[chosen]) if len(chosen) else (), chosen, strict=False):
            yield glyph, class_of(letters[best[index]][1]) if is_letter[index] else CLASSES.index("~")


def _overlap(boxes: NDArray[np.int64], where: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return intersection over union of marks and drawn boxes."""
    low = np.maximum(boxes[:, None, :2], where[None, :, :2])
    high = np.minimum(boxes[:, None, 2:4], where[None, :, 2:4])
    shared = np.prod(np.maximum(0, high - low), axis=2)
    sizes = np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1)[:, None] + np.prod(where[:, 2:] - where[:, :2], axis=1)
    overlap: NDArray[np.float64] = shared / (sizes - shared)
    return overlap


def fit(glyphs: NDArray[np.float32], classes: NDArray[np.int64], *, epochs: int = 14) -> dict[str, NDArray[np.float16]]:
    """Return the weights of a plain network with two hidden layers."""
    import keras

    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(width, activation="relu") for width in HIDDEN]
    network = keras.Sequential([keras.Input((SIDE * SIDE,)), *layers, keras.layers.Dense(len(CLASSES))])
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * len(glyphs) // 256)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    network.fit(glyphs, classes, batch_size=256, epochs=epochs, validation_split=0.05, verbose=2)
    named = zip(("w1", "b1", "w2", "b2", "w3", "b3"), network.get_weights(), strict=True)
    return {name: values.astype(np.float16) for name, values in named}


def main(fonts: str, pictures: str, out: str = str(WEIGHTS)) -> None:
    """Draw, learn, and write the weights."""
    found = [sorted(path for path in Path(folder).rglob("*") if path.suffix in endings)
             for folder, endings in ((fonts, (".ttf", ".otf")), (pictures, (".jpg", ".png")))]  # fmt: skip
    drawn = [one for seed in range(3) for one in samples(*found, seed=seed)]
    order = np.random.default_rng(1).permutation(len(drawn))
    glyphs, classes = np.stack([drawn[i][0] for i in order]), np.array([drawn[i][1] for i in order])
    print(f"{len(glyphs)} glyphs")
    np.savez_compressed(out, **fit(glyphs, classes))  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*sys.argv[1:])
