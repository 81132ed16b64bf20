"""What a lead does with files that are held: let them in under their own patient, link them, or refuse them.

The lead sees both sides; what is decided is audited, and the file's sender reads its sentence.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts.models import Role
from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.errors import Conflict, Forbidden, NotFound
from inference.models import Radiograph
from studies import access
from studies.intake import joining, lettering, safekeeping, sentences
from studies.intake.arrival import Arrival
from studies.models import IncomingFile, Study, StudyImage
from studies.states import FILE_TRANSITIONS, FileEvent, FileStatus, StudyStatus
from training.frames import FrameError

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

TWO_PATIENTS, OTHER_PATIENT, VOID_STUDY = "two_patients", "other_patient", "void_study"
#: Reasons for which a file waits because of what is here: a lead looks at both sides.
CONFLICTS: Final = frozenset({TWO_PATIENTS, OTHER_PATIENT, VOID_STUDY})


@dataclass(frozen=True, slots=True)
class Sides:
    """A held file beside what is here: the same picture, or its study, under another patient; or its void study.

    ``is_in_the_way`` is false once the study can take the file: it was restored, or its patient put right.
    """

    file: IncomingFile
    pseudonym: str
    radiograph: Radiograph
    study: Study
    images: tuple[StudyImage, ...]
    shows_same_picture: bool
    is_in_the_way: bool = True

    @property
    def is_void_study(self) -> bool:
        """Whether the file waits because its study was voided."""
        return self.file.code == VOID_STUDY


def sides_of(actor: User, file_id: uuid.UUID) -> Sides:
    """Return both sides of a conflict of patients.

    Raises:
        NotFound, Forbidden: The actor may not see the file, or is no lead of its site.
        Conflict: The file is not held, not for its patient, or what it stood against is gone.
    """
    file = _seen_as_lead(actor, file_id)
    if file.status != FileStatus.HELD or file.code not in CONFLICTS:
        raise Conflict(_("This file is not held for what is here."), code="wrong_state")
    arrival = Arrival(**file.details["arrival"])
    same = StudyImage.objects.filter(radiograph__pixel_key=arrival.pixel_key).order_by("added_at", "id")
    if file.code == TWO_PATIENTS:
        image = same.select_related("study__uploader", "radiograph").first()
        if image is None:
            raise Conflict(_("The other picture was moved or taken back. Let the file in, or refuse it."), code="gone")
        study, images = image.study, [image]
    else:
        own = Study.objects.select_related("uploader", "merged_into__uploader")
        study = joining.followed(own.get(site=file.site, study_uid=arrival.study_uid))
        images = list(study.images.select_related("radiograph"))
    key = arrival.patient_key
    pseudonym = f"P-{key[:8]}" if key else str(_("unknown"))
    pixels = Radiograph.objects.get(pixel_key=arrival.pixel_key)
    is_same = file.code == TWO_PATIENTS
    blocks = joining.are_two_patients(arrival, study) if is_same else bool(joining.obstacle(arrival, study))
    return Sides(file, pseudonym, pixels, study, tuple(images), is_same, blocks)


def pixels_of(actor: User, file_id: uuid.UUID) -> Radiograph:
    """Return the radiograph of a held file, for a lead of its site; raise ``NotFound`` where there is none."""
    file = _seen_as_lead(actor, file_id)
    key = file.details.get("arrival", {}).get("pixel_key", "")
    found = Radiograph.objects.filter(pixel_key=key).first() if file.status == FileStatus.HELD else None
    if found is None:
        raise NotFound
    return found


def release_held(actor: User, file_id: uuid.UUID) -> IncomingFile:
    """Let a held file in under the patient that it names, as an image of its own.

    Where its study is here under another patient or void, it goes to a study apart, and so does what comes later of it.
    A picture that is here under its patient by now, because it was sent and let in twice, is linked.

    Raises:
        NotFound, Forbidden: The actor may not see the file, or is no lead of its site.
        Conflict: It is not held, or its study cannot take it.
    """
    with transaction.atomic():
        file = _locked(actor, file_id, FileEvent.ACCEPT)
        if file.code not in CONFLICTS:
            raise Conflict(_("Look at the text in its pixels first."), code="wrong_state")
        arrival = Arrival(**file.details["arrival"])
        twin = joining.twin_of(arrival)
        if twin is not None and not joining.are_two_patients(arrival, twin.study):
            _link(actor, file, twin, sentences.duplicate(is_void=twin.study.status == StudyStatus.VOID))
        else:
            _let_in(actor, file, arrival)
    safekeeping.drop(file.sha256)
    return file


def _let_in(actor: User, file: IncomingFile, arrival: Arrival) -> None:
    study, is_new = joining.study_of(file, arrival)
    if joining.obstacle(arrival, study):
        arrival = arrival.apart(file.site)
        study, is_new = joining.study_of(file, arrival)
    _join(actor, file, arrival, study, is_new=is_new)


def _link(actor: User, file: IncomingFile, twin: StudyImage, sentence: str) -> None:
    file.study, file.study_image = twin.study, twin
    _end(actor, file, FileEvent.LINK, code="duplicate", sentence=sentence)


def link_held(actor: User, file_id: uuid.UUID) -> IncomingFile:
    """Take a held file for what is here: the patient that it names is wrong.

    The same picture is linked to the first one; a new picture joins the study that is here.

    Raises:
        NotFound, Forbidden, Conflict: As ``release_held``; the other picture is gone (``gone``).
    """
    with transaction.atomic():
        file = _locked(actor, file_id, FileEvent.LINK)
        if file.code not in (TWO_PATIENTS, OTHER_PATIENT):
            raise Conflict(_("This file is not held for its patient."), code="wrong_state")
        arrival = Arrival(**file.details["arrival"])
        twin = joining.twin_of(arrival)
        if file.code == OTHER_PATIENT and twin is None:
            study, is_new = joining.study_of(file, arrival)
            _join(actor, file, arrival, study, is_new=is_new)
        elif twin is None:
            raise Conflict(_("The other picture was moved or taken back. Let the file in, or refuse it."), code="gone")
        else:
            _link(actor, file, twin, sentences.linked())
    safekeeping.drop(file.sha256)
    return file


def refuse_held(actor: User, file_id: uuid.UUID) -> IncomingFile:
    """Refuse a held file for good. Raises as ``release_held``."""
    with transaction.atomic():
        file = _locked(actor, file_id, FileEvent.REFUSE)
        shown = str(file.details.get("preview", ""))
        what = _("a lead of the site has refused it")
        _end(actor, file, FileEvent.REFUSE, code="refused_by_lead", sentence=sentences.refused("refused_by_lead", what))
    lettering.forget_picture(shown)
    safekeeping.drop(file.sha256)
    return file


def _join(actor: User, file: IncomingFile, arrival: Arrival, study: Study, *, is_new: bool) -> None:
    radiograph = Radiograph.objects.get(pixel_key=arrival.pixel_key)
    try:
        file.study_image = joining.join(file, arrival, study, radiograph, is_new=is_new)
    except FrameError as error:
        raise Conflict(sentences.refused(error.code, error.what), code=error.code) from error
    file.study = study
    _end(actor, file, FileEvent.ACCEPT, code="", sentence="")


def _seen_as_lead(actor: User, file_id: uuid.UUID) -> IncomingFile:
    seen = access.incoming_file(actor, file_id)
    if Role.LEAD not in access.standing(actor, seen.site).roles:
        raise Forbidden(_("Only a lead of the site decides about held files."))
    return seen


def _locked(actor: User, file_id: uuid.UUID, event: FileEvent) -> IncomingFile:
    _seen_as_lead(actor, file_id)
    file = IncomingFile.objects.select_for_update(of=("self",)).select_related("site", "sender").get(pk=file_id)
    if file.status != FileStatus.HELD:
        raise Conflict(_("This file is not held any more."), code="wrong_state")
    FILE_TRANSITIONS.targets(FileStatus(file.status), event)
    return file


def _end(actor: User, file: IncomingFile, event: FileEvent, *, code: str, sentence: str) -> None:
    file.status = FILE_TRANSITIONS.move(FileStatus(file.status), event)
    file.code, file.sentence, file.judged_at = code, sentence, timezone.now()
    gone = {"arrival"} | lettering.HELD_ONLY
    file.details = {name: value for name, value in file.details.items() if name not in gone}
    file.save(update_fields=["status", "code", "sentence", "judged_at", "details", "study", "study_image"])
    data: dict[str, object] = {"status": str(file.status)}
    record(actor, Verb.FILE_RELEASED, target_type="incoming_file", target_id=file.pk, site=file.site, data=data)
