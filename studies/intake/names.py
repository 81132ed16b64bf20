"""The sender's own file names: encrypted, shown to the sender alone, dropped after 30 days."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from bonefrac import keys

_LENGTH = 255


def sealed(name: str) -> bytes:
    """Return a file name as it is stored."""
    return _cipher().encrypt(name[-_LENGTH:].encode())


def opened(token: bytes | memoryview | None) -> str:
    """Return a stored name; empty where it was dropped or the key has changed."""
    if not token:
        return ""
    try:
        return _cipher().decrypt(bytes(token)).decode()
    except InvalidToken:
        return ""


def _cipher() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(keys.derive(settings.FIELD_SECRET, "file name")))
