"""Takes files in: each is sniffed by content, bounded, its header glanced at, its bytes made durable, its row written.

No pixel is decoded here. What the first bytes already condemn is refused at once; its neighbours are accepted.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts.models import Role
from bonefrac.accounts.roles import holds
from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.celery import ring
from bonefrac.db import new_id
from bonefrac.errors import Conflict, Forbidden, Invalid
from bonefrac.stores import INCOMING
from studies.intake import glancing, joining, limits, names, repeats, safekeeping, sentences
from studies.intake.details import Details, Grouping, folder_key
from studies.intake.limits import Limits
from studies.models import IncomingFile
from studies.states import FileStatus
from training.frames import FrameError

if TYPE_CHECKING:
    from bonefrac.accounts.models import Site, User

_SIDE_BY_SIDE: Final = 4


@dataclass(frozen=True, slots=True)
class Handed:
    """One file as a face got it: its name, its length where known, its bytes as often as asked, and its folder.

    ``key`` is the sender's own: the same key and bytes again in one upload are the same file. ``path`` is what the
    sender calls the file where that is more than its name.
    """

    name: str
    chunks: Callable[[], Iterable[bytes]]
    size: int | None = None
    folder: str = ""
    key: str = ""
    path: str = ""

    @classmethod
    def of_bytes(cls, name: str, content: bytes) -> Handed:
        """Return a file whose bytes are in memory."""
        return cls(name, lambda: (content,), len(content))

    @classmethod
    def of_upload(cls, file: UploadedFile[bytes], folder: str = "", key: str = "") -> Handed:
        """Return a file that Django parsed from a form."""
        name = file.name or ""
        return cls(name, file.chunks, file.size, folder, key, f"{folder}/{name}" if folder else "")

    @classmethod
    def of_form(
        cls, files: Sequence[UploadedFile[bytes]], folders: Sequence[str], keys: Sequence[str] = ()
    ) -> list[Handed]:
        """Return the files of a form with the folders in which they lay and their keys; none at all are allowed.

        Raises:
            Invalid: There are folders or keys, but not one for each file (``folders``, ``keys``).
        """
        for code, given in (("folders", folders), ("keys", keys)):
            if given and len(given) != len(files):
                sentence = _(
                    "Expected one of %(what)s for each of %(files)s files, received %(given)s. Nothing was taken in."
                )
                raise Invalid(sentence % {"what": code, "files": len(files), "given": len(given)}, code=code)
        none = [""] * len(files)
        return [
            cls.of_upload(file, folder, key)
            for file, folder, key in zip(files, folders or none, keys or none, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Taken:
    """A file after its first glance: refused with a code and what was found, or kept."""

    name: str
    sha256: str
    size: int
    kind: str
    code: str = ""
    what: str = ""
    folder: str = ""
    key: str = ""


def receive(
    actor: User,
    *,
    site: Site,
    files: Sequence[Handed],
    details: Details | None,
    batch: uuid.UUID | None = None,
    expected_files: int = 0,
    grouping: Grouping = Grouping.ONE_STUDY,
) -> list[IncomingFile]:
    """Return the rows of files that are taken in, in order: RECEIVED, or REFUSED with a code and a sentence.

    Args:
        actor: An uploader of the site.
        site: Where the studies belong.
        files: What was handed in.
        details: What is known beside the pixels, the same for all files; None: what was entered for the batch.
        batch: What belongs together; several calls may add to one. None: a new one.
        expected_files: Files of the whole batch, 0 while unknown; studies are listed once all are judged.
        grouping: How pictures without a header make studies.

    Raises:
        Forbidden: The actor is no uploader of the site.
        Invalid: There is no file, or a detail is at fault.
        TooMuch, TooOften: More than a batch may have, or than the actor may hand in within an hour.
        Conflict: The batch belongs to somebody else.
        Full: The disk is nearly full.
    """
    _check(actor, site, files)
    is_new, batch, allowed = batch is None, batch or new_id(), limits.of(site)
    stored = _entered(actor, site, batch, details, grouping)
    sizes = repeats.new_sizes(site, batch, files)
    limits.refuse(actor, None if is_new else batch, limits=allowed, sizes=sizes)
    safekeeping.refuse_full_disk()
    taken = _take_all(files, allowed)
    with transaction.atomic():
        first = 0 if is_new else _own_position(actor, site, batch)
        _ensure_kept(files, taken)
        rows = _insert_new(actor, site, taken, batch=batch, first=first, expected=expected_files, details=stored)
    return _without_repeated(taken, rows)


def _without_repeated(taken: Sequence[Taken], rows: list[IncomingFile]) -> list[IncomingFile]:
    """Drop the bytes of files that have their verdict already, for they were sent again; return the rows."""
    for file, row in zip(taken, rows, strict=True):
        if row.judged_at is not None and not file.code:
            safekeeping.drop(file.sha256)
    return rows


def take_entries(
    archive: IncomingFile, entries: Sequence[tuple[Handed, Taken]], *, place: dict[str, Any], total: int
) -> None:
    """Write the rows of an archive's entries whose bytes were taken; the same person's, of the same batch.

    Args:
        archive: The archive, being judged by the caller.
        entries: What the archive holds and what ``take`` made of it.
        place: What is kept with each entry of where it came from.
        total: How many entries there are; the batch waits for all of them.

    Raises:
        Conflict: Somebody else has the archive by now; nothing was written.
    """
    details = {name: value for name, value in archive.details.items() if name not in ("folder", "key")}
    details["archive"] = place
    if details.get("grouping") != Grouping.STUDY_PER_FILE:
        details["grouping"] = str(Grouping.FOLDER)
    with transaction.atomic():
        safekeeping.lock(safekeeping.batch_name(archive.batch))
        _hold_archive(archive)
        taken = [kept for _handed, kept in entries]
        _ensure_kept([handed for handed, _kept in entries], taken)
        batch = IncomingFile.objects.filter(batch=archive.batch)
        expected = batch.aggregate(files=Max("expected_files"))["files"] or 0
        is_first = not batch.filter(details__archive__parent=str(archive.pk)).exists()
        rows = _insert(
            archive.sender, archive.site, taken, batch=archive.batch, first=_next_position(archive.batch),
            details=details, expected=expected + total if expected and is_first else expected,
        )  # fmt: skip
        _ring(rows)


def _ring(rows: Iterable[IncomingFile]) -> None:
    for row in rows:
        if row.status == FileStatus.RECEIVED:
            ring("intake.judge", str(row.pk))


def _hold_archive(archive: IncomingFile) -> None:
    """Keep an archive's lease while its entries are taken in; raise ``Conflict`` where somebody else has it."""
    mine = IncomingFile.objects.filter(pk=archive.pk, status=FileStatus.JUDGING, attempt=archive.attempt)
    if not mine.update(lease_until=timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)):
        raise Conflict(_("This attempt came back too late: the file has been given to another."), code="late")


