"""Takes files in: each is sniffed by content, bounded, its header glanced at, its bytes made durable, its row written.

No pixel is decoded here. What the first bytes already condemn is refused at once; its neighbours are accepted.
"""

from __future__ import annotations

import io
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from PIL import Image
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from bonefrac.accounts.models import Role
from bonefrac.accounts.roles import holds
from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.celery import ring
from bonefrac.db import new_id
from bonefrac.errors import Conflict, Forbidden, Invalid
from bonefrac.stores import INCOMING
from studies.intake import joining, limits, names, safekeeping, sentences
from studies.intake.details import Details, Grouping
from studies.intake.limits import Limits
from studies.models import IncomingFile
from studies.states import FileStatus
from training.frames import FrameError, kind_of
from training.frames.dicom import refuse_other_modalities
from training.frames.pictures import refuse_size
from training.frames.sniffing import HEAD_BYTES

if TYPE_CHECKING:
    from bonefrac.accounts.models import Site, User

_ENDINGS: Final = {
    ".jpg": "jpeg", ".jpeg": "jpeg", ".jpe": "jpeg", ".jfif": "jpeg", ".png": "png", ".dcm": "dicom", ".dicom": "dicom",
}  # fmt: skip
_GLANCE_BYTES: Final = 65_536
_HEADER_TAGS: Final = ["Modality", "NumberOfFrames", "Rows", "Columns"]


@dataclass(frozen=True, slots=True)
class Handed:
    """One file as a face got it: its name, its length where that is known, and its bytes as often as asked."""

    name: str
    chunks: Callable[[], Iterable[bytes]]
    size: int | None = None

    @classmethod
    def of_bytes(cls, name: str, content: bytes) -> Handed:
        """Return a file whose bytes are in memory."""
        return cls(name, lambda: (content,), len(content))

    @classmethod
    def of_upload(cls, file: UploadedFile[bytes]) -> Handed:
        """Return a file that Django parsed from a form."""
        return cls(file.name or "", file.chunks, file.size)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A file after its first glance: refused with a code and what was found, or kept."""

    name: str
    sha256: str
    size: int
    kind: str
    code: str = ""
    what: str = ""


def receive(
    actor: User,
    *,
    site: Site,
    files: Sequence[Handed],
    details: Details,
    batch: uuid.UUID | None = None,
    expected_files: int = 0,
    grouping: Grouping = Grouping.ONE_STUDY,
) -> list[IncomingFile]:
    """Take files in and return their rows, in order: RECEIVED, or REFUSED with a code and a sentence.

    Args:
        actor: An uploader of the site.
        site: Where the studies belong.
        files: What was handed in.
        details: What is known beside the pixels, the same for all files.
        batch: What belongs together; several calls may add to one. None: a new one.
        expected_files: Files of the whole batch, 0 while unknown; studies are listed once all are judged.
        grouping: How pictures without a header make studies.

    Raises:
        Forbidden: The actor is no uploader of the site.
        Invalid: There is no file, or a detail is at fault; nothing was taken in.
        TooMuch: More files or bytes than a batch may have.
        TooOften: More files than the actor may hand in within an hour.
        Conflict: The batch belongs to somebody else.
        Unavailable: The disk is nearly full.
    """
    stored = _checked(actor, site, files, details) | {"grouping": str(grouping)}
    batch, allowed = batch or new_id(), limits.of(site)
    limits.refuse_crowd(actor, limits=allowed, files=len(files))
    limits.refuse_excess(batch, limits=allowed, sizes=[file.size or 0 for file in files])
    safekeeping.refuse_full_disk()
    taken = [_take(file, allowed) for file in files]
    with transaction.atomic():
        _refuse_foreign_batch(actor, site, batch)
        _ensure_kept(files, taken)
        rows = _insert(actor, site, taken, batch=batch, expected=expected_files, details=stored)
        joining.list_when_complete(rows[0])
        for row in (row for row in rows if row.status == FileStatus.RECEIVED):
            ring("intake.judge", str(row.pk))
    return rows


def _checked(actor: User, site: Site, files: Sequence[Handed], details: Details) -> dict[str, Any]:
    if not holds(actor, site, Role.UPLOADER):
        raise Forbidden(_("You may not upload for this site."))
    if not files:
        sentence = _("Choose at least one file. Nothing was uploaded.")
        raise Invalid(sentence, code="no_files", fields={"files": sentence})
    return details.stored(site)


def _refuse_foreign_batch(actor: User, site: Site, batch: uuid.UUID) -> None:
    safekeeping.lock(safekeeping.batch_name(batch))
    if IncomingFile.objects.filter(batch=batch).exclude(sender=actor, site=site).exists():
        raise Conflict(_("This upload belongs to somebody else or to another site. Start a new one."), code="batch")


def _take(file: Handed, allowed: Limits) -> _Taken:
    """Keep a file's bytes, or say why not."""
    limit = allowed.file_bytes
    try:
        if file.size is not None and file.size > limit:
            raise _too_large(limit)
        sha256, size = safekeeping.keep(_bounded(file.chunks(), limit))
        kind = _glance(file.name, sha256, size, max_pixels=allowed.pixels)
    except FrameError as error:
        return _Taken(file.name, "", file.size or 0, "unknown", error.code, error.what)
    return _Taken(file.name, sha256, size, kind)


