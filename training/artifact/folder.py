"""The folder of an artifact: the names of its files, their checksums, written whole or not at all.

Responsible for which files there are and that they are the ones that were written; not for what they mean.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from training.artifact.errors import ArtifactError

SUMS: Final = "SHA256SUMS"
#: Format 1 had no table of predictions, none of what was learnt from, and no learned scope.
FILES_1: Final = (
    "model.keras", "model.tflite", "head.npz", "config.json", "scope.json",
    "card.md", "report.json", "report.html", "golden.npz",
)  # fmt: skip
#: Of the format that is written now.
FILES: Final = (*FILES_1, "predictions.csv", "seen.csv", "scope.npz")
#: More lines than files are no checksums of ours.
_MOST_SUMS: Final = 65_536


def write(path: Path, files: Mapping[str, bytes]) -> str:
    """Write an artifact's files and their checksums into a folder, and return its digest.

    The folder appears, or replaces an older artifact, when everything has reached the disk.

    Raises:
        ArtifactError: a file of the format is missing or foreign, the folder already holds something else, or the
            disk does not take the files.
    """
    if set(files) not in (set(FILES), set(FILES_1)):
        raise ArtifactError(f"{path}: expected the files {sorted(FILES)}. Received: {sorted(files)}.")
    _require_free(path)
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as room:
            made = _filled(Path(room) / "artifact", {**files, SUMS: sums.encode()})
            _put_in_place(made, path, Path(room) / "former")
    except OSError as error:
        raise ArtifactError(
            f"{path}: expected to write an artifact. Received: {error}; nothing was changed."
        ) from error
    return hashlib.sha256(sums.encode()).hexdigest()


def verify(path: Path) -> str:
    """Return the digest of an artifact whose every file is what SHA256SUMS says.

    Raises:
        ArtifactError: naming the file, the expected and the received digest.
    """
    expected = checksums(path)
    present = {entry.name for entry in path.iterdir()} - {SUMS}
    for name in sorted(present - set(expected)):
        raise ArtifactError(f"{path / name}: expected only the files of {SUMS}. Received: an extra file.")
    for name in sorted(expected):
        received = _digest(path / name) if name in present else "no file"
        if received != expected[name]:
            raise ArtifactError(f"{path / name}: expected sha256 {expected[name]}. Received: {received}.")
    return hashlib.sha256((path / SUMS).read_bytes()).hexdigest()


def checksums(path: Path) -> dict[str, str]:
    """Return digest by file name, as a folder's SHA256SUMS has them: those of one format, no other name.

    Raises:
        ArtifactError: there is no such file, or it names other files.
    """
    sums = path / SUMS
    if not sums.is_file():
        raise ArtifactError(f"{path}: expected a file {SUMS}. Received: none.")
    if sums.stat().st_size > _MOST_SUMS:
        raise ArtifactError(f"{sums}: expected at most {_MOST_SUMS} bytes. Received: {sums.stat().st_size}.")
    pairs = [line.split("  ", 1) for line in sums.read_text().splitlines()]
    if any(len(pair) != 2 for pair in pairs):
        raise ArtifactError(f"{sums}: expected lines of digest, two blanks and name. Received: something else.")
    expected = {name: digest for digest, name in pairs}
    if set(expected) not in (set(FILES), set(FILES_1)) or len(pairs) != len(expected):
        raise ArtifactError(f"{sums}: expected the files {sorted(FILES)}. Received: {sorted(expected)}.")
    return expected


def _require_free(path: Path) -> None:
    """Refuse a folder that holds anything but an older artifact."""
    present = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else []
    foreign = [name for name in present if name not in (*FILES, SUMS)]
    if foreign or path.is_symlink() or (path.exists() and not path.is_dir()):
        raise ArtifactError(f"{path}: expected an empty folder or an older artifact. Received: {foreign or 'a file'}.")


def _filled(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Return a new folder of files that have reached the disk."""
    folder.mkdir()
    for name, content in files.items():
        with (folder / name).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    _sync(folder)
    return folder


def _put_in_place(made: Path, path: Path, former: Path) -> None:
    """Move a folder to its place; what was there comes back where that fails."""
    if path.exists():
        os.rename(path, former)
    try:
        os.rename(made, path)
    except OSError:
        if former.exists():
            os.rename(former, path)
        raise
    _sync(path.parent)
    shutil.rmtree(former, ignore_errors=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(path: Path) -> str:
    """Return the SHA-256 of a plain file; a link or a pipe has none."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return "no plain file"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