def _entered(actor: User, site: Site, batch: uuid.UUID, details: Details | None, grouping: Grouping) -> dict[str, Any]:
    if details is None:
        return repeats.details_of(actor, site, batch)
    return details.stored(site) | {"grouping": str(grouping)}


def _check(actor: User, site: Site, files: Sequence[Handed]) -> None:
    if not holds(actor, site, Role.UPLOADER):
        raise Forbidden(_("You may not upload for this site."))
    if not files:
        sentence = _("Choose at least one file. Nothing was uploaded.")
        raise Invalid(sentence, code="no_files", fields={"files": sentence})


def _own_position(actor: User, site: Site, batch: uuid.UUID) -> int:
    """Return the place of the next file in a batch; raise ``Conflict`` where it is another's."""
    safekeeping.lock(safekeeping.batch_name(batch))
    if IncomingFile.objects.filter(batch=batch).exclude(sender=actor, site=site).exists():
        raise Conflict(_("This upload belongs to somebody else or to another site. Start a new one."), code="batch")
    return _next_position(batch)


def _take_all(files: Sequence[Handed], allowed: Limits) -> list[Taken]:
    """Take several files; a disk settles many at once about as fast as one, so that they are written side by side."""
    if len(files) == 1:
        return [take(files[0], allowed)]
    with ThreadPoolExecutor(min(len(files), _SIDE_BY_SIDE)) as pool:
        writing = [pool.submit(_write, file, allowed) for file in files]
    return [take(file, allowed, written=done.result) for file, done in zip(files, writing, strict=True)]


def _write(file: Handed, allowed: Limits) -> tuple[str, int]:
    """Make a file's bytes durable; asks no database, so that any thread may do it."""
    return safekeeping.keep(glancing.bounded(file.chunks(), allowed=allowed, size=file.size))


