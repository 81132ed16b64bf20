"""Judges an artifact's models in a process of its own: ``python -m inference.replay FOLDER litert|keras``.

Looks into both models before a runtime opens one, then replays the golden cases on one engine. A process of its own,
with limits on what it may take, because a model that came from outside may crash the runtime or never end. Knows no
Django. Prints the largest difference as JSON; exits with 1 and a sentence where a model is not what its artifact
says.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Final

import numpy as np

from inference.engine import KINDS, Engine, Output, load
from inference.inspection import require_plain_flatbuffer, require_plain_keras
from training.artifact import Artifact, ArtifactError, Golden

LOGIT_TOLERANCE: Final = 1e-4
#: Of the largest feature.
FEATURE_TOLERANCE: Final = 1e-3
#: Bytes of address space; TensorFlow reserves far more than it uses.
_MEMORY: Final = {"litert": 8_000_000_000, "keras": 64_000_000_000}
#: Seconds of computing, of which a sound model needs a few.
_SECONDS: Final = 100
#: Bytes of a file that it may write: TensorFlow keeps small ones, a model has none to write.
_FILE_BYTES: Final = 1_000_000


def largest_difference(artifact: Artifact, engine: Engine) -> float:
    """Return by how much a golden logit differs at most.

    Raises:
        ArtifactError: The answers have other shapes than the artifact says, or are not the golden ones: a logit, also
            of the map, may differ by 1e-4, a feature by 1e-3 of the largest.
    """
    golden = artifact.golden
    return max(_difference(artifact, engine, golden, index) for index in range(len(golden.renditions)))


def confine(kind: str) -> None:
    """Limit what this process may take for the rest of its life: memory, time, files, no dump of its memory."""
    limits = (
        (resource.RLIMIT_AS, _MEMORY[kind]),
        (resource.RLIMIT_CPU, _SECONDS),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    )
    for limited, most in limits:
        hard = resource.getrlimit(limited)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limited, (allowed, allowed))


def _difference(artifact: Artifact, engine: Engine, golden: Golden, index: int) -> float:
    try:
        output = engine.predict(artifact.preprocessing.model_input(golden.renditions[index]))
    except (ValueError, RuntimeError, IndexError) as error:
        size = artifact.preprocessing.size
        raise ArtifactError(f"expected a model of inputs (1, {size}, {size}, 3). Received: {error}.") from error
    _require_shapes(artifact, output)
    difference = float(np.abs(output.logits - golden.logits[index]).max())
    if not difference <= LOGIT_TOLERANCE:
        raise ArtifactError(f"golden case {index}: expected logit {golden.logits[index]}. Received: {output.logits}.")
    means = output.features.mean(axis=(0, 1))
    apart = float(np.abs(means - golden.feature_means[index]).max())
    if not apart <= FEATURE_TOLERANCE * max(float(golden.feature_maxima[index]), 1e-6):
        raise ArtifactError(f"golden case {index}: expected the same features. Received: a difference of {apart}.")
    _require_map(golden, output, index)
    return difference


def _require_shapes(artifact: Artifact, output: Output) -> None:
    """Refuse answers of other shapes than serving reads."""
    channels = artifact.golden.feature_means.shape[1:]
    shape = output.features.shape
    if output.logits.shape != (artifact.outputs,) or len(shape) != 3 or shape[2:] != channels:
        raise ArtifactError(
            f"expected {artifact.outputs} logits and features (h, w, {', '.join(map(str, channels))}). "
            f"Received: {output.logits.shape} and {shape}."
        )
    if artifact.map_kind == "head" and (output.map is None or output.map.ndim != 2):
        raise ArtifactError("expected a map (h, w). Received: none of that shape.")


def _require_map(golden: Golden, output: Output, index: int) -> None:
    """Refuse a map that is not the golden one, where the artifact has golden maps."""
    if golden.maps is None or output.map is None:
        return
    expected = golden.maps[index]
    same = output.map.shape == expected.shape and float(np.abs(output.map - expected).max()) <= 10 * LOGIT_TOLERANCE
    if not same:
        raise ArtifactError(f"golden case {index}: expected the same map {expected.shape}. Received: another.")


def _judged(folder: Path, kind: str) -> float:
    artifact = Artifact.load(folder)
    require_plain_keras(artifact.keras_file)
    if artifact.model_file.stat().st_size > 0:
        require_plain_flatbuffer(artifact.model_file, artifact.preprocessing.size)
    return largest_difference(artifact, load(artifact, kind))


def main(arguments: list[str]) -> int:
    """Judge and return the exit status."""
    if len(arguments) != 2 or arguments[1] not in KINDS:
        sys.stderr.write(f"Expected FOLDER and one of {KINDS}. Received: {arguments}.\n")
        return 2
    try:
        difference = _judged(Path(arguments[0]), arguments[1])
    except (ArtifactError, MemoryError) as error:
        sentence = " ".join(str(error).split()) or "It asks for more memory than it may have."
        sys.stderr.write(f"{sentence}\n")
        return 1
    sys.stdout.write(json.dumps({"largest_difference": difference}) + "\n")
    return 0


if __name__ == "__main__":
    if sys.argv[2:3] and sys.argv[2] in _MEMORY:
        confine(sys.argv[2])
    sys.exit(main(sys.argv[1:]))
