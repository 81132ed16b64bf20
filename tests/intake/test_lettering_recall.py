"""How much text in pixels is found, by condition, and how many real radiographs are held; printed as a table."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from studies.decoding.lettering import lines_of

NAMES = ("SMITH JOHN", "DOE^JANE", "Garcia Maria", "Nguyen Van Anh", "mueller, hans", "O'BRIEN PAT")
NUMBERS = ("12.03.1961", "ID 4711234", "1961-03-12", "MRN 00238817", "03/12/61", "8804231")
SHORT = ("LI WEI", "KIM", "DOE", "Wu Li", "LEE")
STACKED = ("SMITH\nJOHN", "LI\nWEI", "DOE\nJANE")
WORDS = (
    "L", "R", "AP", "PA", "LAT", "OBL", "ERECT", "PORTABLE", "LEFT", "RIGHT", "LATERAL", "SUPINE", "STANDING", "L AP",
    "R LAT", "WEIGHT BEARING", "AP ERECT", "TABLE", "MOBILE",
)  # fmt: skip
OTHER_SCRIPTS = ("Иванов Пётр", "Смирнова", "Παπαδόπουλος")
JOINED = ("محمد علي", "فاطمة")
FONTS = (
    "liberation/LiberationSans-Regular", "liberation/LiberationMono-Regular", "liberation/LiberationSerif-Regular",
    "dejavu/DejaVuSans", "dejavu/DejaVuSans-Bold", "dejavu/DejaVuSansMono", "liberation/LiberationSansNarrow-Bold",
)  # fmt: skip
FOLDER = Path("/usr/share/fonts/truetype")
#: Condition: texts, sizes in pixels, the least share that must be held, how they are drawn.
CONDITIONS = {
    "names, 10 px": (NAMES, (10,), 0.4, {}),
    "names, 12 px": (NAMES, (12,), 0.9, {}),
    "names, 14 to 18 px": (NAMES, (14, 16, 18), 0.95, {}),
    "names, 24 to 40 px": (NAMES, (24, 32, 40), 0.95, {}),
    "names on anatomy": (NAMES, (14, 18, 28), 0.95, {"is_central": True}),
    "names, dark on a light label": (NAMES, (12, 16, 24), 0.9, {"label": 235}),
    "names, upwards": (NAMES, (12, 16, 24), 0.9, {"turns": 1}),
    "names, downwards": (NAMES, (12, 16, 24), 0.9, {"turns": 3}),
    "names, 30 levels lighter": (NAMES, (14, 20), 0.5, {"above": 30}),
    "names, 40 levels lighter": (NAMES, (14, 20), 0.8, {"above": 40}),
    "names, 60 levels lighter": (NAMES, (14, 20), 0.9, {"above": 60}),
    "names, 60 levels darker": (NAMES, (14, 20), 0.7, {"above": -60, "is_central": True}),
    "numbers and dates": (NUMBERS, (12, 16, 20, 24), 0.9, {}),
    "names of 3 to 5 letters": (SHORT, (12, 16, 24), 0.65, {}),
    "names in two lines": (STACKED, (12, 16, 24), 0.9, {}),
    "Cyrillic, Greek": (OTHER_SCRIPTS, (14, 18, 24), 0.9, {}),
}


def fonts():
    found = [str(FOLDER / f"{name}.ttf") for name in FONTS if (FOLDER / f"{name}.ttf").is_file()]
    if len(found) < 4:
        pytest.skip("the fonts Liberation and DejaVu are not installed")
    return found


def written(pixels, text, *, font, size, chance, label=None, turns=0, above=None, is_central=False):
    """The picture with a text in a corner or in the middle; None where it does not fit or could not be seen."""
    face = ImageFont.truetype(font, size)
    box = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), text, font=face)
    layer = Image.new("L", (int(box[2] - box[0]) + 2, int(box[3] - box[1]) + 2))
    ImageDraw.Draw(layer).multiline_text((1 - box[0], 1 - box[1]), text, fill=255, font=face)
    ink = np.rot90(np.asarray(layer, np.float32) / 255, turns)
    free = np.array(pixels.shape) - ink.shape
    if min(free) < 4:
        return None
    share = chance.uniform(0.3, 0.7, 2) if is_central else np.abs(chance.integers(0, 2, 2) - chance.uniform(0, 0.2, 2))
    top, left = np.clip((free * share).astype(int), 0, free)
    drawn = pixels.astype(np.float32)
    place = drawn[top : top + ink.shape[0], left : left + ink.shape[1]]
    if label is not None:
        place[:] = label
    level = 0 if label is not None else 255 if above is None else np.clip(np.median(place) + above, 0, 255)
    place[:] = place * (1 - ink) + level * ink
    is_seen = label is not None or np.abs(drawn - pixels).max() > min(40, abs(above or 40) * 0.8)
    return drawn.astype(np.uint8) if is_seen else None


def share_held(pictures, texts, sizes, faces, **how):
    chance, held = np.random.default_rng(1), []
    for i, picture in enumerate(pictures):
        font, size = faces[i % len(faces)], sizes[i % len(sizes)]
        drawn = written(picture, texts[i % len(texts)], font=font, size=size, chance=chance, **how)
        if drawn is not None:
            held.append(bool(lines_of(drawn)))
    assert len(held) > 10
    return float(np.mean(held))


def radiographs_of(root, split):
    with (root / "manifest.csv").open() as manifest:
        for row in csv.DictReader(manifest):
            if row["split"] == split:
                with Image.open(root / row["file"]) as opened:
                    yield np.asarray(opened.convert("L"))


@pytest.mark.long
@pytest.mark.timeout(600)
def test_few_real_radiographs_are_held_and_drawn_text_is(shared_data):
    faces, pictures = fonts(), list(radiographs_of(shared_data / "fracatlas", "val"))
    held = [bool(lines_of(picture)) for picture in pictures]
    print(f"\nFracAtlas val: {sum(held)} of {len(held)} held")
    assert np.mean(held) <= 0.05
    plain = [picture for picture, is_held in zip(pictures, held, strict=True) if not is_held][::8]
    short = {}
    for name, (texts, sizes, least, how) in CONDITIONS.items():
        found = share_held(plain, texts, sizes, faces, **how)
        print(f"{name:32} {found:.2f}")
        if found < least:
            short[name] = found
    print(f"{'Arabic (joined letters)':32} {share_held(plain, JOINED, (14, 18, 24), faces[3:4]):.2f}")
    words = share_held(plain, WORDS, (14, 20, 28), faces)
    print(f"{'position words, held needlessly':32} {words:.2f}")
    assert short == {}
    assert words <= 0.25


@pytest.mark.long
@pytest.mark.timeout(600)
def test_full_size_radiographs_take_little_time_and_their_text_is_found(shared_data):
    faces, pictures = fonts(), []
    for path in sorted((shared_data / "fracatlas" / "full_size").glob("*.jpg")):
        with Image.open(path) as opened:
            pictures.append(np.asarray(opened.convert("L")))
    begun = time.process_time()
    held = [bool(lines_of(picture)) for picture in pictures]
    each = 1000 * (time.process_time() - begun) / len(pictures)
    size = np.mean([picture.size for picture in pictures]) / 1e6
    print(f"\n{len(pictures)} of {size:.1f} megapixels: {each:.0f} ms each; {np.mean(held):.2f} held: a clinic's logo")
    plain = [picture for picture, is_held in zip(pictures, held, strict=True) if not is_held]
    for height, least in ((16, 0.3), (20, 0.6), (28, 0.8), (40, 0.9), (80, 0.9), (120, 0.9)):
        found = share_held(plain, NAMES, (height,), faces)
        print(f"names of {height} px at full size: {found:.2f}")
        assert found >= least, height
