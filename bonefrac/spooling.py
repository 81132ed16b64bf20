"""Where the files of a form lie while a request is read: in files without a name, gone with the process that reads.

Nothing is kept of what nobody signed in sends. A disk that fills while a request is read is told by whoever takes the
file in, for the request itself may be read where no refusal can be answered.
"""

from __future__ import annotations

import errno
import os
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest
from django.utils.translation import gettext as _

from bonefrac.errors import Full
from bonefrac.stores import make_private

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def full_disk() -> Full:
    """Return the refusal of a disk that is full."""
    return Full(
        _(
            "The platform's disk is nearly full, so nothing was taken in. Everything that is here can be read. "
            "Tell the administrator and send it again later."
        )
    )


class SpooledFile(UploadedFile):  # type: ignore[type-arg]  # not generic while it runs
    """A file of a form that lies on the disk without a name; it is gone when closed, or when nobody holds it."""

    is_whole = True

    def __init__(self, descriptor: int, handle: IO[bytes], *about: Any) -> None:
        super().__init__(handle, *about)
        # Django forgets files of a request that breaks off after them: the descriptor must not outlive this object.
        self._release = weakref.finalize(self, os.close, descriptor)

    def close(self) -> None:
        """Let the bytes go."""
        super().close()
        self._release()

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the file's bytes.

        Raises:
            Full: There was no room for all of them.
        """
        if not self.is_whole:
            raise full_disk()
        yield from super().chunks(chunk_size)


class SpoolingHandler(FileUploadHandler):
    """Writes each file of a form to the disk as it comes."""

    request: HttpRequest
    file: SpooledFile  # Django closes what has this name where a request breaks off

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Open a file without a name; skip what nobody signed in sends."""
        super().new_file(*args, **kwargs)
        if not _is_known(self.request):
            raise SkipFile
        descriptor = _unnamed()
        self._handle = open(descriptor, "r+b", buffering=0, closefd=False)  # noqa: SIM115 the file's own
        self.file = SpooledFile(descriptor, self._handle, self.file_name, self.content_type, 0, self.charset)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002
        """Write some bytes; what finds no room is read on and let go."""
        if not self.file.is_whole:
            return
        try:
            _write_all(self._handle, raw_data)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self.file.is_whole = False
            self._handle.truncate(0)

    def file_complete(self, file_size: int) -> SpooledFile:
        """Return the whole file."""
        self._handle.seek(0)
        self.file.size = file_size
        return self.file

    def upload_interrupted(self) -> None:
        """Let the file go: the connection broke."""
        if hasattr(self, "file"):
            self.file.close()


def _unnamed() -> int:
    """Return the descriptor of a new file without a name."""
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR or Path(settings.STORES_ROOT) / "spool")
    make_private(folder)
    with tempfile.TemporaryFile(dir=folder) as made:
        return os.dup(made.fileno())


def _write_all(handle: IO[bytes], content: bytes) -> None:
    """Write bytes whole: an unbuffered file may take less of them at a time."""
    rest = memoryview(content)
    while rest:
        rest = rest[handle.write(rest) :]


def _is_known(request: HttpRequest) -> bool:
    """Return whether somebody seems to be signed in; who it is and what they may do is asked later."""
    return SESSION_KEY in request.session or "Authorization" in request.headers or request.user.is_authenticated
