"""Opens archives that were handed in: each entry becomes a file with a verdict of its own, and the archive has one too.

It runs in the background, where an archive is judged: its bytes are durable, its entries are taken in one by one by the
same path as every other file, and what takes long goes on later where it stopped. Limits hold for an archive with all
the archives in it. Plain pictures make a study of each folder, DICOM files say themselves where they belong.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, QuerySet, Sum

from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.stores import INCOMING
from studies.intake import limits, receiving, sentences
from studies.intake.containers import Bounds, Entry, entries_of
from studies.intake.receiving import Handed, Taken
from studies.models import IncomingFile
from studies.states import FileStatus
from training.frames import FrameError

#: An archive that is not done after so many seconds gives way to other files and goes on later.
SECONDS: Final = 45.0
_AT_ONCE: Final = 50
#: A small archive of smooth pictures may unpack to a lot: so much is allowed whatever its ratio.
_ALWAYS_ALLOWED: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an archive stands among those that it came in, kept with each of its entries.

    Attributes:
        root: the archive that was handed in.
        root_bytes: its length.
        depth: 1 for the root, 2 for an archive in it.
    """

    root: str
    root_bytes: int
    depth: int

    @classmethod
    def of(cls, archive: IncomingFile) -> _Place:
        above = archive.details.get("archive")
        if not above:
            return cls(str(archive.pk), archive.size_bytes, 1)
        return cls(above["root"], above["root_bytes"], above["depth"] + 1)


def open_archive(archive: IncomingFile) -> str | None:
    """Take an archive's entries in; return its sentence once all are, None where it goes on later.

    Raises:
        FrameError: It is damaged, encrypted, too large, too deep, or holds no image; nothing of it was taken in unless
            the entries that were have verdicts of their own.
        Conflict: Somebody else has the archive by now.
    """
    place = _Place.of(archive)
    bounds = _bounds(archive, place)
    with INCOMING.open(archive.sha256) as handle:
        found = [entry.is_junk for entry in entries_of(handle, archive.kind, bounds)]
        skipped = sum(found)
        if len(found) == skipped:
            raise FrameError("no_images", "the archive is empty")
        done = _rows_of(archive).count()
        entries = (entry for entry in entries_of(handle, archive.kind, bounds) if not entry.is_junk)
        is_done = _take_in(archive, islice(entries, done, None), place=place, total=len(found) - skipped)
    return _finish(archive, skipped) if is_done else None


def _bounds(archive: IncomingFile, place: _Place) -> Bounds:
    """Return what the archive may still hold of what its root may; raise ``FrameError`` where it lies too deep."""
    allowed = limits.of(archive.site)
    if place.depth > allowed.nesting:
        raise FrameError("too_nested", f"more than {allowed.nesting} archives lie inside each other")
    inside = IncomingFile.objects.filter(batch=archive.batch, details__archive__root=place.root)
    others = inside.exclude(details__archive__parent=str(archive.pk))
    used = others.aggregate(files=Count("id"), size=Sum("size_bytes"))
    unpacked = min(allowed.batch_bytes, max(allowed.archive_ratio * place.root_bytes, _ALWAYS_ALLOWED))
    return Bounds(
        entries=max(0, allowed.archive_entries - used["files"]),
        unpacked_bytes=max(0, unpacked - (used["size"] or 0)),
    )


def _take_in(archive: IncomingFile, entries: Iterator[Entry], *, place: _Place, total: int) -> bool:
    """Take entries in, some at once; return whether all are."""
    kept: dict[str, Any] = {"parent": str(archive.pk), "root": place.root, "root_bytes": place.root_bytes}
    until = time.monotonic() + SECONDS
    while some := list(islice(_taken(archive, entries), _AT_ONCE)):
        receiving.take_entries(archive, some, place=kept | {"depth": place.depth}, total=total)
        if time.monotonic() > until:
            return not list(islice(entries, 1))
    return True


def _taken(archive: IncomingFile, entries: Iterator[Entry]) -> Iterator[tuple[Handed, Taken]]:
    allowed = limits.of(archive.site)
    for entry in entries:
        # The archive's id keeps folders of two archives in one upload apart.
        handed = Handed(entry.path, entry.read, entry.size, f"{archive.pk}/{entry.folder}")
        yield handed, receiving.take(handed, allowed)


def _finish(archive: IncomingFile, skipped: int) -> str:
    """Record that the archive was opened and return its sentence; raise ``FrameError`` where it held nothing of use."""
    rows = _rows_of(archive)
    count, refused = rows.count(), rows.filter(status=FileStatus.REFUSED).count()
    data: dict[str, object] = {"kind": archive.kind, "entries": count, "refused": refused, "skipped": skipped}
    with transaction.atomic():
        record(
            archive.sender, Verb.ARCHIVE_OPENED, target_type="incoming_file", target_id=archive.pk, site=archive.site,
            data=data,
        )  # fmt: skip
    if count == refused:
        raise FrameError("no_images", f"none of its {count} entries is an image that can be read")
    return sentences.opened(count - refused, refused=refused, skipped=skipped)


def _rows_of(archive: IncomingFile) -> QuerySet[IncomingFile]:
    return IncomingFile.objects.filter(batch=archive.batch, details__archive__parent=str(archive.pk))
