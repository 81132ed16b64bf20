"""The reader of burnt-in letters: known words are known at any turn, names are not, and its samples are sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from training.lettering import Vocabulary, fit, lines_of
from training.lettering.glyphs import CLASSES, SIDE, class_of

KNOWN = Vocabulary.of(["ankle", "left", "lateral", "forearm"])


def written(text, size=26, ink=255, ground=40, turns=0):
    picture = Image.new("L", (400, 300), ground)
    ImageDraw.Draw(picture).text((40, 120), text, fill=ink, font=ImageFont.load_default(size))
    return np.ascontiguousarray(np.rot90(np.asarray(picture), turns))


@pytest.mark.parametrize("turns", [0, 1, 3])
@pytest.mark.parametrize(("ink", "ground"), [(255, 40), (10, 200)])
def test_known_words_pass_and_names_do_not_at_any_turn(turns, ink, ground):
    assert lines_of(written("LEFT ANKLE", ink=ink, ground=ground, turns=turns), KNOWN) == []
    (found,) = lines_of(written("HARRIS", ink=ink, ground=ground, turns=turns), KNOWN)
    rows, columns = np.nonzero(written("HARRIS", ink=ink, ground=ground, turns=turns) != ground)
    assert abs(found.left - columns.min()) <= 3
    assert abs(found.top - rows.min()) <= 3
    assert abs(found.left + found.width - columns.max()) <= 4
    assert found.marks >= 5


@pytest.mark.parametrize("text", ["ANKLE HARRIS", "LEFT 19610403", "03/12/1961"])
def test_one_unknown_word_among_known_ones_is_enough(text):
    assert lines_of(written(text), KNOWN)


@pytest.mark.parametrize("text", ["L", "R", "12", "LEFT 2"])
def test_what_is_short_names_nobody(text):
    assert lines_of(written(text), KNOWN) == []


def test_a_torn_word_is_mended_but_no_name_is():
    assert lines_of(written("FORE ARM"), KNOWN) == []
    assert lines_of(written("FORE MAN"), KNOWN)


def test_letters_of_either_case_and_shapes_alike_are_one_class():
    assert class_of("a") == class_of("A")
    assert class_of("0") == class_of("o")
    assert class_of("l") == class_of("I") == class_of("1")
    assert CLASSES[class_of("Ж")] == "?"


def test_its_samples_are_found_where_they_were_drawn():
    fonts = sorted(Path("/usr/share/fonts").rglob("DejaVuSans*.ttf"))
    if not fonts:
        pytest.skip("the fonts DejaVu are not installed")
    chance = np.random.default_rng(1)
    drawn, letters = fit._written(Image.new("L", (500, 400), 30), fonts, chance)
    found = list(fit._found(drawn, letters, chance))
    assert len(letters) > 20
    assert len(found) > len(letters) / 4
    assert {glyph.shape for glyph, _ in found} == {(SIDE * SIDE,)}
    assert {kind for _, kind in found} <= {class_of(letter) for _, letter in letters} | {CLASSES.index("~")}
