"""A data set of drawn bars, and a tiny model that the command line fitted, converted and packed on it."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT

COUNT = 240
RECIPE = {
    "network": "tiny",
    "size": 64,
    "batch": 16,
    "balance": "draws",
    "draws": 320,
    "smoothing": 0.05,
    "augmentation": {},
    "phases": [{"open": "all", "epochs": 10, "learning_rate": 3e-3}],
}


def command(*arguments):
    """Run `python -m training`; TensorFlow speaks in that process, not in this one."""
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [sys.executable, "-m", "training", *map(str, arguments)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip


def draw_bars(folder, count=COUNT):
    """Write bars; every other one is interrupted by a dark gap, which has a box."""
    random = np.random.default_rng(7)
    folder.mkdir()
    rows, boxes = [], []
    for number in range(count):
        picture = random.normal(40, 5, (80, 64))
        x, y = random.integers(20, 36), random.integers(15, 55)
        picture[5:75, x : x + 10] += 120
        if number % 2 == 0:
            picture[y : y + 9, x - 4 : x + 14] = 25
            boxes.append((f"{number}.png", (x + 5) / 64, (y + 4.5) / 80, 18 / 64, 9 / 80))
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(folder / f"{number}.png")
        split = "train" if number < 160 else "val" if number < 200 else "test"
        label = "not_fractured" if number % 2 else "fractured"
        rows.append((f"{number}.png", label, f"g{number // 2}", split, ("hand", "leg", "leg+hip")[number // 2 % 3]))
    _write(folder / "manifest.csv", ("file", "label", "group", "split", "region"), rows)
    _write(folder / "boxes.csv", ("image_id", "x_center", "y_center", "width", "height"), boxes)
    return folder


def _write(path, head, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])


@pytest.fixture(scope="session")
def bars(tmp_path_factory):
    """The data set of bars."""
    return draw_bars(tmp_path_factory.mktemp("bars") / "data")


@pytest.fixture(scope="session")
def fitted(bars, tmp_path_factory):
    """The folder of a run that was fitted and converted."""
    folder = tmp_path_factory.mktemp("fitted")
    recipe, run = folder / "tiny.json", folder / "run"
    recipe.write_text(json.dumps(RECIPE))
    for arguments in (("fit", recipe, bars, run), ("convert", run)):
        done = command(*arguments)
        assert done.returncode == 0, done.stderr
    return run


@pytest.fixture(scope="session")
def packed(fitted, bars, tmp_path_factory):
    """The artifact of that run."""
    out = tmp_path_factory.mktemp("packed") / "artifact"
    options = ("--name", "bars", "--version", "1", "--source", "synthetic", "--rounds", 40, "--test")
    done = command("evaluate", fitted, bars, out, *options)
    assert done.returncode == 0, done.stderr
    return out
