"""What a lead does with files that are held: let them in under their own patient, or refuse them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts.models import Role
from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.errors import Conflict, Forbidden
from inference.models import Radiograph
from studies import access
from studies.intake import joining, safekeeping, sentences
from studies.intake.arrival import Arrival
from studies.models import IncomingFile
from studies.states import FILE_TRANSITIONS, FileEvent, FileStatus
from training.frames import FrameError

if TYPE_CHECKING:
    from bonefrac.accounts.models import User


def release_held(actor: User, file_id: uuid.UUID) -> IncomingFile:
    """Let a held file in under the patient that it names.

    Raises:
        NotFound, Forbidden: The actor may not see the file, or is no lead of its site.
        Conflict: It is not held, or its study belongs to another patient, so that it cannot go there.
    """
    with transaction.atomic():
        file = _locked(actor, file_id, FileEvent.ACCEPT)
        arrival = Arrival(**file.details["arrival"])
        joining.twin_of(arrival)
        study, is_new = joining.study_of(file, arrival)
        if joining.are_two_patients(arrival, study):
            raise Conflict(_("Its study is here under another patient; refuse the file and have it sent anew."))
        radiograph = Radiograph.objects.get(pixel_key=arrival.pixel_key)
        try:
            image = joining.join(file, arrival, study, radiograph, is_new=is_new)
        except FrameError as error:
            raise Conflict(sentences.refused(error.code, error.what), code=error.code) from error
        file.study, file.study_image = study, image
        _end(actor, file, FileEvent.ACCEPT, code="", sentence="")
    safekeeping.drop(file.sha256)
    return file


def refuse_held(actor: User, file_id: uuid.UUID) -> IncomingFile:
    """Refuse a held file for good. Raises as ``release_held``."""
    with transaction.atomic():
        file = _locked(actor, file_id, FileEvent.REFUSE)
        what = _("a lead of the site has refused it")
        _end(actor, file, FileEvent.REFUSE, code="refused_by_lead", sentence=sentences.refused("refused_by_lead", what))
    safekeeping.drop(file.sha256)
    return file


def _locked(actor: User, file_id: uuid.UUID, event: FileEvent) -> IncomingFile:
    seen = access.incoming_file(actor, file_id)
    if Role.LEAD not in access.standing(actor, seen.site).roles:
        raise Forbidden(_("Only a lead of the site decides about held files."))
    file = IncomingFile.objects.select_for_update(of=("self",)).select_related("site", "sender").get(pk=file_id)
    if file.status != FileStatus.HELD:
        raise Conflict(_("This file is not held any more."), code="wrong_state")
    FILE_TRANSITIONS.targets(FileStatus(file.status), event)
    return file


def _end(actor: User, file: IncomingFile, event: FileEvent, *, code: str, sentence: str) -> None:
    file.status = FILE_TRANSITIONS.move(FileStatus(file.status), event)
    file.code, file.sentence, file.judged_at = code, sentence, timezone.now()
    file.details = {name: value for name, value in file.details.items() if name != "arrival"}
    file.save(update_fields=["status", "code", "sentence", "judged_at", "details", "study", "study_image"])
    data: dict[str, object] = {"status": str(file.status)}
    record(actor, Verb.FILE_RELEASED, target_type="incoming_file", target_id=file.pk, site=file.site, data=data)
