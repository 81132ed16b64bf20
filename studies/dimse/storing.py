"""One C-STORE: a received instance becomes a durable file with its row, and the sender learns it by a status.

Success is said only after the bytes are durable and the row is committed; with any other status the sender keeps the
instance. Pixels are not looked at: a background worker judges them later, and what it refuses the sender's site sees
on its upload pages.
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Final

import structlog
from django.db import Error as DatabaseError
from django.db import connection
from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag

from bonefrac.db import new_id
from bonefrac.errors import DomainError, Forbidden
from bonefrac.stores import CHUNK
from studies import intake
from studies.dimse import devices
from studies.intake import Details, Handed
from studies.models import Device
from studies.states import FileStatus

#: Files of one association that make one batch; the next ones make another, so that no batch grows without end.
BATCH_FILES: Final = 500
_STUDY_UID: Final = 0x0020000D
_COMMENT_LENGTH: Final = 64
_NOT_SUPPORTED: Final = frozenset({"not_a_radiograph", "multi_frame"})
log = structlog.get_logger(__name__)


class Status(IntEnum):
    """What a sender is told (PS3.4 B.2.3, PS3.7 C)."""

    STORED = 0x0000
    FAILED = 0x0110
    CLASS_NOT_SUPPORTED = 0x0122
    NOT_AUTHORISED = 0x0124
    OUT_OF_RESOURCES = 0xA700
    OF_ANOTHER_CLASS = 0xA900
    NOT_UNDERSTOOD = 0xC000


@dataclass(slots=True)
class Visit:
    """What one association of a device has brought so far."""

    device: Device
    batch: uuid.UUID = field(default_factory=new_id)
    in_batch: int = 0
    stored: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance as it came: a file in the DICOM format and what the request said of it."""

    path: Path
    sop_class: str
    sop_instance: str
    is_deflated: bool = False


class Refused(Exception):
    """The instance is not taken in; the sender is told a status and a comment of at most 64 characters."""

    def __init__(self, status: Status, comment: str) -> None:
        super().__init__(comment)
        self.status = status
        self.comment = comment


def store(visit: Visit, instance: Instance) -> tuple[Status, str]:
    """Take an instance in and return the status and comment of the answer; raises nothing.

    The thread's database connection is given back in any case.
    """
    try:
        _store(visit, instance)
    except Refused as refusal:
        visit.refused += 1
        log.warning("instance_refused", device=str(visit.device.pk), status=f"{refusal.status:04X}")
        return refusal.status, refusal.comment.encode("ascii", "replace").decode().replace("\\", "/")[:_COMMENT_LENGTH]
    finally:
        give_back_connection()
    visit.stored += 1
    return Status.STORED, ""


def _store(visit: Visit, instance: Instance) -> None:
    try:
        _refuse_mismatch(instance)
        _receive(visit, instance)
    except (Refused, DomainError) as refusal:
        raise refusal if isinstance(refusal, Refused) else _told(refusal) from None
    except (DatabaseError, OSError) as error:
        log.error("store_failed", device=str(visit.device.pk), error=type(error).__name__)
        raise Refused(Status.OUT_OF_RESOURCES, "The platform cannot store now; send it again later") from None
    except Exception as error:  # noqa: BLE001 the sender must learn that nothing was stored, whatever went wrong
        log.error("store_failed", device=str(visit.device.pk), error=type(error).__name__)
        raise Refused(Status.FAILED, "The platform failed; send it again later") from None


def _refuse_mismatch(instance: Instance) -> None:
    """Refuse what is no data set, or another one than the request says.

    A deflated one is left to the judge: it would have to be inflated here, where nothing bounds it.
    """
    if instance.is_deflated:
        return
    try:
        head = _head(instance.path)
        found_class, found_instance = str(head.get("SOPClassUID", "")), str(head.get("SOPInstanceUID", ""))
    except Exception:  # noqa: BLE001 a hostile data set fails inside pydicom in any way
        raise Refused(Status.NOT_UNDERSTOOD, "The data set cannot be read") from None
    if not found_instance:
        raise Refused(Status.NOT_UNDERSTOOD, "The data set has no SOP Instance UID")
    if found_class != instance.sop_class:
        raise Refused(Status.OF_ANOTHER_CLASS, "The data set is of another SOP class than the request")
    if found_instance != instance.sop_instance:
        raise Refused(Status.OF_ANOTHER_CLASS, "The data set is another SOP instance than the request")


def _head(path: Path) -> Dataset:
    def is_past(tag: BaseTag, _representation: str | None, _length: int) -> bool:
        return int(tag) > _STUDY_UID

    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_partial(file, stop_when=is_past)


def _receive(visit: Visit, instance: Instance) -> None:
    device = visit.device
    if not devices.may_still_store(device):
        raise Refused(Status.NOT_AUTHORISED, "This device has been deactivated")
    if visit.in_batch >= BATCH_FILES:
        visit.batch, visit.in_batch = new_id(), 0
    handed = Handed(f"{instance.sop_instance}.dcm", lambda: _chunks(instance.path), instance.path.stat().st_size)
    (row,) = intake.receive(device.person, site=device.site, files=[handed], details=Details(), batch=visit.batch)
    visit.in_batch += 1
    if row.status == FileStatus.REFUSED:
        status = Status.CLASS_NOT_SUPPORTED if row.code in _NOT_SUPPORTED else Status.NOT_UNDERSTOOD
        raise Refused(status, row.sentence)


def _told(error: DomainError) -> Refused:
    """Return a refusal of the intake as a sender understands it: to be sent again later, or never."""
    if isinstance(error, Forbidden):
        return Refused(Status.NOT_AUTHORISED, error.sentence)
    return Refused(Status.OUT_OF_RESOURCES, error.sentence)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def give_back_connection() -> None:
    """Return the connection to the pool, or close it; one that is broken already is no fault of this instance."""
    try:
        connection.close()
    except DatabaseError as error:
        log.warning("connection_lost", error=type(error).__name__)
