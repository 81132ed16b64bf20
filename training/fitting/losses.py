"""What is asked of the outputs while they are trained.

Responsible for the loss and the optimizer of a phase; not for the course of training.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from training.config import Config, Phase


def losses(config: Config) -> dict[str, Callable[[Any, Any], Any]]:
    """Return the loss of each output that is taught."""
    found = {"logit": _label_loss(config)}
    if config.covered or config.pointed:
        found["map"] = _map_loss(config)
    return found


def accuracy(config: Config) -> keras.metrics.Metric:
    """Return the share of images whose class the logits name."""
    if config.question.outputs == 1:
        return keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")
    return keras.metrics.CategoricalAccuracy(name="accuracy")


def optimizer(phase: Phase, config: Config, steps: int) -> keras.optimizers.Optimizer:
    """Return a phase's optimizer; `steps` are those of the whole phase."""
    rate: Any = phase.learning_rate
    if phase.schedule == "cosine":
        rise = max(1, steps // 10)
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 20, max(1, steps - rise), alpha=0.01, warmup_target=rate, warmup_steps=rise
        )
    shared: dict[str, Any] = {"global_clipnorm": phase.clip}
    if config.averaging:
        shared |= {"use_ema": True, "ema_momentum": config.averaging}
    if phase.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, phase.weight_decay, **shared)
    return keras.optimizers.Adam(rate, **shared)


def _label_loss(config: Config) -> Callable[[Any, Any], Any]:
    """Return the cross-entropy of the logits, (batch,)."""

    def binary(label: Any, logit: Any) -> Any:
        return keras.losses.binary_crossentropy(label, logit, from_logits=True, label_smoothing=config.smoothing)

    def several(label: Any, logits: Any) -> Any:
        return keras.losses.categorical_crossentropy(label, logits, from_logits=True, label_smoothing=config.smoothing)

    return binary if config.question.outputs == 1 else several


def _map_loss(config: Config) -> Callable[[Any, Any], Any]:
    """Return what boxes ask of the map, (batch,).

    Each cell is asked whether a box covers it, covered cells weighing ten times; and the whole map, where there is a
    box, to be strongest inside: the cross-entropy between where the boxes lie and a softmax over the cells.
    """

    def loss(covered: Any, said: Any) -> Any:
        said = keras.ops.reshape(said, (-1, said.shape[1] * said.shape[2]))
        covered = keras.ops.reshape(covered, keras.ops.shape(said))
        cells = keras.ops.binary_crossentropy(covered, said, from_logits=True)
        each = keras.ops.mean(cells * (1.0 + 9.0 * covered), axis=1)
        total = keras.ops.maximum(keras.ops.sum(covered, axis=1, keepdims=True), 1e-6)
        where = -keras.ops.sum(covered / total * keras.ops.log_softmax(said, axis=1), axis=1)
        return config.covered * each + config.pointed * where

    return loss
