"""Keeping what a frozen base answers: how much faster a round is than running the base at every step."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]
IMAGES, STEPPED = 2000, 64


def test_rounds_on_kept_features_are_a_hundred_times_as_fast(tmp_path):
    """The rounds of `fit` on a frozen MobileNetV2 at 224 px, from the second on, per image."""
    import keras

    from training.config import Config, Phase
    from training.fitting import batches, course, losses, pictures
    from training.networks import recipes

    keras.utils.set_random_seed(0)
    config = Config("mobilenet_v2", (Phase("head", 4, 1e-3),), size=224, balance="none")
    squares = np.random.default_rng(0).integers(0, 255, (IMAGES, 224, 224)).astype(np.uint8)
    whole = (0.0, 0.0, 1.0, 1.0)
    shown = pictures.Pictures(squares, ((),) * IMAGES, (whole,) * IMAGES)
    targets = np.arange(IMAGES) % 2
    served = recipes.named(config.network).build(config.size, config.question, config.options)
    task = course.Task(config, shown, targets, tuple(range(IMAGES)), (), tmp_path / "run", tmp_path / "kept", "bench")
    course.carry_out(task, served)
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    kept = min(entry["seconds"] for entry in history[1:]) / IMAGES

    model = keras.Model(served.input, {"logit": served.output["logit"]})
    model.compile(losses.optimizer(config.phases[0], config, 1), loss=losses.losses(config), jit_compile=False)
    source = batches.Fresh(shown, None, 0)
    drawn = batches.Batches(source, range(STEPPED), targets, config, (0, 0))
    model.fit(drawn, epochs=1, verbose=0)  # compiles
    started = time.perf_counter()
    model.fit(drawn, epochs=1, verbose=0)
    stepped = (time.perf_counter() - started) / STEPPED
    print(
        f"\nan image of a round: base at every step {stepped * 1e3:.1f} ms, kept {kept * 1e3:.3f} ms, "
        f"{stepped / kept:.0f} times as fast"
    )
    assert stepped / kept >= 100
