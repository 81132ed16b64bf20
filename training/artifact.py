"""A model as a folder: what is shipped, registered, verified and served.

Responsible for the names of the files, for their checksums and for reading what serving needs, without TensorFlow;
not for how the files come about (`training.convert`, `training.report`) nor for running a model.

    model.keras  model.tflite  head.npz  config.json  scope.json  card.md  report.json  report.html  golden.npz
    SHA256SUMS
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from training.calibrate import OperatingPoints
from training.explanation import Head
from training.preprocessing import Preprocessing
from training.scope import Scope

SUMS: Final = "SHA256SUMS"
FILES: Final = (
    "model.keras", "model.tflite", "head.npz", "config.json", "scope.json",
    "card.md", "report.json", "report.html", "golden.npz",
)  # fmt: skip
_CONFIG_FIELDS: Final = (
    "format",
    "name",
    "version",
    "task",
    "network",
    "preprocessing",
    "temperature",
    "operating_points",
)
_FORMAT: Final = 1


class ArtifactError(ValueError):
    """The folder is not what it claims to be; the message names the file, the expected and the received."""


@dataclass(frozen=True, slots=True)
class Golden:
    """Synthetic inputs and what the Keras model answered: replayed wherever the model is going to serve.

    Attributes:
        renditions: (n, size, size) uint8.
        logits: (n,) float32.
        feature_means: (n, channels) float32, features averaged over their cells.
        feature_maxima: (n,) float32, the largest feature of each input.
    """

    renditions: NDArray[np.uint8]
    logits: NDArray[np.float32]
    feature_means: NDArray[np.float32]
    feature_maxima: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A verified artifact.

    Attributes:
        path: its folder.
        name: of the model, as people say it.
        version: of this training, as people say it.
        task: what it answers, `fracture`.
        network: name of the recipe.
        preprocessing: from grey levels to its input.
        temperature: the logit is divided by it before the sigmoid.
        operating_points: calibrated probabilities.
        scope: what it may speak about.
        head: pooled features to logit, for the explanation.
        golden: inputs with known answers.
        sha256: digest of SHA256SUMS (hex), so of every file.
        report: the figures.
        card: Markdown.
        config: all of config.json.
    """

    path: Path
    name: str
    version: str
    task: str
    network: str
    preprocessing: Preprocessing
    temperature: float
    operating_points: OperatingPoints
    scope: Scope
    head: Head
    golden: Golden
    sha256: str
    report: dict[str, Any]
    card: str
    config: dict[str, Any]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the artifact in a folder after verifying every file in it.

        Raises:
            ArtifactError: a file is missing, changed, or not named in SHA256SUMS, or its content cannot be read.
        """
        digest = verify(path)
        config = _json(path / "config.json")
        missing = [name for name in _CONFIG_FIELDS if name not in config]
        if missing or config["format"] != _FORMAT:
            raise ArtifactError(f"{path / 'config.json'}: expected format {_FORMAT}, all fields. Missing: {missing}.")
        try:
            return cls(path=path, sha256=digest, config=config, **_contents(path, config))
        except (KeyError, TypeError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise ArtifactError(f"{path}: expected a readable artifact. Received: {error}.") from error

    @property
    def model_file(self) -> Path:
        """The LiteRT model: input `image` (1, size, size, 3), outputs `logit` (1, 1) and `features` (1, h, w, c)."""
        return self.path / "model.tflite"

    @property
    def keras_file(self) -> Path:
        """The same model for Keras, same names."""
        return self.path / "model.keras"


def write(path: Path, files: Mapping[str, bytes]) -> str:
    """Write an artifact's files and their checksums into a folder, and return its digest.

    Raises:
        ArtifactError: a file of the format is missing or foreign, or the folder already holds something else.
    """
    if set(files) != set(FILES):
        raise ArtifactError(f"{path}: expected the files {sorted(FILES)}. Received: {sorted(files)}.")
    path.mkdir(parents=True, exist_ok=True)
    foreign = sorted(entry.name for entry in path.iterdir() if entry.name not in (*FILES, SUMS))
    if foreign:
        raise ArtifactError(f"{path}: expected an empty folder or an older artifact. Received: {foreign}.")
    for name in FILES:
        (path / name).write_bytes(files[name])
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(FILES))
    (path / SUMS).write_text(sums)
    return hashlib.sha256(sums.encode()).hexdigest()


def verify(path: Path) -> str:
    """Return the digest of an artifact whose every file is what SHA256SUMS says.

    Raises:
        ArtifactError: naming the file, the expected and the received digest.
    """
    sums = path / SUMS
    if not sums.is_file():
        raise ArtifactError(f"{path}: expected a file {SUMS}. Received: none.")
    expected = _read_sums(sums)
    if set(expected) != set(FILES):
        raise ArtifactError(f"{sums}: expected the files {sorted(FILES)}. Received: {sorted(expected)}.")
    present = {entry.name for entry in path.iterdir()} - {SUMS}
    for name in sorted(present - set(expected)):
        raise ArtifactError(f"{path / name}: expected only the files of {SUMS}. Received: an extra file.")
    for name in sorted(expected):
        received = _digest(path / name) if name in present else "no file"
        if received != expected[name]:
            raise ArtifactError(f"{path / name}: expected sha256 {expected[name]}. Received: {received}.")
    return hashlib.sha256(sums.read_bytes()).hexdigest()


def _read_sums(sums: Path) -> dict[str, str]:
    """Return digest by file name from a checksum file."""
    pairs = [line.split("  ", 1) for line in sums.read_text().splitlines()]
    if any(len(pair) != 2 for pair in pairs):
        raise ArtifactError(f"{sums}: expected lines of digest, two blanks and name. Received: something else.")
    return {name: digest for digest, name in pairs}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ArtifactError(f"{path}: expected JSON. Received: {error}.") from error
    if not isinstance(data, dict):
        raise ArtifactError(f"{path}: expected a JSON object. Received: {type(data).__name__}.")
    return data


def _contents(path: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an artifact that come out of its files."""
    with np.load(path / "head.npz") as head, np.load(path / "golden.npz") as golden:
        loaded_head = Head.load(head)
        loaded_golden = Golden(
            golden["renditions"], golden["logits"], golden["feature_means"], golden["feature_maxima"]
        )
    return {
        "name": str(config["name"]),
        "version": str(config["version"]),
        "task": str(config["task"]),
        "network": str(config["network"]),
        "preprocessing": Preprocessing.from_dict(config["preprocessing"]),
        "temperature": float(config["temperature"]),
        "operating_points": OperatingPoints(**config["operating_points"]),
        "scope": Scope.from_dict(_json(path / "scope.json")),
        "head": loaded_head,
        "golden": loaded_golden,
        "report": _json(path / "report.json"),
        "card": (path / "card.md").read_text(encoding="utf-8"),
    }
