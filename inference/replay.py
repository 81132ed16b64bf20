"""Replays an artifact's golden cases on one engine: ``python -m inference.replay FOLDER litert|keras``.

A process of its own, because a model that came from outside may crash the runtime or never end. Knows no Django. Prints
the largest difference as JSON; exits with 1 and a sentence where the model answers otherwise than its artifact says.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import numpy as np

from inference.engine import KINDS, Engine, load
from training.artifact import Artifact, ArtifactError, Golden

LOGIT_TOLERANCE: Final = 1e-4
#: Of the largest feature.
FEATURE_TOLERANCE: Final = 1e-3


def largest_difference(artifact: Artifact, engine: Engine) -> float:
    """Return by how much a golden logit differs at most.

    Raises:
        ArtifactError: A logit differs by more than 1e-4, features by more than 1e-3 of the largest, or no case.
    """
    golden = artifact.golden
    if not len(golden.logits):
        raise ArtifactError(f"{artifact.path}: expected golden cases. Received: none.")
    return max(_difference(artifact, engine, golden, index) for index in range(len(golden.logits)))


def _difference(artifact: Artifact, engine: Engine, golden: Golden, index: int) -> float:
    output = engine.predict(artifact.preprocessing.model_input(golden.renditions[index]))
    difference = float(np.abs(output.logits - golden.logits[index]).max())
    if not difference <= LOGIT_TOLERANCE:
        raise ArtifactError(f"golden case {index}: expected logit {golden.logits[index]}. Received: {output.logits}.")
    means = output.features.mean(axis=(0, 1))
    apart = float(np.abs(means - golden.feature_means[index]).max())
    if not apart <= FEATURE_TOLERANCE * max(float(golden.feature_maxima[index]), 1e-6):
        raise ArtifactError(f"golden case {index}: expected the same features. Received: a difference of {apart}.")
    return difference


def main(arguments: list[str]) -> int:
    """Replay and return the exit status."""
    if len(arguments) != 2 or arguments[1] not in KINDS:
        sys.stderr.write(f"Expected FOLDER and one of {KINDS}. Received: {arguments}.\n")
        return 2
    try:
        artifact = Artifact.load(Path(arguments[0]))
        difference = largest_difference(artifact, load(artifact, arguments[1]))
    except ArtifactError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps({"largest_difference": difference}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
