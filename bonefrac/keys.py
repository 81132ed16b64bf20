"""The platform's secrets: made once, kept in files that only its user can read.

The signing key protects sessions and invitations. The pseudonym key makes every patient key, pixel key and reader
key: whoever loses it loses the grouping of patients for ever, whoever steals it can test guesses at patient ids.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

SIGNING, PSEUDONYM, FIELD = "signing", "pseudonym", "field"
NAMES = (SIGNING, PSEUDONYM, FIELD)


def load_or_create(data: Path, name: str) -> str:
    """Return a secret from ``data/keys/name``; make it, mode 0600, where it is absent."""
    folder = data / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        _make(path)
    return _read(path)


def _make(path: Path) -> None:
    """Write a new secret; of several processes that do so at once the first wins, and none sees half a file."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "w") as handle:
            handle.write(secrets.token_urlsafe(48))
            handle.flush()
            os.fsync(handle.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)


def _read(path: Path) -> str:
    text = path.read_text().strip()
    if len(text) < 32:
        raise RuntimeError(f"{path} is not a key: expected at least 32 characters, received {len(text)}")
    return text


def derive(secret: str, *context: str) -> bytes:
    """Return 32 bytes bound to a purpose: HMAC-SHA256 over the context, each part preceded by its length."""
    message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in context)
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()
