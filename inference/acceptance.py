"""Takes an artifact in: what the folder may hold, a durable copy, and the golden cases replayed in another process.

An artifact comes from outside and is not trusted: it is copied first and judged as the copy, links and foreign files
are refused, nothing in it is unpickled or run but the model itself, and that in a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from bonefrac.errors import Invalid
from inference import engine, places
from training.artifact import FILES, SUMS, Artifact, ArtifactError, verify

#: Bytes of an artifact at most; the largest model that LIMITS.md names is a twentieth of it.
MOST_BYTES: Final = 2_000_000_000
REPLAY_SECONDS: Final = 120
_KERAS_MEMBERS: Final = frozenset({"metadata.json", "config.json", "model.weights.h5"})


def digest_of(folder: Path) -> str:
    """Return an artifact's digest after verifying every file; raise ``Invalid`` where it is damaged."""
    try:
        return verify(folder)
    except (ArtifactError, OSError, UnicodeDecodeError) as error:
        raise _refused(error) from error


def require_artifact(folder: Path, sha256: str) -> None:
    """Raise ``ArtifactError`` unless a folder holds the artifact of a digest, every file as it was registered."""
    try:
        received = verify(folder)
    except OSError as error:
        raise ArtifactError(f"{folder}: expected artifact {sha256}. Received: {error}.") from error
    if received != sha256:
        raise ArtifactError(f"{folder}: expected artifact {sha256}. Received: {received}.")


def take_in(source: Path) -> Artifact:
    """Copy an artifact into the store, durably, and return the verified copy; a copy that is there is verified again.

    Raises:
        Invalid: The folder holds a link, a folder or a foreign file, is too large, or is no sound artifact.
    """
    try:
        _require_plain_files(source)
        root = places.models_root()
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".incoming-") as name:
            copy = Path(name) / "artifact"
            _copy(source, copy)
            target = root / verify(copy)
            _require_no_code(copy / "model.keras")
            Artifact.load(copy)
            if not target.exists():
                os.rename(copy, target)
                _sync(root)
        return Artifact.load(target)
    except (ArtifactError, OSError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise _refused(error) from error


def replay(artifact: Artifact, *, on_keras: bool = False) -> dict[str, float]:
    """Return the largest difference of a golden logit, by engine, from a process of its own.

    Raises:
        Invalid: The model crashes, takes too long, or answers otherwise than its artifact says.
    """
    kinds = [engine.kind_for(artifact, settings.INFERENCE_ENGINE), *([engine.KERAS] if on_keras else [])]
    return {kind: _replayed(artifact.path, kind) for kind in dict.fromkeys(kinds)}


def _replayed(folder: Path, kind: str) -> float:
    command = [sys.executable, "-m", "inference.replay", str(folder), kind]
    try:
        done = subprocess.run(
            command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=REPLAY_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Invalid(_("The model did not answer its golden cases in time."), code="replay_failed") from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        sentence = _("The model was not registered: its golden cases fail on %(engine)s. %(reason)s")
        raise Invalid(sentence % {"engine": kind, "reason": last[:300]}, code="replay_failed")
    return float(json.loads(done.stdout)["largest_difference"])


def _require_plain_files(source: Path) -> None:
    if source.is_symlink() or not source.is_dir():
        raise ArtifactError(f"{source}: expected a folder. Received: something else.")
    total = 0
    for entry in source.iterdir():
        facts = entry.lstat()
        if entry.name not in (*FILES, SUMS) or not stat.S_ISREG(facts.st_mode):
            raise ArtifactError(f"{entry}: expected only plain files of the format. Received: another entry.")
        total += facts.st_size
    if total > MOST_BYTES:
        raise ArtifactError(f"{source}: expected at most {MOST_BYTES} bytes. Received: {total}.")


def _require_no_code(keras_file: Path) -> None:
    """Refuse a Keras file with members of its own making or a layer that carries Python code."""
    with zipfile.ZipFile(keras_file) as archive:
        foreign = sorted(set(archive.namelist()) - _KERAS_MEMBERS)
        if foreign:
            raise ArtifactError(f"{keras_file}: expected {sorted(_KERAS_MEMBERS)}. Received: {foreign}.")
        description = archive.read("config.json").decode()
    if '"__lambda__"' in description or '"Lambda"' in description:
        raise ArtifactError(f"{keras_file}: expected layers without code. Received: a Lambda layer.")


def _copy(source: Path, copy: Path) -> None:
    copy.mkdir(mode=0o700)
    for name in sorted(os.listdir(source)):
        # A link that was put there meanwhile is not followed: opening it fails.
        descriptor = os.open(source / name, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as reader, (copy / name).open("xb") as writer:
            shutil.copyfileobj(reader, writer)
            writer.flush()
            os.fsync(writer.fileno())
    _sync(copy)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refused(error: Exception) -> Invalid:
    sentence = _("The model was not registered, nothing was changed. %(reason)s") % {"reason": error}
    return Invalid(sentence, code="bad_artifact")
