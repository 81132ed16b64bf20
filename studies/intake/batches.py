"""One upload as its sender finds it again: who, when, where, what became of each file, and the files themselves."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from django.db import models, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts.models import Role, Site
from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.errors import Forbidden, Invalid, NotFound
from bonefrac.stores import INCOMING, ORIGINALS
from studies import access
from studies.intake import listing, names, repeats, resumable
from studies.intake.listing import FileRow
from studies.intake.safekeeping import WAITING
from studies.models import IncomingFile, ResumableUpload, StudyImage
from studies.states import FileStatus

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

PAGE_SIZE: Final = 100
TROUBLE: Final = (FileStatus.REFUSED, FileStatus.HELD)
#: What a list of a batch may be narrowed to: one status, or what a person has to look at.
ONLY: Final = {"trouble": TROUBLE, **{status.value: (status,) for status in FileStatus}}
_DAYS_TO_GO_ON: Final = 7
_SHOWN_UNFINISHED: Final = 5
_LOOKED_AT: Final = 10


@dataclass(frozen=True, slots=True)
class Count:
    """How many files of a batch have a status."""

    status: FileStatus
    files: int

    @property
    def word(self) -> str:
        """The status in words."""
        return str(self.status.label)


@dataclass(frozen=True, slots=True)
class Coming:
    """A file whose bytes are still on their way: how far it is, and where it goes on."""

    upload: ResumableUpload
    name: str

    @property
    def percent(self) -> int:
        """How much of it is here."""
        return int(100 * self.upload.received / (self.upload.length or 1))


@dataclass(frozen=True, slots=True)
class Batch:
    """What is true of an upload as a whole.

    Attributes:
        batch: Its id.
        site: Where its files belong.
        begun_at: When the first file came.
        counts: Files by status.
        missing: Announced files that have not arrived, those on their way among them.
        coming: Files of which some bytes are here.
    """

    batch: uuid.UUID
    site: Site
    begun_at: datetime
    counts: list[Count]
    missing: int
    coming: list[Coming]

    @property
    def total(self) -> int:
        """How many files are in, entries of archives among them."""
        return sum(count.files for count in self.counts)

    @property
    def is_open(self) -> bool:
        """Whether a file still waits for its verdict."""
        return any(count.status in (FileStatus.RECEIVED, FileStatus.JUDGING) for count in self.counts)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON of the API."""
        return {
            "batch": str(self.batch),
            "site": str(self.site.pk),
            "begun_at": self.begun_at.isoformat(),
            "total": self.total,
            "missing": self.missing,
            "is_open": self.is_open,
            "counts": {count.status.value: count.files for count in self.counts},
            "coming": [
                {
                    "id": str(one.upload.pk), "name": one.name,
                    "received": one.upload.received, "length": one.upload.length,
                }
                for one in self.coming
            ],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class BatchPage:
    """A page of an upload's files in the order in which they came.

    ``following`` is the position after which the next page starts, empty at the end.
    """

    of: Batch
    rows: list[FileRow]
    following: str

    @property
    def fingerprint(self) -> str:
        """What changes whenever the page does."""
        shown = (self.of.as_dict(), [row.as_dict() for row in self.rows], self.following)
        return hashlib.sha256(json.dumps(shown, default=str).encode()).hexdigest()[:16]


def summary(user: User, batch: uuid.UUID) -> Batch:
    """Return what is true of an upload that the person handed in as a whole.

    Raises:
        NotFound: The person handed in no such upload.
    """
    files = listing.handed_in_by(user).filter(batch=batch)
    counted: dict[str, int] = dict(files.order_by().values_list("status").annotate(models.Count("id")))
    coming = [(upload, told) for upload, told in resumable.coming(user, batch) if _may_go_on(user, upload)]
    if not counted and not coming:
        raise NotFound
    first = files.order_by("position").first() or coming[0][0]
    begun = first.received_at if isinstance(first, IncomingFile) else first.expires_at - resumable.KEPT
    announced = max((told.expected_files or 1 for _, told in coming), default=0)
    return Batch(
        batch=batch,
        site=first.site,
        begun_at=begun,
        counts=[Count(status, counted[status]) for status in FileStatus if counted.get(status)],
        missing=_missing(files, max(announced, len(coming) if not counted else 0), coming=len(coming)),
        coming=[Coming(upload, told.path) for upload, told in coming],
    )


def _may_go_on(user: User, upload: ResumableUpload) -> bool:
    return Role.UPLOADER in access.standing(user, upload.site).roles


def _missing(files: QuerySet[IncomingFile], announced: int, *, coming: int) -> int:
    """Return how many announced files are not in; entries of archives were announced by nobody."""
    handed = files.filter(details__archive__isnull=True).order_by()
    found = handed.aggregate(files=models.Count("id"), expected=models.Max("expected_files"))
    return max(coming, max(announced, int(found["expected"] or 0)) - int(found["files"]), 0)


def page_of(user: User, batch: uuid.UUID, *, after: str = "", only: str = "") -> BatchPage:
    """Return a page of the files of an upload that the person handed in, perhaps of one status only.

    Raises:
        NotFound: The person handed in no such upload.
        Invalid: ``after`` is no position, or ``only`` no known narrowing.
    """
    if after and not (after.isascii() and after.isdigit()):
        raise Invalid(_("This page's address is damaged: open the list anew."), code="bad_cursor")
    of = summary(user, batch)
    wanted = _narrowed(user, batch, only).filter(position__gt=int(after or -1))
    found = list(wanted.order_by("position", "id")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    following = str(shown[-1].position) if len(found) > PAGE_SIZE else ""
    return BatchPage(of, listing.rows_of(user, shown), following)


def _narrowed(user: User, batch: uuid.UUID, only: str) -> QuerySet[IncomingFile]:
    if only and only not in ONLY:
        sentence = _("Expected one of %(known)s to narrow the list to, received %(only)s.")
        raise Invalid(sentence % {"known": ", ".join(ONLY), "only": only[:20]}, code="bad_filter")
    files = listing.handed_in_by(user).filter(batch=batch)
    return files.filter(status__in=ONLY[only]) if only else files


def all_rows(user: User, batch: uuid.UUID) -> Iterator[FileRow]:
    """Yield every file of an upload that the person handed in with what became of it, a page at a time."""
    after = -1
    while rows := list(_narrowed(user, batch, "").filter(position__gt=after).order_by("position")[:PAGE_SIZE]):
        yield from listing.rows_of(user, rows)
        after = rows[-1].position


def unfinished(user: User) -> list[Batch]:
    """Return the person's latest uploads of which announced files have not arrived."""
    since = timezone.now() - timedelta(days=_DAYS_TO_GO_ON)
    begun = listing.handed_in_by(user).filter(position=0, received_at__gt=since, expected_files__gt=0)
    latest = begun.order_by("-received_at", "-id").values_list("batch", flat=True)[:_LOOKED_AT]
    keys = dict.fromkeys([*resumable.batches_coming(user, _SHOWN_UNFINISHED), *latest])
    found = (_or_none(user, batch) for batch in keys)
    return list(islice((batch for batch in found if batch is not None and batch.missing), _SHOWN_UNFINISHED))


def _or_none(user: User, batch: uuid.UUID) -> Batch | None:
    try:
        return summary(user, batch)
    except NotFound:
        return None


def known(user: User, batch: uuid.UUID, keys: Sequence[str]) -> list[FileRow | Coming | None]:
    """Return for each of a sender's keys the file that is in, the one that is on its way, or None where it is missing.

    Raises:
        NotFound: The person handed in no such upload.
    """
    of = summary(user, batch)
    hashes = [repeats.hashed(of.site, key) for key in keys]
    here = repeats.found(batch, hashes)
    files = [file for rows in here.values() for file in rows if file.sender_id == user.pk]
    rows = {row.file.pk: row for row in listing.rows_of(user, files)}
    coming = {told.key: Coming(upload, told.path) for upload, told in resumable.coming(user, batch) if told.key}
    answers: list[FileRow | Coming | None] = []
    for key, hashed in zip(keys, hashes, strict=True):
        found = next((rows[file.pk] for file in here.get(hashed, ()) if file.pk in rows), None)
        answers.append(found or coming.get(key))
    return answers


def open_original(user: User, file_id: uuid.UUID) -> tuple[str, BinaryIO]:
    """Open the bytes of a file exactly as they were handed in; the look is recorded.

    Returns:
        The sender's own name of the file, for the sender alone, and the bytes.

    Raises:
        NotFound: The person may not see the file, or its bytes are no longer kept.
        Forbidden: The person is neither its sender nor a lead of its site.
    """
    file = access.incoming_file(user, file_id)
    is_own = file.sender_id == user.pk
    if not is_own and Role.LEAD not in access.standing(user, file.site).roles:
        raise Forbidden(_("Originals are open to whoever sent them and to leads of the site."))
    handle = _bytes_of(file)
    with transaction.atomic():
        about: dict[str, Any] = {"study": str(file.study_id or "")}
        record(user, Verb.ORIGINAL_VIEWED, target_type="incoming_file", target_id=file.pk, site=file.site, data=about)
    return (PurePosixPath(names.opened(file.name)).name if is_own else "") or f"{file.pk}", handle


def _bytes_of(file: IncomingFile) -> BinaryIO:
    try:
        if file.status in WAITING:
            return INCOMING.open(file.sha256)
        if file.sha256 and StudyImage.everything.filter(original=file.sha256, study__site=file.site_id).exists():
            return ORIGINALS.open(file.sha256)
    except FileNotFoundError:
        pass
    raise NotFound(_("The bytes of this file are no longer kept."))
