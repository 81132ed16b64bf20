"""DCMTK's programs as senders, and files for them to send; DCMTK is what most of the field speaks."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

needs_dcmtk = pytest.mark.skipif(
    shutil.which("storescu") is None, reason="DCMTK (echoscu, storescu) is not installed; script/test installs it"
)


def run(program: str, *arguments, seconds: float = 60) -> subprocess.CompletedProcess:
    """Run one program; what it logs is in ``stdout`` too."""
    return subprocess.run(
        [program, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=seconds,
    )  # fmt: skip


def echo(listener, *options, calling="MODALITY1", called="BONEFRAC"):
    return run("echoscu", "-v", "-aet", calling, "-aec", called, *options, "127.0.0.1", listener.port)


def send(listener, *files: Path, options=(), calling="MODALITY1", called="BONEFRAC", seconds=60):
    """Send files in one association; ``-R`` proposes only what is needed, so that many syntaxes fit."""
    fixed = ["-v", "-R", "-aet", calling, "-aec", called]
    return run("storescu", *fixed, *options, "127.0.0.1", listener.port, *files, seconds=seconds)


def written(folder: Path, *contents: bytes) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = []
    for index, content in enumerate(contents):
        paths.append(folder / f"{index:04}.dcm")
        paths[-1].write_bytes(content)
    return paths
