"""What is a radiograph, a photograph of a film, and another colour picture: by what the colours say."""

from __future__ import annotations

import io

import numpy as np
import pytest
import skimage.data
import sklearn.datasets
from PIL import Image

from tests import factories_intake as files
from training.frames import FrameError, decode_jpeg, decode_picture
from training.frames.colours import Colouring, colouring_of, shrinking_of

SKIMAGE = (
    "astronaut",
    "cat",
    "coffee",
    "colorwheel",
    "hubble_deep_field",
    "immunohistochemistry",
    "logo",
    "retina",
    "rocket",
)
TINTS = ((0.8, 0.95, 1.0), (1.0, 0.93, 0.78), (0.72, 0.9, 1.0), (0.95, 1.0, 0.92))


def judged(colours):
    return colouring_of([colours], shrinking=shrinking_of(*colours.shape[:2]))


def pictures():
    for name in SKIMAGE:
        try:
            yield name, np.ascontiguousarray(getattr(skimage.data, name)()[..., :3])
        except ModuleNotFoundError:  # those that scikit-image does not carry but fetches
            continue
    for name in ("china.jpg", "flower.jpg"):
        yield name, np.asarray(sklearn.datasets.load_sample_image(name))


@pytest.mark.parametrize("tint", TINTS)
@pytest.mark.parametrize("seed", range(3))
def test_a_film_on_a_light_box_is_known_whatever_its_tint(tint, seed):
    frame = decode_jpeg(files.film_photo(seed, tint))
    assert frame.is_film_photo
    assert frame.pixels.shape == (240, 320)


def test_no_colour_picture_is_taken_for_a_film():
    found = {name: judged(colours) for name, colours in pictures()}
    assert len(found) >= 8
    assert {name for name, colouring in found.items() if colouring in (Colouring.GREY, Colouring.FILM)} == set()


def test_a_grey_picture_is_no_photograph_of_a_film():
    grey = np.repeat(files.values()[..., None], 3, axis=2)
    assert judged(grey) is Colouring.GREY
    rounded = np.asarray(Image.open(io.BytesIO(files.jpeg(grey, subsampling=2))))
    assert judged(rounded) is Colouring.GREY
    assert not decode_jpeg(files.jpeg(grey)).is_film_photo
    assert decode_picture(files.jpeg(grey), "jpeg", is_declared_film=True).is_film_photo


def test_a_person_decides_where_the_colours_leave_it_open_and_only_there():
    unsure = files.film_photo(far=0.04)
    with pytest.raises(FrameError, match="it may be a photograph of a film"):
        decode_jpeg(unsure)
    assert decode_picture(unsure, "jpeg", is_declared_film=True).is_film_photo
    colours = dict(pictures())["astronaut"]
    with pytest.raises(FrameError, match="it is a colour picture, a radiograph is grey"):
        decode_picture(files.jpeg(colours), "jpeg", is_declared_film=True)


def test_no_radiograph_of_the_shared_ones_is_taken_for_a_film(shared_data):
    paths = sorted((shared_data / "fracatlas").rglob("*.jpg"))[::60]
    assert len(paths) > 20
    assert not any(decode_jpeg(path.read_bytes()).is_film_photo for path in paths)


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_kind_is_turned_as_its_orientation_says(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = np.zeros((40, 64), np.uint8)
    upright[:20, :32] = 200
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
    content = files.saved(Image.fromarray(upright), kind.upper(), exif=exif)
    image = Image.fromarray(upright)
    expected = image.transpose(Image.Transpose(turns[orientation])) if orientation > 1 else image
    assert np.abs(decode_picture(content, kind).pixels.astype(int) - np.asarray(expected)).mean() < 4


def test_a_telephones_jpeg_of_two_pictures_is_its_first():
    first, second = (Image.fromarray(files.values()) for _picture in range(2))
    frame = decode_jpeg(files.saved(first, "MPO", save_all=True, append_images=[second], quality=95))
    assert np.abs(frame.pixels.astype(int) - np.asarray(first)).mean() < 4


def test_a_tiff_that_is_white_at_zero_is_shown_inverted():
    plain = decode_picture(files.saved(Image.fromarray(files.values(16, 3)), "TIFF"), "tiff")
    white = decode_picture(files.saved(Image.fromarray(files.values(16, 3)), "TIFF", tiffinfo={262: 0}), "tiff")
    assert np.abs(plain.grey().astype(int) + white.grey() - 65535).max() <= 1