def _bounded(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    seen = 0
    for chunk in chunks:
        seen += len(chunk)
        if seen > limit:
            raise _too_large(limit)
        yield chunk


def _too_large(limit: int) -> FrameError:
    return FrameError("too_large", f"it is larger than the {limit // 1_000_000} MB that are allowed")


def _glance(name: str, sha256: str, size: int, *, max_pixels: int) -> str:
    """Return what a file is; raise ``FrameError`` where its first bytes already condemn it, and drop it."""
    try:
        return _looked_at(name, sha256, size, max_pixels)
    except FrameError:
        safekeeping.drop(sha256)
        raise


def _looked_at(name: str, sha256: str, size: int, max_pixels: int) -> str:
    if not size:
        raise FrameError("empty", "it has 0 bytes")
    with INCOMING.open(sha256) as handle:
        head = handle.read(_GLANCE_BYTES)
    kind = kind_of(head[:HEAD_BYTES])
    claimed = _ENDINGS.get(PurePath(name).suffix.lower(), "")
    if claimed and kind != claimed:
        found = kind.upper() if kind != "unknown" else "something else"
        raise FrameError("lying_type", f"its name says {claimed.upper()}, its content is {found}")
    if kind == "unknown":
        raise FrameError("not_an_image", "it is neither DICOM, JPEG nor PNG")
    _glance_at_header(kind, head, max_pixels)
    return kind


def _glance_at_header(kind: str, head: bytes, max_pixels: int) -> None:
    """Raise ``FrameError`` for what the first bytes of a known kind already tell; unreadable ones are the judge's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            rows, columns = _dicom_size(head) if kind == "dicom" else _picture_size(head, kind)
        except FrameError:
            raise
        except Exception:  # noqa: BLE001 a cut or hostile header fails in any way; the child will judge it
            return
    if rows and columns:
        refuse_size(rows, columns, max_pixels)


def _picture_size(head: bytes, kind: str) -> tuple[int, int]:
    with Image.open(io.BytesIO(head), formats=[kind]) as image:
        return image.height, image.width


def _dicom_size(head: bytes) -> tuple[int, int]:
    if DeflatedExplicitVRLittleEndian.encode() + b"\0" in head[:1024]:
        return 0, 0
    dataset = dcmread(io.BytesIO(head), stop_before_pixels=True, force=True, specific_tags=list(_HEADER_TAGS))
    refuse_other_modalities(dataset)
    return int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)


def _ensure_kept(files: Sequence[Handed], taken: Sequence[_Taken]) -> None:
    """Hold the bytes until the rows are there; write those again that somebody dropped before they were held."""
    for sha256 in sorted({file.sha256 for file in taken if not file.code}):
        safekeeping.lock_content(sha256)
    for file, kept in zip(files, taken, strict=True):
        if not kept.code and not INCOMING.path(kept.sha256).exists():
            safekeeping.keep(file.chunks())


def _insert(
    actor: User, site: Site, taken: Sequence[_Taken], *, batch: uuid.UUID, expected: int, details: dict[str, Any]
) -> list[IncomingFile]:
    first = IncomingFile.objects.filter(batch=batch).count()
    rows = [
        _row(actor, site, file, batch=batch, expected=expected, position=first + index, details=details)
        for index, file in enumerate(taken)
    ]
    IncomingFile.objects.bulk_create(rows)
    counts: dict[str, object] = {"files": len(rows), "refused": sum(bool(file.code) for file in taken)}
    record(actor, Verb.FILE_RECEIVED, target_type="batch", target_id=batch, site=site, data=counts)
    return rows


def _row(
    actor: User, site: Site, file: _Taken, *, batch: uuid.UUID, expected: int, position: int, details: dict[str, Any]
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
        details=details,
        status=FileStatus.REFUSED if file.code else FileStatus.RECEIVED,
        code=file.code,
        sentence=sentences.refused(file.code, file.what) if file.code else "",
        received_at=now,
        judged_at=now if file.code else None,
    )
