"""Files that arrive in pieces: begin, go on after whatever interrupted, and hand in once the bytes are whole.

What is counted as received is durable. Who goes on takes the writing over from a connection that may not yet know that
it is dead. What the pieces become is decided by ``receive``, as for every other file; the protocol is the face's.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol

from cryptography.fernet import Fernet
from django.conf import settings
from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac import keys
from bonefrac.accounts.models import Role
from bonefrac.accounts.roles import holds
from bonefrac.db import new_id
from bonefrac.errors import Conflict, DomainError, Forbidden, NotFound, TooMuch
from bonefrac.spooling import NO_ROOM, full_disk
from bonefrac.stores import PIECES
from studies import access
from studies.intake import limits, repeats, safekeeping
from studies.intake.details import Details, Grouping
from studies.intake.receiving import Handed, receive
from studies.models import ResumableUpload

if TYPE_CHECKING:
    from bonefrac.accounts.models import Site, User

KEPT: Final = timedelta(days=1)
ALGORITHMS: Final = ("sha1", "sha256")
OPEN_AT_ONCE: Final = 200
_BLOCK: Final = 1 << 18
_SETTLE_BYTES: Final = 8 << 20
_SECONDS: Final = 300
_SWEPT_AT_ONCE: Final = 100


class Mismatch(DomainError):
    """Bytes do not match their checksum (460, as the protocol tus has it)."""

    status = 460
    default_code = "checksum_mismatch"


class Source(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, none at the end; raise ``OSError`` where the connection is gone."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What is known of a file before its bytes come; without details those of its batch hold."""

    name: str
    length: int
    details: Details | None
    batch: uuid.UUID | None = None
    expected_files: int = 0
    grouping: Grouping = Grouping.ONE_STUDY
    folder: str = ""
    key: str = ""

    @property
    def path(self) -> str:
        """What the sender calls the file: its folder and name."""
        return f"{self.folder}/{self.name}" if self.folder else self.name

    def handed(self, chunks: Callable[[], Iterable[bytes]]) -> Handed:
        """Return the whole file with its bytes."""
        return Handed(self.name, chunks, self.length, self.folder, self.key, self.path)


def begin(actor: User, *, site: Site, announced: Announced) -> ResumableUpload:
    """Make room for a file whose bytes will come in pieces; nothing of it is kept longer than a day without news.

    Raises:
        Forbidden: The actor is no uploader of the site.
        Invalid: A detail is at fault.
        TooMuch: It is longer than a file may be, or too much is on its way already.
        TooOften: More files than the actor may hand in within an hour.
        Full: The disk is nearly full.
    """
    if not holds(actor, site, Role.UPLOADER):
        raise Forbidden(_("You may not upload for this site."))
    batch = announced.batch or new_id()
    announced = _entered(actor, site, replace(announced, batch=batch))
    _refuse_excess(actor, site, announced)
    upload = ResumableUpload(
        id=new_id(),
        site=site,
        owner=actor,
        batch=batch,
        length=announced.length,
        sealed=_sealed(announced),
        expires_at=timezone.now() + KEPT,
    )
    PIECES.make(upload.pk)
    upload.save(force_insert=True)
    return _finish(actor, upload) if not upload.length else upload


def _entered(actor: User, site: Site, announced: Announced) -> Announced:
    """Return what was announced with its details checked; those of another piece where the upload goes on."""
    if announced.details is not None:
        announced.details.stored(site)
        return announced
    others = coming(actor, announced.batch or new_id())
    if others:
        return replace(announced, details=others[0][1].details, grouping=others[0][1].grouping)
    repeats.details_of(actor, site, announced.batch or new_id())
    return announced


def coming(actor: User, batch: uuid.UUID) -> list[tuple[ResumableUpload, Announced]]:
    """Return the files of a batch whose bytes are still on their way, with what was announced of each."""
    mine = ResumableUpload.objects.filter(owner=actor, batch=batch, file=None, expires_at__gt=timezone.now())
    mine = mine.select_related("site")
    return [(upload, _opened(bytes(upload.sealed or b""))) for upload in mine.order_by("id")[:OPEN_AT_ONCE]]


def batches_coming(actor: User, most: int) -> list[uuid.UUID]:
    """Return the latest batches of which bytes of the person are still on their way."""
    mine = ResumableUpload.objects.filter(owner=actor, file=None, expires_at__gt=timezone.now())
    return list(mine.order_by("-id").values_list("batch", flat=True)[:most])


