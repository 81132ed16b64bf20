"""Judges one file: decode it in the child, then accept, refuse, link or hold it in one transaction.

A job like any other: it is taken by one conditional UPDATE with a lease, the attempt is the fencing token, and whoever
comes back late changes nothing. A file over which the child dies is tried again, and refused after three deaths.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.celery import ring
from bonefrac.errors import Conflict
from bonefrac.stores import INCOMING, ORIGINALS
from inference import radiographs
from inference.radiographs import Description
from studies import identity
from studies.decoding.lettering import PICTURE
from studies.decoding.parent import Decoded, DecoderDied, decoder
from studies.intake import archives, joining, limits, safekeeping, sentences
from studies.intake.arrival import Arrival
from studies.models import IncomingFile, Study, StudyImage
from studies.states import FILE_TRANSITIONS, FileEvent, FileStatus, StudyStatus
from training.frames import Encoded, FrameError
from training.frames.sniffing import ARCHIVES

TEXT_IN_PIXELS: Final = "text_in_pixels"
log = structlog.get_logger(__name__)
_DESCRIBED: Final = (
    "decoder", "pixel_digest", "rows", "columns", "photometric_interpretation", "bits_allocated", "bits_stored",
    "is_signed", "grey",
)  # fmt: skip


def judge(file_id: uuid.UUID) -> None:
    """Give a file its verdict; nothing happens where somebody else has it or it has one."""
    file = start(file_id)
    if file is None:
        return
    try:
        _judge(file)
    except DecoderDied:
        lapse(file)
    except OSError as error:  # a full or broken disk: the file waits, it is not to blame
        log.error("intake_storage", file=str(file.pk), error=str(error))
        put_back(file)
    except OperationalError as error:  # two waited for each other, or the database went away: nothing was stored
        log.error("intake_database", file=str(file.pk), error=type(error).__name__)
        put_back(file)
    except Conflict as error:
        log.warning("intake_late", file=str(file.pk), code=error.code)


def start(file_id: uuid.UUID) -> IncomingFile | None:
    """Take a received file with a lease; None where it is not to be had."""
    with transaction.atomic():
        taken = IncomingFile.objects.filter(pk=file_id, status=FileStatus.RECEIVED).update(
            status=FILE_TRANSITIONS.move(FileStatus.RECEIVED, FileEvent.START),
            attempt=F("attempt") + 1,
            lease_until=timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS),
        )
        return IncomingFile.objects.select_related("site", "sender").get(pk=file_id) if taken else None


def _judge(file: IncomingFile) -> None:
    path = INCOMING.path(file.sha256)
    try:
        if not path.exists():
            raise FrameError("lost", "its bytes are gone from the store")
        if file.kind in ARCHIVES:
            _open(file)
            return
        allowed = limits.of(file.site)
        decoded = decoder().decode(
            path,
            max_pixels=allowed.pixels,
            preprocessings=radiographs.preprocessings(),
            is_declared_film=bool(file.details.get("is_film_photo")),
            is_text_cleared=bool(file.details.get("is_text_cleared")),
            masks=file.details.get("masks", ()),
        )
        admit(file, decoded)
    except FrameError as error:
        refuse(file, error.code, error.what)
    safekeeping.drop(file.sha256)


def _open(file: IncomingFile) -> None:
    """Take in what lies in an archive; a long one waits for its next turn where it stopped."""
    sentence = archives.open_archive(file)
    with transaction.atomic():
        if sentence is None:
            put_back(file)
            ring("intake.judge", str(file.pk))
            return
        settle(file, FileEvent.ACCEPT, code="archive_opened", sentence=sentence)
    safekeeping.drop(file.sha256)


def admit(file: IncomingFile, decoded: Decoded) -> None:
    """Accept a decoded file, link it to the same picture, or hold it for a lead.

    Raises:
        FrameError: Its study cannot take it.
        Conflict: This attempt came back too late; nothing is stored.
    """
    head = decoded.head
    arrival = Arrival.of(
        file, pixel_digest=head["pixel_digest"], header=head["header"], is_film_photo=head["is_film_photo"]
    )
    with transaction.atomic():
        twin = joining.twin_of(arrival)
        if twin is not None and not joining.is_settled(arrival, twin):
            hold(file, arrival, "two_patients")
        elif twin is not None:
            link(file, arrival, twin)
        elif head["is_held"]:
            hold_text(file, decoded)
        else:
            _accept(file, arrival, decoded)


def _accept(file: IncomingFile, arrival: Arrival, decoded: Decoded) -> None:
    study, is_new = joining.study_of(file, arrival)
    files = dict(decoded.parts)
    described = _described(decoded.head, files.pop("frame"))
    radiograph, _made = radiographs.store(described, pixel_key=arrival.pixel_key, facts=arrival.facts, files=files)
    why_not = joining.obstacle(arrival, study)
    if why_not:
        apart = joining.study_apart(file, arrival)
        if apart is None:
            hold(file, arrival, why_not)
            return
        study = apart
    image = joining.join(file, arrival, study, radiograph, is_new=is_new)
    sentence = sentences.film_photo() if arrival.is_film_photo else ""
    settle(file, FileEvent.ACCEPT, study=study, study_image=image, sentence=sentence)


def _described(head: dict[str, Any], frame: bytes) -> Description:
    return Description(encoded=Encoded(frame, head["transfer_syntax"]), **{name: head[name] for name in _DESCRIBED})


def link(file: IncomingFile, arrival: Arrival, twin: StudyImage) -> None:
    """End a file as a duplicate of an image that is here; what it knows more of its study is kept."""
    is_void = twin.study.status == StudyStatus.VOID
    if not is_void:
        joining.learn(twin.study, arrival)
        if arrival.patient_key and arrival.patient_key == twin.study.patient_key:
            identity.keep(twin.study, arrival.identity)
    sentence = sentences.duplicate(is_void=is_void)
    settle(file, FileEvent.LINK, code="duplicate", sentence=sentence, study=twin.study, study_image=twin)


def hold(file: IncomingFile, arrival: Arrival, code: str) -> None:
    """Keep a file for a lead, with everything that is needed to go on."""
    details = file.details | {"arrival": arrival.to_dict()}
    settle(file, FileEvent.HOLD, code=code, sentence=sentences.held(code), details=details)


def hold_text(file: IncomingFile, decoded: Decoded) -> None:
    """Keep a file whose pixels hold letters that may name somebody; its picture lies among the originals."""
    shown, head = ORIGINALS.put(decoded.parts[PICTURE]), decoded.head
    details = file.details | {"lettering": head["lettering"], "preview": shown, "size": head["displayed"]}
    settle(file, FileEvent.HOLD, code=TEXT_IN_PIXELS, sentence=sentences.held(TEXT_IN_PIXELS), details=details)


def refuse(file: IncomingFile, code: str, what: str) -> None:
    """End a file with a code and a sentence."""
    with transaction.atomic():
        settle(file, FileEvent.REFUSE, code=code, sentence=sentences.refused(code, what))


def settle(file: IncomingFile, event: FileEvent, **values: Any) -> None:
    """Give a file its verdict inside the caller's transaction.

    Raises:
        Conflict: The file is no longer this attempt's (``late``).
    """
    _move(file, event, judged_at=timezone.now(), **values)
    study: Study | None = values.get("study")
    record(
        None,
        Verb.FILE_JUDGED,
        target_type="incoming_file",
        target_id=file.pk,
        site=file.site_id,
        data={"status": file.status, "code": values.get("code", ""), "study": str(study.pk) if study else ""},
    )
    joining.list_when_complete(file)


def lapse(file: IncomingFile) -> None:
    """Count a death over a file: try it again, or refuse it after three."""
    if file.deaths + 1 < settings.JOB_ATTEMPTS:
        with transaction.atomic():
            _move(file, FileEvent.LAPSE, FileStatus.RECEIVED, deaths=file.deaths + 1)
            ring("intake.judge", str(file.pk))
        return
    what = _("decoding it failed %(times)s times") % {"times": file.deaths + 1}
    sentence = sentences.refused("decoder_died", what)
    with transaction.atomic():
        settled = {"code": "decoder_died", "sentence": sentence, "judged_at": timezone.now()}
        _move(file, FileEvent.LAPSE, FileStatus.REFUSED, deaths=file.deaths + 1, **settled)
        joining.list_when_complete(file)
    safekeeping.drop(file.sha256)


def put_back(file: IncomingFile) -> None:
    """Let a file wait for the sweeper, through no fault of its own."""
    _move(file, FileEvent.LAPSE, FileStatus.RECEIVED)


def _move(file: IncomingFile, event: FileEvent, to: FileStatus | None = None, **values: Any) -> None:
    target = FILE_TRANSITIONS.move(FileStatus.JUDGING, event, to)
    current = IncomingFile.objects.filter(pk=file.pk, status=FileStatus.JUDGING, attempt=file.attempt)
    if not current.update(status=target, lease_until=None, **values):
        raise Conflict(_("This attempt came back too late: the file has been given to another."), code="late")
    file.status, file.lease_until = target, None
