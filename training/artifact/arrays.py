"""Reads a file of arrays that may come from anybody: nothing is unpickled, nothing is larger than it says.

Responsible for the bounds of an .npz file, which are checked before an array is allocated.
"""

from __future__ import annotations

import re
import zipfile
from math import prod
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from training.artifact.errors import ArtifactError

#: Arrays of a file, and bytes of all of them.
MOST_ARRAYS: Final = 64
MOST_BYTES: Final = 256_000_000
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\.npy")
_PLAIN: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz file by name: numbers that are finite, truth values and text.

    Raises:
        ArtifactError: there are too many or too large ones, a name leads elsewhere, or one holds Python objects.
        ValueError, OSError, EOFError, zipfile.BadZipFile: the file cannot be read.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _require_bounds(path, members)
        for member in members:
            with archive.open(member) as file:
                _require_plain(path, member, file)
    with np.load(path, allow_pickle=False) as stored:
        found = {name: stored[name] for name in stored.files}
    for name, values in found.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ArtifactError(f"{path}: expected finite numbers in {name}. Received: others.")
    return found


def _require_bounds(path: Path, members: list[zipfile.ZipInfo]) -> None:
    total = sum(member.file_size for member in members)
    if len(members) > MOST_ARRAYS or total > MOST_BYTES:
        raise ArtifactError(
            f"{path}: expected at most {MOST_ARRAYS} arrays of {MOST_BYTES} bytes together. "
            f"Received: {len(members)} of {total}."
        )
    for member in members:
        if not _NAME.fullmatch(member.filename) or member.compress_type not in _PLAIN or member.flag_bits & 1:
            raise ArtifactError(f"{path}: expected plain arrays with plain names. Received: {member.filename!r}.")


def _require_plain(path: Path, member: zipfile.ZipInfo, file: IO[bytes]) -> None:
    """Refuse an array whose header promises Python objects, or more than the file holds."""
    version = npy.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = npy.read_array_header_1_0(file)
    else:
        shape, _, dtype = npy.read_array_header_2_0(file)
    if dtype.kind not in "fiubU":
        raise ArtifactError(f"{path}: expected numbers in {member.filename}. Received: {dtype}.")
    if prod(shape) * dtype.itemsize > member.file_size:
        raise ArtifactError(
            f"{path}: expected at most {member.file_size} bytes in {member.filename}. "
            f"Received: an array of shape {shape}, {dtype}."
        )
