"""The platform's secrets: made once, kept in files that only its user can read.

The signing key protects sessions and invitations. The pseudonym key makes every patient key, pixel key and reader
key: whoever loses it loses the grouping of patients for ever, whoever steals it can test guesses at patient ids.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

SIGNING, PSEUDONYM, FIELD = "signing", "pseudonym", "field"
NAMES = (SIGNING, PSEUDONYM, FIELD)


def load_or_create(data: Path, name: str) -> str:
    """Return a secret from ``data/keys/name``; make it, mode 0600, where it is absent."""
    folder = data / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(secrets.token_urlsafe(48))
        handle.flush()
        os.fsync(handle.fileno())
    return _read(path)


def _read(path: Path) -> str:
    text = path.read_text().strip()
    if len(text) < 32:
        raise RuntimeError(f"{path} is not a key: expected at least 32 characters, received {len(text)}")
    return text


def derive(secret: str, *context: str) -> bytes:
    """Return 32 bytes bound to a purpose: HMAC-SHA256 over the context, each part preceded by its length."""
    message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in context)
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()
