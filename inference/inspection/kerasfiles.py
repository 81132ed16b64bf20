"""What a Keras archive may hold: a description of plain layers, and weights in an HDF5 file that leads nowhere else.

Keras's own safe mode refuses Lambda layers; it has let other ways to run code or to open files through before, so that
layers are listed here by name. The weights' file is opened by h5py, which follows links and external storage only when
an object is read: here each is looked at first.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from training.artifact import ArtifactError

_WEIGHTS: Final = "model.weights.h5"
#: Bytes of each member at most.
MEMBERS: Final = {"metadata.json": 100_000, "config.json": 20_000_000, _WEIGHTS: 1_000_000_000}
_LAYERS: Final = """
Activation Add Average AveragePooling2D BatchNormalization CenterCrop Concatenate Conv2D Conv2DTranspose
Cropping2D Dense DepthwiseConv2D Dot Dropout ELU Flatten GaussianNoise GlobalAveragePooling2D GlobalMaxPooling2D
GroupNormalization Identity InputLayer LayerNormalization LeakyReLU MaxPooling2D Maximum Minimum Multiply
Normalization PReLU Permute ReLU Rescaling Reshape Resizing SeparableConv2D Softmax SpatialDropout2D Subtract
UnitNormalization UpSampling2D ZeroPadding2D
"""
#: By module, the classes that only compute; None allows all of the module.
CLASSES: Final[dict[str, frozenset[str] | None]] = {
    "keras": frozenset({"DTypePolicy"}),
    "keras.initializers": None,
    "keras.regularizers": None,
    "keras.constraints": None,
    "keras.models": frozenset({"Functional", "Model", "Sequential"}),
    "keras.src.models.functional": frozenset({"Functional"}),
    "keras.src.models.sequential": frozenset({"Sequential"}),
    "keras.layers": frozenset(_LAYERS.split()),
}
_MOST_DEPTH: Final = 100
_MOST_OBJECTS: Final = 50_000
_FILTERS: Final = (None, "gzip", "lzf")


def require_plain_keras(file: Path) -> None:
    """Refuse a Keras archive with foreign members, layers that are not known to compute only, or weights elsewhere.

    Raises:
        ArtifactError: naming what was found.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _require_members(file, archive)
            description = json.loads(archive.read("config.json"))
            weights = io.BytesIO(archive.read(_WEIGHTS))
    except ArtifactError:
        raise
    except (zipfile.BadZipFile, ValueError, KeyError, RecursionError, RuntimeError, NotImplementedError) as error:
        raise ArtifactError(f"{file}: expected a Keras archive. Received: {error}.") from error
    _require_plain_layers(file, description)
    _require_own_weights(file, weights)


def _require_members(file: Path, archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    names = sorted(member.filename for member in members)
    if names != sorted(MEMBERS):
        raise ArtifactError(f"{file}: expected the members {sorted(MEMBERS)}. Received: {str(names)[:200]}.")
    for member in members:
        if member.file_size > MEMBERS[member.filename]:
            raise ArtifactError(
                f"{file}: expected at most {MEMBERS[member.filename]} bytes in {member.filename}. "
                f"Received: {member.file_size}."
            )


def _require_plain_layers(file: Path, description: Any) -> None:
    for named in _objects(file, description):
        module, name = named.get("module"), named["class_name"]
        if module is None and name == "__keras_tensor__":
            continue
        allowed = CLASSES.get(module, frozenset()) if isinstance(module, str) else frozenset()
        if not isinstance(name, str) or (allowed is not None and name not in allowed):
            raise ArtifactError(f"{file}: expected layers that only compute. Received: {name!r:.60} of {module!r:.60}.")
        if ">" in str(named.get("registered_name") or ""):
            raise ArtifactError(f"{file}: expected Keras's own layers. Received: {named['registered_name']!r:.60}.")


def _objects(file: Path, description: Any) -> Iterator[dict[str, Any]]:
    """Yield whatever a description would have Keras make, however deep it lies."""
    waiting = [(description, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > _MOST_DEPTH:
            raise ArtifactError(f"{file}: expected at most {_MOST_DEPTH} levels. Received: more.")
        if isinstance(value, dict):
            if "class_name" in value:
                yield value
            waiting += [(part, depth + 1) for part in value.values()]
        elif isinstance(value, list):
            waiting += [(part, depth + 1) for part in value]


def _require_own_weights(file: Path, weights: io.BytesIO) -> None:
    """Refuse weights that another file or place would be read for, or that are larger than they may be."""
    import h5py

    try:
        with h5py.File(weights, "r") as root:
            total = sum(dataset.size * dataset.dtype.itemsize for dataset in _datasets(file, root))
    except (OSError, RuntimeError, KeyError, TypeError) as error:
        raise ArtifactError(f"{file}: expected weights in HDF5. Received: {error}.") from error
    if total > MEMBERS[_WEIGHTS]:
        raise ArtifactError(f"{file}: expected at most {MEMBERS[_WEIGHTS]} bytes of weights. Received: {total}.")


def _datasets(file: Path, root: Any) -> Iterator[Any]:
    """Yield each dataset once; a link is looked at before it is followed, and no group is visited twice."""
    import h5py

    waiting, known = [root], set()
    while waiting:
        group = waiting.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise ArtifactError(f"{file}: expected weights in the file itself. Received: {type(link).__name__}.")
            found = group[name]
            place = h5py.h5o.get_info(found.id).addr
            if place in known:
                continue
            known.add(place)
            if len(known) > _MOST_OBJECTS:
                raise ArtifactError(f"{file}: expected at most {_MOST_OBJECTS} weights. Received: more.")
            if isinstance(found, h5py.Group):
                waiting.append(found)
            else:
                yield _plain(file, found)


def _plain(file: Path, found: Any) -> Any:
    """Return a dataset of numbers that lie in the file."""
    import h5py

    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "fiub":
        raise ArtifactError(f"{file}: expected numbers as weights. Received: {found!r:.100}.")
    if found.external or found.is_virtual or found.compression not in _FILTERS:
        raise ArtifactError(f"{file}: expected weights in the file itself. Received: external storage.")
    return found
