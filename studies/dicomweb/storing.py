"""STOW-RS: each part of a body becomes a received file; what became of each goes back under the UIDs it came with.

No pixel is decoded: an instance that is taken is judged in the background like every upload.
"""

from __future__ import annotations

import io
import tempfile
import uuid
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final

from pydicom.filereader import read_partial
from pydicom.uid import DeflatedExplicitVRLittleEndian

from bonefrac.db import new_id
from bonefrac.errors import DomainError
from studies import intake
from studies.dicomweb.multipart import CHUNK, Broken, Part
from studies.intake import Details, Handed, limits
from studies.states import FileStatus

if TYPE_CHECKING:
    from bonefrac.accounts.models import Site, User
    from studies.models import IncomingFile

#: Failure reasons of PS3.18 annex I and PS3.4 annex B.
NO_RESOURCES, CANNOT_UNDERSTAND, PROCESSING_FAILURE = 0xA700, 0xC000, 0x0110
WRONG_CLASS, WRONG_SYNTAX, COERCED = 0x0122, 0xC122, 0xB000
_REASONS: Final = {
    "too_large": NO_RESOURCES,
    "too_many_pixels": NO_RESOURCES,
    "not_a_radiograph": WRONG_CLASS,
    "multi_frame": WRONG_CLASS,
    "unsupported_syntax": WRONG_SYNTAX,
    **dict.fromkeys(("empty", "truncated", "damaged", "not_an_image", "lying_type", "no_pixels"), CANNOT_UNDERSTAND),
}
_TOGETHER_FILES, _TOGETHER_BYTES, _IN_MEMORY = 32, 32_000_000, 4_000_000
_HEAD_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Identity:
    """The UIDs under which a client knows an instance, empty where they could not be read."""

    sop_class: str = ""
    instance: str = ""
    study: str = ""
    series: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one part: taken, or failed for a reason and with a sentence."""

    identity: Identity
    failure: int | None = None
    sentence: str = ""


@dataclass(slots=True)
class _Waiting:
    """One part that was read whole, on its way to the intake."""

    identity: Identity
    file: IO[bytes]
    size: int
    name: str

    def handed(self) -> Handed:
        return Handed(self.name, self._chunks, self.size)

    def _chunks(self) -> Iterator[bytes]:
        self.file.seek(0)
        while chunk := self.file.read(CHUNK):
            yield chunk


@dataclass(slots=True)
class _Delivery:
    """One request's parts, handed over a few at a time so that neither memory nor a transaction grows with them."""

    actor: User
    site: Site
    batch: uuid.UUID = field(default_factory=new_id)
    outcomes: list[Outcome] = field(default_factory=list)
    refusal: DomainError | None = None
    _waiting: list[_Waiting] = field(default_factory=list)

    def add(self, part: _Waiting) -> None:
        self._waiting.append(part)
        if len(self._waiting) >= _TOGETHER_FILES or sum(w.size for w in self._waiting) >= _TOGETHER_BYTES:
            self.hand_over()

    def hand_over(self) -> None:
        """Have the waiting parts received; a refusal of all of them fails each, and those that follow."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            handed = [part.handed() for part in waiting]
            rows = intake.receive(self.actor, site=self.site, files=handed, details=Details(), batch=self.batch)
            self.outcomes += [_outcome(part, row) for part, row in zip(waiting, rows, strict=True)]
        except DomainError as refusal:
            self.refusal = refusal
            self.outcomes += [Outcome(part.identity, NO_RESOURCES, refusal.sentence) for part in waiting]
        finally:
            for part in waiting:
                part.file.close()


def store(actor: User, *, site: Site, parts: Iterable[Part], study_uid: str = "") -> list[Outcome]:
    """Take in the instances of a body and return what became of each, in order.

    Args:
        actor: An uploader of the site.
        site: Where the studies belong.
        parts: What was sent, read once.
        study_uid: The study to which every instance must belong, by the UID of the sender; empty for any.

    Raises:
        DomainError: Nothing at all was taken in, for one reason.
    """
    delivery = _Delivery(actor, site)
    largest = limits.of(site).file_bytes
    try:
        for number, part in enumerate(parts, start=1):
            _take(delivery, part, study_uid, number, largest)
    except Broken as error:
        delivery.hand_over()
        delivery.outcomes.append(Outcome(Identity(), CANNOT_UNDERSTAND, str(error)))
    delivery.hand_over()
    if delivery.refusal is not None and all(outcome.failure is not None for outcome in delivery.outcomes):
        raise delivery.refusal
    return delivery.outcomes


def _take(delivery: _Delivery, part: Part, study_uid: str, number: int, largest: int) -> None:
    if delivery.refusal is not None:
        delivery.outcomes.append(Outcome(Identity(), NO_RESOURCES, delivery.refusal.sentence))
        return
    if part.media_type not in ("application/dicom", ""):
        delivery.hand_over()  # outcomes stay in the order of the parts
        sentence = f"A part is {part.media_type}; only application/dicom is taken."
        delivery.outcomes.append(Outcome(Identity(), CANNOT_UNDERSTAND, sentence))
        return
    file, size = _spooled(part.chunks, largest)
    identity = _identity(file)
    if study_uid and identity.study != study_uid:
        file.close()
        delivery.hand_over()
        sentence = "An instance belongs to another study than the address names."
        delivery.outcomes.append(Outcome(identity, PROCESSING_FAILURE, sentence))
        return
    delivery.add(_Waiting(identity, file, size, f"{number}.dcm"))


def _spooled(chunks: Iterator[bytes], largest: int) -> tuple[IO[bytes], int]:
    """Return a part's bytes, on disk where they are many, and its length; what exceeds the limit is only counted."""
    file, size = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY), 0  # noqa: SIM115 closed by the delivery
    try:
        for chunk in chunks:
            size += len(chunk)
            if size <= largest:
                file.write(chunk)
    except BaseException:
        file.close()
        raise
    return file, size


def _identity(file: IO[bytes]) -> Identity:
    """Read the UIDs off the first bytes; a deflated data set is not inflated here."""
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if DeflatedExplicitVRLittleEndian.encode() + b"\0" in head[:1024]:
        return Identity()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read = read_partial(io.BytesIO(head), stop_when=_is_past_uids, force=True)
            names = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
            return Identity(*(str(read.get(name) or "")[:64] for name in names))
        except Exception:  # noqa: BLE001 a cut or hostile header fails in any way; the intake says what is wrong
            return Identity()


def _is_past_uids(tag: int, _vr: str | None, _length: int) -> bool:
    return tag > 0x0020000E


def _outcome(part: _Waiting, row: IncomingFile) -> Outcome:
    if row.status == FileStatus.REFUSED:
        return Outcome(part.identity, _REASONS.get(row.code, PROCESSING_FAILURE), row.sentence)
    return Outcome(part.identity)
