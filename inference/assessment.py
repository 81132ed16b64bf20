"""From a rendition to an answer: scope, one forward pass, calibration, heat map, regions.

Responsible for what a loaded model says; not for jobs, nor for words on pages. Writes the map to its store, no row.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from bonefrac.errors import PermanentError, TransientError
from bonefrac.stores import MAPS
from inference import engine
from inference.answers import Answer
from inference.models import ModelVersion
from inference.places import artifact_folder
from inference.states import PredictionState
from training.artifact import Artifact, ArtifactError
from training.calibrate import probability, state_of
from training.explanation import activation_map, encode_map, regions
from training.scope import Reason

#: Models that a process keeps loaded: the active one, a shadow, and one that has just been replaced.
KEPT_MODELS: Final = 3
_PREFIX: Final = "not assessed: "
_FACTS: Final = ("modality", "body_part", "age_band")

Rendition = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A verified artifact with its model, ready to answer."""

    artifact: Artifact
    engine: engine.Engine


def load(version: ModelVersion) -> Loaded:
    """Return a model version's artifact, verified and loaded; the last few are kept by the process.

    Raises:
        PermanentError: ``artifact_changed``: the files are not the ones that were registered.
        TransientError: The artifact's folder is not there, as when a store is not mounted.
        OSError: The store cannot be read.
    """
    return _loaded(version.artifact_sha256, str(artifact_folder(version)), settings.INFERENCE_ENGINE)


@lru_cache(maxsize=KEPT_MODELS)
def _loaded(sha256: str, folder: str, kind: str) -> Loaded:
    if not Path(folder).is_dir():
        raise TransientError(f"expected the artifact's folder {folder}: No such file or directory")
    try:
        artifact = Artifact.load(Path(folder))
        if artifact.sha256 != sha256:
            raise ArtifactError(f"{folder}: expected artifact {sha256}. Received: {artifact.sha256}.")
        return Loaded(artifact, engine.load(artifact, kind))
    except ArtifactError as error:
        raise PermanentError("artifact_changed", str(error)) from error


def assess(
    loaded: Loaded, *, facts: Mapping[str, Any], shape: tuple[int, int], read: Callable[[], Rendition]
) -> Answer:
    """Return what the model says of one radiograph.

    Args:
        loaded: The model.
        facts: What its scope asks; see ``radiographs.store``.
        shape: Rows and columns of the radiograph, pixels square.
        read: Returns the rendition (size, size) that the model reads; not called where the scope forbids to speak.

    Raises:
        PermanentError: ``not_finite``: the model answered no number.
    """
    reason = loaded.artifact.scope.assess(
        **{name: facts.get(name) for name in _FACTS}, is_colour_photo=bool(facts.get("is_colour_photo"))
    )
    return _refusal(reason) if reason else _spoken(loaded, shape, read())


def _refusal(reason: Reason) -> Answer:
    return Answer(
        PredictionState.NOT_ASSESSED,
        milliseconds=0.0,
        reason_code=reason.code,
        reason=reason.sentence.removeprefix(_PREFIX),
    )


def _spoken(loaded: Loaded, shape: tuple[int, int], rendition: Rendition) -> Answer:
    artifact = loaded.artifact
    started = time.perf_counter()
    output = loaded.engine.predict(artifact.preprocessing.model_input(rendition))
    if not math.isfinite(output.logit):
        raise PermanentError("not_finite", f"expected a finite logit; received {output.logit}")
    contributions = activation_map(output.features, artifact.head)
    heat_map = encode_map(contributions)
    content = artifact.preprocessing.content_box(*shape)
    found = regions(contributions, content)
    milliseconds = (time.perf_counter() - started) * 1000
    score = probability(output.logit, artifact.temperature)
    state = PredictionState(state_of(score, artifact.operating_points))
    return Answer(
        state,
        milliseconds=milliseconds,
        logit=output.logit,
        probability=score,
        heat_map=MAPS.put(heat_map),
        content_box=content,
        # A region says where something is suspected; where nothing is, the brightest cell means nothing.
        regions=[] if state == PredictionState.NEGATIVE else found,
    )
