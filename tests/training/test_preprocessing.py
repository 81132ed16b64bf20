"""The path from grey levels to what a model reads."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from training.preprocessing import Preprocessing, small_copy


@pytest.mark.parametrize(("rows", "columns"), [(100, 60), (60, 100), (64, 64), (1000, 777), (7, 300)])
def test_rendition_keeps_aspect_centred_on_black(rows, columns):
    preprocessing = Preprocessing(64)
    grey = np.tile(np.linspace(50, 250, columns).astype(np.uint8), (rows, 1))
    grey[0, 0] = 49
    rendition = preprocessing.rendition(grey)
    x0, y0, x1, y1 = (round(value * 64) for value in preprocessing.content_box(rows, columns))
    assert rendition.shape == (64, 64)
    assert rendition.dtype == np.uint8
    assert abs((x1 - x0) / (y1 - y0) - columns / rows) <= columns / rows / min(x1 - x0, y1 - y0)
    assert abs(x0 - (64 - x1)) <= 1
    assert abs(y0 - (64 - y1)) <= 1
    outside = np.ones((64, 64), bool)
    outside[y0:y1, x0:x1] = False
    assert not rendition[outside].any()
    assert rendition[y0:y1, x1 - 1].min() > 240


def test_depth_and_exposure_do_not_matter():
    y, x = np.mgrid[0:320, 0:256] / 20
    smooth = (np.sin(x) * np.cos(0.7 * y) + 1) / 2
    preprocessing = Preprocessing(96)
    eight = preprocessing.rendition((smooth * 255).astype(np.uint8)).astype(int)
    sixteen = preprocessing.rendition((smooth * 3000 + 700).astype(np.uint16)).astype(int)
    floating = preprocessing.rendition((smooth * 0.01 - 5).astype(np.float32)).astype(int)
    assert abs(sixteen - floating).max() <= 1
    assert abs(eight - sixteen).max() <= 4


def test_shrinking_is_antialiased():
    stripes = np.zeros((640, 640), np.uint8)
    stripes[:, ::2] = 200
    stripes[:, 320:] = 0
    rendition = Preprocessing(64).rendition(stripes)
    inner = rendition[8:-8, 4:28].astype(int)
    assert inner.max() - inner.min() <= 30


def test_even_picture_is_black_and_an_outlier_does_not_set_the_scale():
    preprocessing = Preprocessing(128)
    assert not preprocessing.rendition(np.full((40, 40), 77, np.uint8)).any()
    ramp = np.tile(np.linspace(0, 100, 256).astype(np.float32), (256, 1))
    with_marker = ramp.copy()
    with_marker[:8, :8] = 60000
    difference = preprocessing.rendition(ramp).astype(int) - preprocessing.rendition(with_marker).astype(int)
    assert np.median(abs(difference)) <= 4


def test_model_input_is_minus_one_to_one_in_three_equal_channels():
    preprocessing = Preprocessing(16)
    rendition = np.arange(256, dtype=np.uint8).reshape(16, 16)
    read = preprocessing.model_input(rendition)
    assert read.shape == (1, 16, 16, 3)
    assert read.dtype == np.float32
    assert read.min() == -1
    assert read.max() == 1
    assert (read[..., 0] == read[..., 2]).all()
    with pytest.raises(ValueError, match=r"\(16, 16\)"):
        preprocessing.model_input(np.zeros((16, 15), np.uint8))


@pytest.mark.parametrize(
    "grey",
    [
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros((4, 4), np.int32),
        np.full((4, 4), np.nan, np.float32),
    ],
)
def test_what_is_no_picture_is_refused(grey):
    with pytest.raises(ValueError, match="Expected"):
        Preprocessing(16).rendition(grey)


def test_digest_names_the_pixels_it_stands_for():
    one = Preprocessing(384)
    assert Preprocessing.from_dict(one.to_dict()) == one
    assert len({one.digest, Preprocessing(320).digest, Preprocessing(384, low=1.0).digest}) == 3
    assert one.digest == Preprocessing(384).digest
    assert Preprocessing.from_dict({**one.to_dict(), "algorithm": 1}).digest != one.digest
    with pytest.raises(ValueError, match="algorithm 1 or 2"):
        Preprocessing.from_dict({**one.to_dict(), "algorithm": 3})
    with pytest.raises(ValueError, match="fields"):
        Preprocessing.from_dict({"algorithm": 1, "size": 384})
    with pytest.raises(ValueError, match="low < high"):
        Preprocessing(384, low=60, high=50)
    with pytest.raises(ValueError, match="size"):
        Preprocessing(8)


def test_serving_modules_load_without_a_training_framework():
    names = "preprocessing explanation calibrate scope artifact synthetic"
    code = (
        "import sys; from training import " + ", ".join(names.split()) + "\n"
        "heavy = {'tensorflow', 'keras', 'scipy', 'sklearn', 'matplotlib', 'django', 'torch'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_an_original_and_its_small_copy_become_the_same(depth):
    """Data sets hold copies of 512 px; what comes through the door is the grainy original."""
    y, x = np.mgrid[0:2400, 0:1800] / 150
    grain = np.random.default_rng(3).normal(0, 0.08, (2400, 1800))
    original = np.clip((np.sin(x) * np.cos(0.7 * y) + 1) / 2 + grain, 0, 1) * np.iinfo(depth).max
    copy = np.asarray(Image.fromarray(original.astype(np.float32)).resize((384, 512), Image.Resampling.LANCZOS))
    copy = np.clip(copy, 0, np.iinfo(depth).max).astype(depth)
    preprocessing = Preprocessing(384)
    assert preprocessing.algorithm == 2
    pair = [preprocessing.rendition(grey).astype(int) for grey in (original.astype(depth), copy)]
    assert abs(pair[0] - pair[1]).max() <= 3
    older = Preprocessing(384, algorithm=1).rendition(original.astype(depth)).astype(int)
    assert abs(pair[0] - pair[1]).mean() < 0.5 * abs(older - pair[1]).mean()


@pytest.mark.parametrize("shape", [(2880, 2304), (511, 2000), (512, 300), (40, 30)])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_one_small_copy_serves_several_models(shape, depth):
    grey = np.random.default_rng(6).integers(0, 256, shape).astype(depth)
    small = small_copy(grey)
    assert max(small.shape) <= 512
    for preprocessing in (Preprocessing(384), Preprocessing(224, low=1.0)):
        assert preprocessing.is_of_small_copy
        assert (preprocessing.rendition(small) == preprocessing.rendition(grey)).all()
        assert preprocessing.content_box(*small.shape) == preprocessing.content_box(*shape)
    assert not Preprocessing(640).is_of_small_copy
    assert not Preprocessing(384, algorithm=1).is_of_small_copy


def test_a_model_of_many_pixels_is_never_given_fewer():
    grey = np.random.default_rng(4).integers(0, 255, (1600, 1600)).astype(np.uint8)
    assert (Preprocessing(1024).rendition(grey) == Preprocessing(1024, algorithm=1).rendition(grey)).mean() > 0.99
