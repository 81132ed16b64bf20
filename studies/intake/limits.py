"""What a site takes in at most: the platform's settings where the site itself says nothing.

It says what the limits are, in words too, and refuses a person's or a batch's excess. Who meets a limit while reading
a file (its bytes, pixels, frames, an archive's entries) refuses that file alone, where it is read.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db.models import Count, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.errors import TooMuch, TooOften
from studies.models import IncomingFile

if TYPE_CHECKING:
    from bonefrac.accounts.models import Site, User

FRAMES: Final = 1
ARCHIVE_ENDINGS: Final = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
_HOUR: Final = timedelta(hours=1)
_MEGA: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a site takes in at most.

    Attributes:
        file_bytes: bytes of one image file.
        batch_files: files of one upload, over all of its requests.
        pixels: rows times columns of one image.
        frames: frames of one image.
        nesting: archives inside each other; 1 is an archive of images.
        archive_ratio: unpacked bytes for each byte of an archive.
        archive_entries: entries of one archive, with those of the archives in it.
        files_per_hour: files that one person hands in within an hour.
        batch_bytes: bytes of one upload, over all of its requests, and of one archive, packed and unpacked.
    """

    file_bytes: int
    batch_files: int
    pixels: int
    frames: int
    nesting: int
    archive_ratio: int
    archive_entries: int
    files_per_hour: int
    batch_bytes: int

    def bytes_of(self, name: str) -> int:
        """Return how many bytes a file of a name may have: an archive may have those of a whole upload."""
        return self.batch_bytes if name.lower().endswith(ARCHIVE_ENDINGS) else self.file_bytes


def of(site: Site) -> Limits:
    """Return what a site takes in at most: its own limits, never beyond the platform's."""
    return Limits(
        file_bytes=_narrower(site.max_file_megabytes, settings.UPLOAD_FILE_BYTES, _MEGA),
        batch_files=_narrower(site.max_batch_files, settings.UPLOAD_BATCH_FILES),
        pixels=_narrower(site.max_megapixels, settings.UPLOAD_PIXELS, _MEGA),
        frames=FRAMES,
        nesting=_narrower(site.max_archive_nesting, settings.ARCHIVE_NESTING),
        archive_ratio=_narrower(site.max_archive_ratio, settings.ARCHIVE_RATIO),
        archive_entries=_narrower(site.max_archive_entries, settings.ARCHIVE_ENTRIES),
        files_per_hour=_narrower(site.max_files_per_hour, settings.UPLOAD_FILES_PER_HOUR),
        batch_bytes=_narrower(site.max_batch_megabytes, settings.UPLOAD_BATCH_BYTES, _MEGA),
    )


def _narrower(own: int | None, platform: int, unit: int = 1) -> int:
    return min(own * unit, platform) if own else platform


def in_words(limits: Limits) -> list[str]:
    """Return a site's limits as the upload page states them."""
    return [
        _("A file: at most %(size)s and %(pixels)s megapixels, one frame.")
        % {"size": in_megabytes(limits.file_bytes), "pixels": limits.pixels // 1_000_000},
        _("One upload: at most %(files)s files and %(size)s together.")
        % {"files": limits.batch_files, "size": in_megabytes(limits.batch_bytes)},
        _("An archive: at most %(entries)s entries, %(nesting)s archives inside each other, %(ratio)s times its size.")
        % {"entries": limits.archive_entries, "nesting": limits.nesting, "ratio": limits.archive_ratio},
        _("A person: at most %(files)s files within an hour.") % {"files": limits.files_per_hour},
    ]


def in_megabytes(size: int) -> str:
    """Return a count of bytes in the unit in which limits are set."""
    return f"{size / _MEGA:,.0f} MB" if size >= _MEGA else f"{size / 1000:,.0f} kB"


def refuse(actor: User, batch: uuid.UUID | None, *, limits: Limits, sizes: Sequence[int]) -> None:
    """Refuse files beyond what a person may hand in within an hour, or a batch (None: a new one) may hold.

    No byte has been kept before.

    Raises:
        TooOften: More files than the person may hand in now.
        TooMuch: More files or bytes than the batch may hold.
    """
    refuse_crowd(actor, limits=limits, files=len(sizes))
    refuse_excess(batch, limits=limits, sizes=sizes)


def refuse_crowd(actor: User, *, limits: Limits, files: int) -> None:
    """Refuse files beyond what a person may hand in within an hour.

    Two requests of the same moment may pass together; the next one is refused.

    Raises:
        TooOften: It would be more; says when there is room again.
    """
    now = timezone.now()
    recent = IncomingFile.objects.filter(sender=actor, received_at__gt=now - _HOUR).order_by("-received_at", "-id")
    room = limits.files_per_hour - files
    if room < 0:
        raise _too_often(limits, wait=_HOUR)
    for blocking in recent.values_list("received_at", flat=True)[room : room + 1]:
        raise _too_often(limits, wait=blocking + _HOUR - now)


def refuse_excess(batch: uuid.UUID | None, *, limits: Limits, sizes: Sequence[int]) -> None:
    """Refuse more files or bytes than a batch may have, before any byte is kept.

    Raises:
        TooMuch: It would hold more (``too_many_files``, ``batch_too_large``).
    """
    held = _held_by(batch) if batch else {"files": 0, "size": 0}
    if held["files"] + len(sizes) > limits.batch_files:
        sentence = _(
            "At most %(limit)s files go in one upload; it has %(held)s and %(more)s were sent. These were not taken "
            "in, what is here is safe: send the rest as another upload."
        ) % {"limit": limits.batch_files, "held": held["files"], "more": len(sizes)}
        raise TooMuch(sentence, code="too_many_files")
    if (held["size"] or 0) + sum(sizes) > limits.batch_bytes:
        sentence = _(
            "At most %(limit)s go in one upload. These files were not taken in, what is here is safe: send the rest "
            "as another upload."
        ) % {"limit": in_megabytes(limits.batch_bytes)}
        raise TooMuch(sentence, code="batch_too_large")


def _held_by(batch: uuid.UUID) -> dict[str, Any]:
    """Return how many files and bytes a batch has; what lies in its archives has bounds of its own."""
    handed = IncomingFile.objects.filter(batch=batch, details__archive__isnull=True)
    return handed.aggregate(files=Count("id"), size=Sum("size_bytes"))


def _too_often(limits: Limits, *, wait: timedelta) -> TooOften:
    seconds = max(1, int(wait.total_seconds()) + 1)
    sentence = _(
        "You may hand in %(limit)s files within an hour. These were not taken in, what is here is safe: go on in "
        "%(minutes)s min."
    ) % {"limit": limits.files_per_hour, "minutes": -(-seconds // 60)}
    return TooOften(sentence, retry_after=seconds)
