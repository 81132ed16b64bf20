"""The bytes of incoming files: durable before a row names them, gone once nobody waits for them."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from bonefrac.spooling import NO_ROOM, full_disk
from bonefrac.stores import CHUNK, INCOMING, ORIGINALS
from studies.models import IncomingFile
from studies.states import FileStatus

WAITING = (FileStatus.RECEIVED, FileStatus.JUDGING, FileStatus.HELD)


def refuse_full_disk(more: int = 0) -> None:
    """Raise ``Full`` where too little of the stores' disk would be free beside so many bytes more."""
    root = Path(settings.STORES_ROOT)
    while not root.exists():
        root = root.parent
    usage = shutil.disk_usage(root)
    if usage.free - more < usage.total * settings.MINIMUM_FREE_DISK:
        raise full_disk()


def keep(chunks: Iterable[bytes]) -> tuple[str, int]:
    """Make bytes durable and return their key and length; raise ``Full`` where the disk is full."""
    try:
        return INCOMING.put_stream(iter(chunks))
    except OSError as error:
        if error.errno in NO_ROOM:
            raise full_disk() from error
        raise


def lock(name: str) -> None:
    """Hold a name until the current transaction ends; somebody else who wants it waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def lock_content(sha256: str) -> None:
    """Hold the bytes of a key: nobody removes them until the current transaction ends."""
    lock(f"incoming:{sha256}")


def drop(sha256: str) -> None:
    """Remove bytes that no file waits for any more."""
    with transaction.atomic():
        lock_content(sha256)
        if not IncomingFile.objects.filter(sha256=sha256, status__in=WAITING).exists():
            INCOMING.remove(sha256)


def keep_original(sha256: str) -> str:
    """Copy incoming bytes to the store of originals and return their key there, inside the caller's transaction."""
    lock_original(sha256)
    if not ORIGINALS.path(sha256).exists():
        ORIGINALS.put_stream(_chunks(sha256))
    return sha256


def lock_original(sha256: str) -> None:
    """Hold an original: nobody removes it until the current transaction ends."""
    lock(f"original:{sha256}")


def batch_name(batch: uuid.UUID) -> str:
    """Return the name under which a batch is locked."""
    return f"batch:{batch}"


def _chunks(sha256: str) -> Iterator[bytes]:
    with INCOMING.open(sha256) as handle:
        while chunk := handle.read(CHUNK):
            yield chunk
