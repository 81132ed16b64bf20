"""Private, content-addressed files: what a row points at when bytes are too large for it.

A key is the sha256 of the content, so that writing twice is writing once and an orphan is harmless. Files are
durable before ``put`` returns. Who may read them is decided by the faces, never here; nothing is served by address.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from django.conf import settings

KEY = re.compile(r"[0-9a-f]{64}")
CHUNK = 1 << 20


def make_private(folder: Path) -> None:
    """Make a folder and those above it; ``mkdir(parents=True)`` would open the ones above to others."""
    if not folder.exists():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _settle_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


class Store:
    """A folder of immutable files, named by what they contain.

    Args:
        name: One of ``incoming``, ``originals``, ``frames``, ``renditions``, ``maps``, ``models``.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def root(self) -> Path:
        """The store's folder, private to the platform's user."""
        return Path(settings.STORES_ROOT) / self.name

    def path(self, key: str) -> Path:
        """Return where a key's file lies; raise ``ValueError`` for anything that is no key."""
        if not KEY.fullmatch(key):
            raise ValueError(f"expected a sha256 as 64 hexadecimal digits; received {key!r}")
        return self.root / key[:2] / key[2:4] / key

    def put(self, content: bytes) -> str:
        """Make bytes durable and return their key."""
        key = hashlib.sha256(content).hexdigest()
        target = self.path(key)
        if not target.exists():
            with self._temporary(target) as (handle, name):
                handle.write(content)
                self._settle(handle, name, target)
        return key

    def put_stream(self, chunks: Iterator[bytes]) -> tuple[str, int]:
        """Make a stream of bytes durable without holding it in memory; return its key and length in bytes."""
        digest, length = hashlib.sha256(), 0
        make_private(self.root)
        with self._temporary(self.root / "incomplete") as (handle, name):
            for chunk in chunks:
                digest.update(chunk)
                length += len(chunk)
                handle.write(chunk)
            target = self.path(digest.hexdigest())
            if not target.exists():
                self._settle(handle, name, target)
        return digest.hexdigest(), length

    def read(self, key: str) -> bytes:
        """Return a key's bytes; raise ``FileNotFoundError`` where they are gone."""
        return self.path(key).read_bytes()

    def open(self, key: str) -> BinaryIO:
        """Open a key's file for reading."""
        return self.path(key).open("rb")

    def remove(self, key: str) -> None:
        """Remove a key's file; it is no error where it is gone already."""
        self.path(key).unlink(missing_ok=True)

    def _temporary(self, target: Path) -> _Temporary:
        make_private(target.parent)
        return _Temporary(target.parent)

    def _settle(self, handle: BinaryIO, name: str, target: Path) -> None:
        handle.flush()
        os.fsync(handle.fileno())
        make_private(target.parent)
        os.replace(name, target)
        _settle_folder(target.parent)


class Pieces:
    """Files that arrive in pieces, each under the id of what waits for it; only what was settled counts."""

    @property
    def root(self) -> Path:
        """The folder, private to the platform's user."""
        return Path(settings.STORES_ROOT) / "pieces"

    def path(self, key: uuid.UUID) -> Path:
        """Return where the pieces of a file lie."""
        return self.root / str(key)

    def make(self, key: uuid.UUID) -> None:
        """Begin an empty file, durably."""
        make_private(self.root)
        self.path(key).touch(mode=0o600)
        _settle_folder(self.root)

    @contextlib.contextmanager
    def appending(self, key: uuid.UUID, offset: int) -> Iterator[BinaryIO]:
        """Open a file for what follows its first bytes; what was written beyond them and never settled is cut off.

        Raises:
            FileNotFoundError: The file is gone, or shorter than that.
        """
        with self.path(key).open("r+b", buffering=0) as handle:
            if os.fstat(handle.fileno()).st_size < offset:
                raise FileNotFoundError(f"{key} is shorter than {offset} bytes")
            handle.truncate(offset)
            handle.seek(offset)
            yield cast(BinaryIO, handle)

    def chunks(self, key: uuid.UUID) -> Iterator[bytes]:
        """Yield a file's bytes."""
        with self.path(key).open("rb") as handle:
            while chunk := handle.read(CHUNK):
                yield chunk

    def remove(self, key: uuid.UUID) -> None:
        """Remove a file; it is no error where it is gone already."""
        self.path(key).unlink(missing_ok=True)

    def remove_older(self, when: float) -> None:
        """Remove files into which nothing was written since a time, in seconds of the epoch."""
        for path in self.root.glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < when:
                    path.unlink()


class _Temporary:
    """A temporary file in a folder that is removed unless it was renamed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> tuple[BinaryIO, str]:
        descriptor, self._name = tempfile.mkstemp(dir=self._folder, prefix=".incomplete-")
        self._handle = os.fdopen(descriptor, "wb")
        return self._handle, self._name

    def __exit__(self, *_: object) -> None:
        self._handle.close()
        Path(self._name).unlink(missing_ok=True)


INCOMING = Store("incoming")
ORIGINALS = Store("originals")
FRAMES = Store("frames")
RENDITIONS = Store("renditions")
MAPS = Store("maps")
PIECES = Pieces()
