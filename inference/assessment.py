"""From a rendition to an answer: scope, one forward pass, calibration, map and regions, or classes.

Responsible for what a loaded model says; not for jobs, nor for words on pages. Writes the map to its store, no row.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from bonefrac.errors import PermanentError, TransientError
from bonefrac.stores import MAPS
from inference import engine, heatmaps
from inference.answers import Answer
from inference.models import ModelVersion
from inference.places import artifact_folder
from inference.states import PredictionState
from training.artifact import Artifact, ArtifactError
from training.calibrate import OperatingPoints, class_probabilities, probability, state_of
from training.explanation import regions
from training.likeness import Judgement
from training.scope import Reason

#: Models that a process keeps loaded: one active for each of three tasks, a shadow, and one that was just replaced.
KEPT_MODELS: Final = 5
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
        artifact = Artifact.load(Path(folder), has_tables=False)
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
        **{name: facts.get(name) for name in _FACTS},
        is_colour_photo=bool(facts.get("is_colour_photo")),
        is_film_photo=bool(facts.get("is_film_photo")),
    )
    return _refusal(reason) if reason else _looked(loaded, facts, shape, read())


def _refusal(reason: Reason) -> Answer:
    return Answer(
        PredictionState.NOT_ASSESSED,
        milliseconds=0.0,
        reason_code=reason.code,
        reason=reason.sentence.removeprefix(_PREFIX),
    )


def _looked(loaded: Loaded, facts: Mapping[str, Any], shape: tuple[int, int], rendition: Rendition) -> Answer:
    """Return the answer after one forward pass; what is stored of it is decided here, before anything is."""
    artifact = loaded.artifact
    started = time.perf_counter()
    output = loaded.engine.predict(artifact.preprocessing.model_input(rendition))
    if not np.isfinite(output.logits).all():
        raise PermanentError("not_finite", f"expected finite logits; received {output.logits.tolist()}")
    judged = _judged(artifact, output, rendition)
    if judged.reason:
        return replace(_refusal(judged.reason), milliseconds=(time.perf_counter() - started) * 1000)
    points = artifact.operating_points
    spoken = _classified(artifact, output) if points is None else _verdict(artifact, points, output, shape)
    return replace(
        spoken,
        caution="; ".join(filter(None, (artifact.scope.caveat(facts.get("body_part")), judged.caution))),
        milliseconds=(time.perf_counter() - started) * 1000,
    )


def _judged(artifact: Artifact, output: engine.Output, rendition: Rendition) -> Judgement:
    """Return whether the pixels lie outside what the model knows; an artifact of format 1 did not learn it."""
    if artifact.likeness is None:
        return Judgement()
    return artifact.likeness.judge(output.features, rendition, artifact.scope.body_parts)


def _classified(artifact: Artifact, output: engine.Output) -> Answer:
    """Return every class's probability, the highest first; a map of it would point at nothing in particular."""
    values = class_probabilities(output.logits, artifact.temperature)
    order = np.argsort(-values, kind="stable")
    return Answer(
        PredictionState.CLASSIFIED,
        milliseconds=0.0,
        logit=float(output.logits[order[0]]),
        probability=float(values[order[0]]),
        label=artifact.classes[order[0]],
        probabilities=[(artifact.classes[index], float(values[index])) for index in order],
    )


def _verdict(artifact: Artifact, points: OperatingPoints, output: engine.Output, shape: tuple[int, int]) -> Answer:
    """Return the state of a fracture, with the map and, where the model has earned it, its regions."""
    logit = float(output.logits[0])
    score = probability(logit, artifact.temperature)
    state = PredictionState(state_of(score, points))
    content = artifact.preprocessing.content_box(*shape)
    cells = heatmaps.cells_of(artifact, output)
    # A region says where something is suspected; where nothing is, the brightest cell means nothing.
    has_regions = artifact.shows_regions and state != PredictionState.NEGATIVE
    return Answer(
        state,
        milliseconds=0.0,
        logit=logit,
        probability=score,
        heat_map="" if cells is None else MAPS.put(heatmaps.encode(artifact, cells)),
        content_box=None if cells is None else content,
        regions=regions(cells, content) if has_regions and cells is not None else [],
    )