def _refuse_excess(actor: User, site: Site, announced: Announced) -> None:
    allowed = limits.of(site)
    if announced.length > allowed.bytes_of(announced.name):
        sentence = _("It was not accepted: it is larger than the %(limit)s that are allowed. Nothing was sent.")
        raise TooMuch(sentence % {"limit": limits.in_megabytes(allowed.bytes_of(announced.name))})
    others = _open_ones(actor)
    if len(others) >= OPEN_AT_ONCE:
        sentence = _("%(count)s of your files are still on their way. Finish some, or try again tomorrow.")
        raise TooMuch(sentence % {"count": len(others)}, code="too_many_open")
    limits.refuse_crowd(actor, limits=allowed, files=1 + len(others))
    if announced.batch is not None:
        sizes = [upload.length for upload in others if upload.batch == announced.batch]
        limits.refuse_excess(announced.batch, limits=allowed, sizes=[*sizes, announced.length])
    safekeeping.refuse_full_disk(more=announced.length + _coming_bytes())


def _open_ones(actor: User) -> list[ResumableUpload]:
    mine = ResumableUpload.objects.filter(owner=actor, expires_at__gt=timezone.now(), file=None)
    return list(mine.only("batch", "length")[:OPEN_AT_ONCE])


def _coming_bytes() -> int:
    waiting = ResumableUpload.objects.filter(file=None).aggregate(bytes=Sum(F("length") - F("received")))
    return int(waiting["bytes"] or 0)


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a piece is said to hash to: ``algorithm`` is one of ``ALGORITHMS``."""

    algorithm: str
    digest: bytes


def go_on(
    actor: User, upload_id: uuid.UUID, *, offset: int, source: Source, announced: int, checksum: Checksum | None = None
) -> ResumableUpload:
    """Take the bytes that follow ``offset`` until they end, the connection breaks, or minutes have passed.

    Args:
        actor: Who began the upload.
        upload_id: The upload.
        offset: Where the bytes belong: exactly what was received so far.
        source: The bytes.
        announced: How many bytes are said to come.
        checksum: What they are said to hash to; then all of them count, or none.

    Raises:
        NotFound: The upload is another's, over, or its bytes are lost.
        Conflict: The offset is another, or somebody else has taken over (``offset``, ``taken_over``).
        TooMuch: More bytes were announced than are missing.
        Mismatch: They hash to something else; none of them was taken in.
        DomainError: What ``receive`` says about the whole file; it stays and is tried again.
    """
    upload = access.resumable_upload(actor, upload_id)
    if upload.received != offset:
        raise _other_offset(upload.received, offset)
    if announced > upload.length - offset:
        sentence = _("%(missing)s bytes are missing, %(announced)s were announced. None was taken in.")
        raise TooMuch(sentence % {"missing": upload.length - offset, "announced": announced})
    if upload.file_id is None:
        _write(_taken_over(upload), source, checksum)
    return _finish(actor, upload) if upload.received == upload.length else upload


def _other_offset(received: int, offset: int) -> Conflict:
    sentence = _("%(received)s bytes are here, the next were sent for position %(offset)s. Ask for the position first.")
    return Conflict(sentence % {"received": received, "offset": offset}, code="offset")


def _taken_over(upload: ResumableUpload) -> ResumableUpload:
    """Become the only one whose bytes count."""
    same = ResumableUpload.objects.filter(pk=upload.pk, received=upload.received, writer=upload.writer)
    if not same.update(writer=upload.writer + 1):
        raise Conflict(
            _("Another connection goes on with this file. Ask for the position and try again."), code="offset"
        )
    upload.writer += 1
    return upload


def _write(upload: ResumableUpload, source: Source, checksum: Checksum | None) -> None:
    blocks = _blocks(source, upload.length - upload.received)
    try:
        with PIECES.appending(upload.pk, upload.received) as handle:
            if checksum is None:
                _append(upload, handle, blocks)
            else:
                _append_checked(upload, handle, blocks, checksum)
    except FileNotFoundError as error:
        raise NotFound(_("The bytes of this upload are gone. Send the file again.")) from error
    except OSError as error:
        if error.errno in NO_ROOM:
            raise full_disk() from error
        raise


def _append(upload: ResumableUpload, handle: BinaryIO, blocks: Iterator[bytes]) -> None:
    unsettled = 0
    for block in blocks:
        _write_all(handle, block)
        unsettled += len(block)
        if unsettled >= _SETTLE_BYTES:
            _settle(upload, handle, unsettled)
            unsettled = 0
    if unsettled:
        _settle(upload, handle, unsettled)


def _append_checked(upload: ResumableUpload, handle: BinaryIO, blocks: Iterator[bytes], checksum: Checksum) -> None:
    """Write blocks that count only once their checksum is right; others are cut off before the next ones."""
    digest, length = hashlib.new(checksum.algorithm, usedforsecurity=False), 0
    for block in blocks:
        _write_all(handle, block)
        digest.update(block)
        length += len(block)
    if digest.digest() != checksum.digest:
        raise Mismatch(_("The bytes do not match their checksum. None of them was taken in: send them again."))
    if length:
        _settle(upload, handle, length)


def _write_all(handle: BinaryIO, block: bytes) -> None:
    """Write a block whole: an unbuffered file may take less of it at a time."""
    rest = memoryview(block)
    while rest:
        rest = rest[handle.write(rest) :]


def _settle(upload: ResumableUpload, handle: BinaryIO, more: int) -> None:
    """Make bytes durable, then count them, unless somebody else writes by now."""
    os.fsync(handle.fileno())
    received = upload.received + more
    mine = ResumableUpload.objects.filter(pk=upload.pk, writer=upload.writer)
    if not mine.update(received=received, expires_at=timezone.now() + KEPT):
        raise Conflict(_("Another connection goes on with this file."), code="taken_over")
    upload.received = received


def _blocks(source: Source, room: int) -> Iterator[bytes]:
    """Yield what comes, until it ends; a broken or silent connection is an end too, and so are five minutes."""
    until = time.monotonic() + _SECONDS
    while room > 0 and time.monotonic() < until:
        try:
            block = source.read(min(_BLOCK, room))
        except OSError:
            return
        if not block:
            return
        room -= len(block)
        yield block


def _finish(actor: User, upload: ResumableUpload) -> ResumableUpload:
    """Hand the whole file in, once."""
    with transaction.atomic():
        held = ResumableUpload.objects.select_for_update(of=("self",)).select_related("site").get(pk=upload.pk)
        if held.file_id is None:
            announced = _opened(bytes(held.sealed or b""))
            rows = receive(
                actor,
                site=held.site,
                files=[announced.handed(lambda: PIECES.chunks(held.pk))],
                details=announced.details,
                batch=held.batch,
                expected_files=announced.expected_files,
                grouping=announced.grouping,
            )
            held.file, held.sealed = rows[0], None
            held.save(update_fields=["file", "sealed"])
    PIECES.remove(held.pk)
    return held


def give_up(actor: User, upload_id: uuid.UUID) -> None:
    """Forget an upload and its bytes; a file that is in already stays.

    Raises:
        NotFound: The upload is another's, or over.
    """
    access.resumable_upload(actor, upload_id).delete()
    PIECES.remove(upload_id)


def sweep() -> None:
    """Hand in what is whole but was interrupted, forget what had no news for a day, remove bytes without a row."""
    now = timezone.now()
    whole = ResumableUpload.objects.filter(file=None, received=F("length"), expires_at__gt=now)
    for upload in whole.select_related("owner").order_by("id")[:_SWEPT_AT_ONCE]:
        with contextlib.suppress(DomainError):  # a limit: there is room later, or the day passes
            _finish(upload.owner, upload)
    for upload in ResumableUpload.objects.filter(expires_at__lte=now)[:_SWEPT_AT_ONCE]:
        PIECES.remove(upload.pk)
        upload.delete()
    PIECES.remove_older((now - 2 * KEPT).timestamp())


def _cipher() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(keys.derive(settings.FIELD_SECRET, "resumable upload")))


def _sealed(announced: Announced) -> bytes:
    return _cipher().encrypt(json.dumps(asdict(announced), default=str).encode())


def _opened(sealed: bytes) -> Announced:
    known: dict[str, Any] = json.loads(_cipher().decrypt(sealed))
    entered = known["details"]
    known |= {"details": Details(**entered) if entered else None, "grouping": Grouping(known["grouping"])}
    return Announced(**known | {"batch": uuid.UUID(known["batch"])})
