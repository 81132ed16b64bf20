"""A model as a folder: what is shipped, registered, verified and served.

Responsible for reading what serving needs, without TensorFlow, and for believing nothing in the folder that was not
checked; not for how the files come about (`training.convert`, `training.evaluation`) nor for running a model.

    model.keras  model.tflite  head.npz  config.json  scope.json  card.md  report.json  report.html  golden.npz
    predictions.csv  seen.csv  scope.npz  SHA256SUMS

Format 1 lacks the three files before the last: its predictions and what it learnt from are unknown.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from training import predictions, seen
from training.artifact.arrays import arrays
from training.artifact.configuration import Configuration, MapKind
from training.artifact.errors import ArtifactError
from training.artifact.folder import FILES, FILES_1, SUMS, checksums, verify, write
from training.artifact.texts import LARGE, json_object, text
from training.calibrate import OperatingPoints
from training.explanation import Head
from training.likeness import Likeness
from training.predictions import Row
from training.preprocessing import Preprocessing
from training.scope import Scope
from training.seen import Seen

__all__ = [
    "FILES", "FILES_1", "SUMS", "Artifact", "ArtifactError", "Golden", "MapKind", "checksums", "verify", "write",
]  # fmt: skip

#: More cases than these prove no more.
_MOST_GOLDEN = 64
_NO_TABLES: dict[str, Any] = {"predictions": (), "seen": ()}


@dataclass(frozen=True, slots=True)
class Golden:
    """Synthetic inputs and what the Keras model answered: replayed wherever the model is going to serve.

    Attributes:
        renditions: (n, size, size) uint8.
        logits: (n,) float32, or (n, outputs) of a model with several logits.
        feature_means: (n, channels) float32, features averaged over their cells.
        feature_maxima: (n,) float32, the largest feature of each input.
        maps: (n, h, w) float32, the model's own map of logits; None where it has none.
    """

    renditions: NDArray[np.uint8]
    logits: NDArray[np.float32]
    feature_means: NDArray[np.float32]
    feature_maxima: NDArray[np.float32]
    maps: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """A verified artifact.

    Attributes:
        path: its folder.
        name: of the model, as people say it.
        version: of this training, as people say it.
        task: what it answers: `fracture`, `body_part` or `fracture_type`.
        classes: of the task, in the order of the logits; with two classes there is one logit, of the second.
        network: name of the recipe.
        preprocessing: from grey levels to its input.
        temperature: the logits are divided by it before the sigmoid or softmax.
        operating_points: calibrated probabilities; None for a model of more than two classes.
        map_kind: what draws the map: `head` the model's own output `map`, `activation` the closed form, `none` nothing.
        shows_regions: whether the map was measured to point at fractures well enough to be shown as a finding.
        scope: what it may speak about.
        head: pooled features to logits, for the explanation.
        golden: inputs with known answers.
        predictions: of labelled images that it had not learnt from; empty for format 1.
        seen: what it learnt from; empty where that is not known.
        likeness: what the radiographs that it learnt from look like; None for format 1, which did not learn it.
        sha256: digest of SHA256SUMS (hex), so of every file.
        report: the figures.
        card: Markdown.
        config: all of config.json.
    """

    path: Path
    name: str
    version: str
    task: str
    classes: tuple[str, ...]
    network: str
    preprocessing: Preprocessing
    temperature: float
    operating_points: OperatingPoints | None
    map_kind: MapKind
    shows_regions: bool
    scope: Scope
    head: Head
    golden: Golden
    predictions: tuple[Row, ...]
    seen: tuple[Seen, ...]
    likeness: Likeness | None
    sha256: str
    report: dict[str, Any]
    card: str
    config: dict[str, Any]

    @classmethod
    def load(cls, path: Path, *, has_tables: bool = True) -> Self:
        """Return the artifact in a folder after verifying every file in it.

        Args:
            path: the folder.
            has_tables: whether `predictions` and `seen` are read; who serves needs neither, and they take memory.

        Raises:
            ArtifactError: a file is missing, changed, or not named in SHA256SUMS, or its content cannot be read.
        """
        digest = verify(path)
        try:
            return cls(path=path, sha256=digest, **_contents(path, has_tables))
        except ArtifactError:
            raise
        except (KeyError, TypeError, ValueError, OSError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
            raise ArtifactError(f"{path}: expected a readable artifact. Received: {error}.") from error

    @property
    def outputs(self) -> int:
        """How many logits the model answers."""
        return 1 if len(self.classes) == 2 else len(self.classes)

    @property
    def model_file(self) -> Path:
        """The LiteRT model: input `image` (1, size, size, 3), outputs `logit` (1, outputs), `features` (1, h, w, c).

        A model with a map of its own also answers `map` (1, h', w'), the logit of a fracture in each cell.
        """
        return self.path / "model.tflite"

    @property
    def keras_file(self) -> Path:
        """The same model for Keras, same names."""
        return self.path / "model.keras"


def _contents(path: Path, has_tables: bool) -> dict[str, Any]:
    """Return the fields of an artifact that come out of its files."""
    config = json_object(path / "config.json")
    known = _configuration(path, config)
    head = Head.load(arrays(path / "head.npz"))
    _require_head(head, known)
    return {
        **{name: getattr(known, name) for name in Configuration.__slots__ if name != "format"},
        **(_tables(path, known) if has_tables else _NO_TABLES),
        "config": config,
        "scope": Scope.from_dict(json_object(path / "scope.json")),
        "head": head,
        "likeness": None if known.format == 1 else _likeness(path / "scope.npz", head),
        "golden": _golden(path / "golden.npz", known),
        "report": json_object(path / "report.json", LARGE),
        "card": text(path / "card.md"),
    }


def _configuration(path: Path, config: dict[str, Any]) -> Configuration:
    """Return what config.json says, if it says so of the files that are there."""
    try:
        known = Configuration.from_dict(config)
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path / 'config.json'}: {error}.") from error
    received = 1 if set(checksums(path)) == set(FILES_1) else 2
    if known.format != received:
        raise ArtifactError(f"{path}: expected the files of format {known.format}. Received: those of {received}.")
    return known


def _require_head(head: Head, known: Configuration) -> None:
    """Refuse a head that does not belong to the model; one without layers explains nothing."""
    if not head.layers and known.map_kind == "activation":
        raise ArtifactError("head.npz: expected dense layers for a map of activations. Received: none.")
    if head.layers and head.outputs != known.outputs:
        raise ArtifactError(f"head.npz: expected {known.outputs} outputs. Received: {head.outputs}.")


def _likeness(path: Path, head: Head) -> Likeness:
    """Return the learned scope, if it was learned on the features that the head reads."""
    try:
        learned = Likeness.from_arrays(arrays(path))
    except ValueError as error:
        raise ArtifactError(f"{path}: {error}") from error
    if head.layers and learned.pictures is not None and learned.channels != head.channels:
        raise ArtifactError(f"{path}: expected features of {head.channels} channels. Received: {learned.channels}.")
    return learned


def _golden(path: Path, known: Configuration) -> Golden:
    """Return the golden cases: some, not too many, each with an answer for every output."""
    stored = arrays(path)
    golden = Golden(
        stored["renditions"], stored["logits"], stored["feature_means"], stored["feature_maxima"], stored.get("maps")
    )
    count, size = len(golden.renditions), known.preprocessing.size
    logits = (count,) if known.outputs == 1 else (count, known.outputs)
    expected = [(count, size, size), logits, (count,), count]
    received = [golden.renditions.shape, golden.logits.shape, golden.feature_maxima.shape, len(golden.feature_means)]
    if expected != received or golden.renditions.dtype != np.uint8 or not 0 < count <= _MOST_GOLDEN:
        raise ArtifactError(f"{path}: expected 1 to {_MOST_GOLDEN} cases, {expected}. Received: {received}.")
    return golden


def _tables(path: Path, known: Configuration) -> dict[str, Any]:
    """Return what the model said of images it had not learnt from, and what it learnt from."""
    if known.format == 1:
        return dict(_NO_TABLES)
    rows = predictions.decoded(text(path / "predictions.csv", LARGE).encode())
    wrong = next((row for row in rows if len(row.logits) != known.outputs or row.label not in known.classes), None)
    if wrong is not None:
        raise ArtifactError(
            f"{path / 'predictions.csv'}: expected {known.outputs} logits and a label of {', '.join(known.classes)}. "
            f"Received: {len(wrong.logits)} and {wrong.label[:40]!r}."
        )
    return {"predictions": rows, "seen": seen.decoded(text(path / "seen.csv", LARGE).encode())}
