"""Keeps one decoding child per process, asks it under a time limit, and kills and replaces one that fails."""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from training.frames import FrameError

#: A radiograph of 64 megapixels as JPEG 2000 takes about 20 s.
SECONDS: Final = 60.0
#: A child is replaced after so many files, so that nothing that leaks grows for ever.
FILES_PER_CHILD: Final = 500
ROOT: Final = Path(__file__).resolve().parent.parent.parent
_CHUNK: Final = 1 << 20
_HEAD_LIMIT: Final = 4_000_000


class DecoderDied(Exception):
    """The child died, hung or spoke nonsense over a file; it has been replaced."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the child made of a file: the head's values, and bytes by name (``frame``, renditions by digest)."""

    head: dict[str, Any]
    parts: dict[str, bytes]


class Decoder:
    """One child process, started at the first file."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._served = 0

    @property
    def pid(self) -> int:
        """The child's process id; 0 where there is none."""
        return self._process.pid if self._process else 0

    def warm_up(self) -> None:
        """Start the child, so that the first file does not wait for it."""
        self._ready()

    def decode(
        self,
        path: Path,
        *,
        max_pixels: int,
        preprocessings: Sequence[dict[str, Any]],
        is_declared_film: bool = False,
        is_text_cleared: bool = False,
        masks: Sequence[Sequence[int]] = (),
    ) -> Decoded:
        """Return what is in a file.

        Args:
            path: Where its bytes lie.
            max_pixels: How many it may have.
            preprocessings: What ``Preprocessing.to_dict`` returned, for each rendition.
            is_declared_film: Somebody says that it is a photograph of a film.
            is_text_cleared: Somebody has looked for text in the pixels: it is not looked for again.
            masks: Regions (left, top, width, height) to be made dark.

        Raises:
            FrameError: It is no radiograph that can be read.
            DecoderDied: The child died or took longer than its time.
        """
        request = {"path": str(path), "max_pixels": max_pixels, "preprocessings": list(preprocessings)}
        request |= {"is_declared_film": is_declared_film, "is_text_cleared": is_text_cleared}
        request["masks"] = [list(region) for region in masks]
        process = self._ready()
        try:
            answered = _ask(process, json.dumps(request).encode() + b"\n", self._seconds)
        except (OSError, ValueError, KeyError, TypeError) as error:
            self.stop()
            raise DecoderDied from error
        if "refused" in answered.head:
            raise FrameError(str(answered.head["refused"]), str(answered.head["what"]))
        return answered

    def stop(self) -> None:
        """Kill the child, where this process owns one."""
        atexit.unregister(self.stop)
        process, self._process, self._served = self._process, None, 0
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _ready(self) -> subprocess.Popen[bytes]:
        process = self._process
        if process is not None and (self._owner != os.getpid() or process.poll() is not None):
            self.stop()
        if self._served >= FILES_PER_CHILD:
            self.stop()
        if self._process is None:
            self._process, self._owner = _start(), os.getpid()
            atexit.register(self.stop)
        self._served += 1
        return self._process


@functools.cache
def decoder() -> Decoder:
    """Return this process's decoder."""
    return Decoder()


def _start() -> subprocess.Popen[bytes]:
    """Start a child that knows nothing of the platform's environment but where Python finds its packages."""
    known = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "studies.decoding.child"],
        cwd=ROOT,
        env=known | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,
    )


def _ask(process: subprocess.Popen[bytes], request: bytes, seconds: float) -> Decoded:
    if process.stdin is None or process.stdout is None:
        raise OSError("the child has no pipes")
    process.stdin.write(request)
    reader = _Reader(process.stdout.fileno(), time.monotonic() + seconds)
    head = json.loads(reader.line())
    parts = {str(name): reader.exactly(int(size)) for name, size in head.pop("parts")}
    return Decoded(head, parts)


class _Reader:
    """Reads from a pipe until a deadline."""

    def __init__(self, descriptor: int, deadline: float) -> None:
        self._descriptor, self._deadline, self._buffer = descriptor, deadline, bytearray()

    def line(self) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _HEAD_LIMIT:
                raise ValueError("the child's answer has no end")
            self._more()
        return self._take(end + 1)

    def exactly(self, size: int) -> bytes:
        """Return so many bytes; those of a large frame are held once."""
        taken = io.BytesIO()
        while (missing := size - taken.tell()) > 0:
            if not self._buffer:
                self._more()
            taken.write(self._take(min(missing, len(self._buffer))))
        return taken.getvalue()

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _more(self) -> None:
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._descriptor, selectors.EVENT_READ)
            if not waiting.select(max(0.0, self._deadline - time.monotonic())):
                raise TimeoutError("the child took too long")
        chunk = os.read(self._descriptor, _CHUNK)
        if not chunk:
            raise OSError("the child is gone")
        self._buffer += chunk
