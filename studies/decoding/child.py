"""The child process that decodes: reads one request a line, answers each with a header line and bytes.

It holds no secret, opens no connection and imports no Django; the only files it reads are those that it is told. What
it says is data, never code: lengths and JSON.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import IO, Any

from inference.renditions import render
from studies.decoding import lettering
from studies.dicom.headers import extract
from training.frames import Frame, FrameError, decode_dicom, decode_picture, encode, kind_of, open_dicom
from training.frames.sniffing import HEAD_BYTES, PICTURES

MEMORY_BYTES = 2_500_000_000
OPEN_FILES = 32
_PARENT_DIED = 1  # PR_SET_PDEATHSIG


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until there are no more."""
    for line in requests:
        head, parts = answer(json.loads(line))
        sizes = [[name, len(part)] for name, part in parts.items()]
        answers.write(json.dumps(head | {"parts": sizes}).encode() + b"\n")
        for part in parts.values():
            answers.write(part)
        answers.flush()


def answer(request: dict[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return what became of one file: a head for JSON, and named bytes (the frame, renditions by digest)."""
    try:
        return _decoded(request)
    except FrameError as error:
        return {"refused": error.code, "what": error.what}, {}
    except MemoryError:
        return {"refused": "too_demanding", "what": "decoding it needs more memory than is allowed"}, {}


def _decoded(request: dict[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    max_pixels, is_declared_film = int(request["max_pixels"]), bool(request.get("is_declared_film"))
    # Nobody but the reader holds the file's bytes: a large one would lie in memory beside all that is made of it.
    frame, header = _read(Path(request["path"]).read_bytes(), max_pixels, is_declared_film=is_declared_film)
    if request.get("masks"):
        frame = lettering.masked(frame, request["masks"])
    encoded = encode(frame)
    head: dict[str, Any] = {
        "transfer_syntax": encoded.transfer_syntax,
        "decoder": frame.decoder,
        "pixel_digest": frame.digest(),
        "rows": frame.rows,
        "columns": frame.columns,
        "photometric_interpretation": frame.photometric_interpretation,
        "bits_allocated": frame.bits_allocated,
        "bits_stored": frame.bits_stored,
        "is_signed": frame.is_signed,
        "grey": frame.grey_scale.to_dict(),
        "is_film_photo": frame.is_film_photo,
        "header": header,
        "is_held": False,
    }
    found, pictures = ({}, {}) if request.get("is_text_cleared") else lettering.look_for(frame, header)
    parts = {"frame": encoded.content, **render(frame, request["preprocessings"]), **pictures}
    return head | found, parts


def _read(content: bytes, max_pixels: int, *, is_declared_film: bool) -> tuple[Frame, dict[str, Any] | None]:
    kind = kind_of(content[:HEAD_BYTES])
    if kind in PICTURES:
        return decode_picture(content, kind, max_pixels=max_pixels, is_declared_film=is_declared_film), None
    if kind == "dicom":
        dataset = open_dicom(content)
        return decode_dicom(dataset, max_pixels=max_pixels), extract(dataset).to_dict()
    raise FrameError("not_an_image", "it is no DICOM, JPEG, PNG, TIFF, BMP or WebP file")


def bound() -> None:
    """Limit memory, files and cores, and die with the parent."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DIED, signal.SIGKILL)


def main() -> None:
    """Serve on standard input and output; whatever a library prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    bound()
    for name in ("imagecodecs", "jpeg_ls", "rle"):
        importlib.import_module(name)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
