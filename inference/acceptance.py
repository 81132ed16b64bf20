"""Takes an artifact in: what the folder may hold, a durable copy, and its models judged in another process.

An artifact comes from outside and is not trusted: it is copied first and judged as the copy, links and foreign files
are refused, nothing in it is unpickled or run but the model itself, and that in a process of its own that knows none of
the platform's secrets. It reaches the store only after that.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
#: What the judging process is told of this one: where programs and languages are, and nothing that is secret.
_TOLD: Final = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SYSTEMROOT")


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


@contextmanager
def incoming(source: Path) -> Iterator[Artifact]:
    """Yield the verified copy of an artifact, which is gone afterwards unless it was put into the store (``keep``).

    Raises:
        Invalid: The folder holds a link, a folder or a foreign file, is too large, or is no sound artifact.
    """
    root = places.models_root()
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".incoming-") as name:
        copy = Path(name) / "artifact"
        try:
            _require_plain_files(source)
            _copy(source, copy)
            artifact = Artifact.load(copy)
        except (ArtifactError, OSError, UnicodeDecodeError) as error:
            raise _refused(error, copy) from error
        yield artifact


def keep(artifact: Artifact) -> None:
    """Move an incoming artifact to its place in the store, durably; one that is there already is verified again.

    Raises:
        Invalid: The one that is there has changed.
    """
    root = places.models_root()
    target = root / artifact.sha256
    if target.exists():
        try:
            require_artifact(target, artifact.sha256)
        except ArtifactError as error:
            raise _refused(error) from error
        return
    os.rename(artifact.path, target)
    _sync(root)


def replay(artifact: Artifact, *, on_keras: bool = False) -> dict[str, float]:
    """Return the largest difference of a golden logit, by engine, from a process of its own.

    Raises:
        Invalid: A model holds more than a network, crashes, takes too long, or answers otherwise than it did where it
            was made.
    """
    kinds = [engine.kind_for(artifact, settings.INFERENCE_ENGINE), *([engine.KERAS] if on_keras else [])]
    return {kind: _replayed(artifact.path, kind) for kind in dict.fromkeys(kinds)}


def _replayed(folder: Path, kind: str) -> float:
    command = [sys.executable, "-B", "-m", "inference.replay", str(folder), kind]
    with tempfile.TemporaryDirectory() as home:
        environment = {name: os.environ[name] for name in _TOLD if name in os.environ}
        environment |= {"HOME": home, "KERAS_HOME": home, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        try:
            done = subprocess.run(
                command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, errors="replace",
                stdin=subprocess.DEVNULL, timeout=REPLAY_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise Invalid(_("The model did not answer its golden cases in time."), code="replay_failed") from error
    if done.returncode != 0:
        raise _failed(kind, folder, done)
    return float(json.loads(done.stdout.splitlines()[-1])["largest_difference"])


def _failed(kind: str, folder: Path, done: subprocess.CompletedProcess[str]) -> Invalid:
    """Return the refusal that a judging process ended with; a signal tells nothing but itself."""
    last = (done.stderr.strip().splitlines() or [""])[-1]
    reason = f"exit status {done.returncode}" if done.returncode < 0 else last.replace(f"{folder}/", "")
    sentence = _(
        "The model was not registered: it cannot be trusted, or its golden cases fail, on %(engine)s. %(reason)s"
    )
    return Invalid(sentence % {"engine": kind, "reason": reason[:300]}, code="replay_failed")


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


def _refused(error: Exception, copy: Path | None = None) -> Invalid:
    """Return the refusal; the place of a copy that is about to go tells nobody anything."""
    reason = str(error) if copy is None else str(error).replace(f"{copy}/", "").replace(str(copy), "the artifact")
    sentence = _("The model was not registered, nothing was changed. %(reason)s") % {"reason": reason[:500]}
    return Invalid(sentence, code="bad_artifact")