def take(file: Handed, allowed: Limits, *, written: Callable[[], tuple[str, int]] | None = None) -> Taken:
    """Make a file's bytes durable, or say why not; no row names them yet.

    Args:
        file: What was handed in.
        allowed: The site's limits.
        written: Gives the key and length of bytes that are durable already, or raises what ``keep`` raised.
    """
    try:
        sha256, size = written() if written else _write(file, allowed)
        kind = _glance(file.name, sha256, size, allowed)
    except FrameError as error:
        return Taken(file.path or file.name, "", file.size or 0, "unknown", error.code, error.what, key=file.key)
    return Taken(file.path or file.name, sha256, size, kind, folder=file.folder, key=file.key)


def _glance(name: str, sha256: str, size: int, allowed: Limits) -> str:
    """Return what a file is; raise ``FrameError`` where its first bytes already condemn it, and drop it."""
    try:
        return glancing.kind_at(sha256, name=name, size=size, allowed=allowed)
    except FrameError:
        safekeeping.drop(sha256)
        raise


def _ensure_kept(files: Sequence[Handed], taken: Sequence[Taken]) -> None:
    """Hold the bytes until the rows are there; write those again that somebody dropped before they were held."""
    for sha256 in sorted({file.sha256 for file in taken if not file.code}):
        safekeeping.lock_content(sha256)
    for file, kept in zip(files, taken, strict=True):
        if not kept.code and not INCOMING.path(kept.sha256).exists():
            safekeeping.keep(file.chunks())


def _next_position(batch: uuid.UUID) -> int:
    last = IncomingFile.objects.filter(batch=batch).aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


def _insert_new(
    actor: User,
    site: Site,
    taken: Sequence[Taken],
    *,
    batch: uuid.UUID,
    first: int,
    expected: int,
    details: dict[str, Any],
) -> list[IncomingFile]:
    """Write a row for each file that is not here yet; return the rows of all, in order."""
    keys = [repeats.hashed(site, file.key) for file in taken]
    here = repeats.found(batch, keys)
    rows = [
        repeats.same_as(here.get(key, ()), sha256=file.sha256, code=file.code)
        for key, file in zip(keys, taken, strict=True)
    ]
    new = [file for file, row in zip(taken, rows, strict=True) if row is None]
    made = _insert(actor, site, new, batch=batch, first=first, expected=expected, details=details) if new else []
    _ring(made)
    fresh = iter(made)
    found = [row or next(fresh) for row in rows]
    if all(row.judged_at for row in found):
        joining.list_when_complete(found[0])
    return found


def _insert(
    actor: User,
    site: Site,
    taken: Sequence[Taken],
    *,
    batch: uuid.UUID,
    first: int,
    expected: int,
    details: dict[str, Any],
) -> list[IncomingFile]:
    rows = [
        _row(actor, site, file, batch=batch, expected=expected, position=first + index, details=details)
        for index, file in enumerate(taken)
    ]
    IncomingFile.objects.bulk_create(rows)
    counts: dict[str, object] = {"files": len(rows), "refused": sum(bool(file.code) for file in taken)}
    record(actor, Verb.FILE_RECEIVED, target_type="batch", target_id=batch, site=site, data=counts)
    return rows


def _row(
    actor: User, site: Site, file: Taken, *, batch: uuid.UUID, expected: int, position: int, details: dict[str, Any]
) -> IncomingFile:
    now = timezone.now()
    return IncomingFile(
        id=new_id(),
        site=site,
        sender=actor,
        batch=batch,
        expected_files=expected,
        position=position,
        name=names.sealed(file.name) if file.name else None,
        sha256=file.sha256,
        size_bytes=file.size,
        kind=file.kind,
        details=details | _of_one(site, file),
        status=FileStatus.REFUSED if file.code else FileStatus.RECEIVED,
        code=file.code,
        sentence=sentences.refused(file.code, file.what) if file.code else "",
        received_at=now,
        judged_at=now if file.code else None,
    )


def _of_one(site: Site, file: Taken) -> dict[str, str]:
    """Return what is kept of where one file lay and of its sender's key: hashes alone."""
    kept = {"folder": folder_key(site, file.folder) if file.folder else "", "key": repeats.hashed(site, file.key)}
    return {name: value for name, value in kept.items() if value}
