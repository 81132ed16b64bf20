"""Pages on which a lead puts images where they belong: choose, look at both sides, confirm."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from bonefrac.accounts.requests import signed_in
from bonefrac.errors import Conflict, DomainError, Invalid
from studies import forms, rearranging
from studies.models import Study
from studies.rearranging import Patient
from studies.selectors.rearranging import ACTIONS, Asked, desk
from studies.states import StudyEvent


@require_GET
@login_required
def rearrange(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Let a lead choose what moves and where; once all is chosen, show both sides and ask."""
    return _show(request, study_id, _asked(request.GET))


@require_POST
@login_required
def move(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Move chosen images to another study."""
    sent, asked = request.POST, _asked(request.POST, StudyEvent.MOVE_IMAGE)

    def verb() -> Study:
        return rearranging.move_images(
            signed_in(request), study_id, images=asked.images, to=_target(asked), reason=sent.get("reason", ""),
            revision=forms.revision(sent), other_patient="other_patient" in sent,
        )  # fmt: skip

    return _answer(request, study_id, asked, verb, _("Moved. Both studies are read anew; those who saw them are told."))


@require_POST
@login_required
def split(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Put chosen images into a new study."""
    sent, asked = request.POST, _asked(request.POST, StudyEvent.SPLIT)

    def verb() -> Study:
        return rearranging.split(
            signed_in(request), study_id, images=asked.images, reason=sent.get("reason", ""),
            revision=forms.revision(sent), patient=_patient(sent), patient_code=sent.get("patient_code", ""),
        )  # fmt: skip

    return _answer(request, study_id, asked, verb, _("Split. This is the new study; those who saw the first are told."))


@require_POST
@login_required
def merge(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Merge the study into another one."""
    sent, asked = request.POST, _asked(request.POST, StudyEvent.MERGE)

    def verb() -> Study:
        return rearranging.merge(
            signed_in(request), study_id, into=_target(asked), reason=sent.get("reason", ""),
            revision=forms.revision(sent), other_patient="other_patient" in sent,
        )  # fmt: skip

    return _answer(request, study_id, asked, verb, _("Merged. This study is read anew; those who saw them are told."))


def _answer(
    request: HttpRequest, study_id: uuid.UUID, asked: Asked, verb: Callable[[], Study], done: str
) -> HttpResponse:
    """Do the verb and show the study where the images are now; what cannot stand comes back with what was typed."""
    try:
        study = verb()
    except (Conflict, Invalid) as error:
        return _show(request, study_id, asked, error)
    messages.success(request, done)
    return redirect("studies:study", study.pk)


def _show(request: HttpRequest, study_id: uuid.UUID, asked: Asked, error: DomainError | None = None) -> HttpResponse:
    seen = desk(signed_in(request), study_id, asked)
    context = {
        "desk": seen, "study": seen.source.study, "error": error, "typed": request.POST, "actions": ACTIONS,
        "patients": [(str(Patient.SAME), _("the same patient's")), (str(Patient.OTHER), _("another patient's")),
                     (str(Patient.UNKNOWN), _("nobody knows whose"))],
    }  # fmt: skip
    template = "studies/rearrange_confirm.html" if seen.is_ready else "studies/rearrange.html"
    response = render(request, template, context, status=error.status if error else 200)
    response["Cache-Control"] = "private, no-store"
    return response


def _asked(data: QueryDict, action: StudyEvent | None = None) -> Asked:
    """Parse what was chosen; raise ``Invalid`` for a damaged address."""
    try:
        images = frozenset(uuid.UUID(key) for key in data.getlist("image"))
        to = uuid.UUID(data.get("to", "")) if data.get("to") else None
    except ValueError as error:
        raise Invalid(_("This page's address is damaged: open it anew from the study."), code="bad_id") from error
    wanted = str(action) if action else data.get("action", "")
    return Asked(
        action=wanted if wanted in ACTIONS else "",
        images=images,
        to=to,
        find=data.get("find", "").strip()[:64],
        wants_list="look" in data,
    )


def _target(asked: Asked) -> uuid.UUID:
    if asked.to is None:
        raise Invalid(_("Choose the study where the images belong."), code="to_missing")
    return asked.to


def _patient(data: QueryDict) -> Patient:
    try:
        return Patient(data.get("patient", Patient.SAME))
    except ValueError as error:
        raise Invalid(_("Say whose the images are."), code="patient_wrong") from error
