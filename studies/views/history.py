"""The page of one study, and what leads and readers do there besides reading."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from bonefrac.accounts.requests import signed_in
from studies import access, discrepancies, identity, reviews
from studies.dicom.deidentify import spoken
from studies.policies import sees_reading_side
from studies.selectors import open_as_uploader, open_study
from studies.selectors.critical import findings_of
from studies.selectors.story import sight_of
from studies.selectors.timeline import timeline_of
from studies.terms import Channel


@require_GET
@login_required
def study(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Show a study: its images, what became of it, and what the person may do; an uploader sees less."""
    user = signed_in(request)
    found = access.study(user, study_id)
    if sees_reading_side(access.standing(user, found.site)):
        story = open_study(user, found)
        names = story.image_names
        context = {
            "story": story,
            "study": found,
            "timeline": timeline_of(sight_of(user, story), cursor=request.GET.get("cursor", "")),
            "is_continued": "cursor" in request.GET,
            "critical": findings_of(user, story),
            "channels": Channel.choices,
            "images": [(image, names[image.pk]) for image in story.images],
            "deidentified": spoken.of_images(image.header for image in story.images),
            "opens_identity": identity.is_open_to(user, found),
            "undo": reviews.undoable(user),
        }
        response = render(request, "studies/study.html", context)
    else:
        mine = open_as_uploader(user, found)
        response = render(request, "studies/my_study.html", {"story": mine, "study": found})
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@login_required
def reopen(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Start another round of reading."""
    reviews.reopen(signed_in(request), study_id, reason=request.POST.get("reason", ""))
    messages.success(request, _("Reopened. The study is back in the worklist."))
    return redirect("studies:study", study_id)


@require_POST
@login_required
def void(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Take a study out of everything."""
    reviews.void(signed_in(request), study_id, reason=request.POST.get("reason", ""))
    messages.success(request, _("Voided. Its readings are no labels any more; Restore brings it back."))
    return redirect("studies:study", study_id)


@require_POST
@login_required
def restore(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Bring a void study back."""
    reviews.restore(signed_in(request), study_id)
    messages.success(request, _("Restored."))
    return redirect("studies:study", study_id)


@require_POST
@login_required
def problem(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Report a problem and take the study out of the pool."""
    reviews.report_problem(signed_in(request), study_id, sentence=request.POST.get("sentence", ""))
    messages.success(request, _("Reported. The study is out of the pool until a lead settles it."))
    return redirect("studies:study", study_id)


@require_POST
@login_required
def settle(request: HttpRequest, problem_id: uuid.UUID) -> HttpResponse:
    """Say how a problem was settled."""
    settled = reviews.settle_problem(signed_in(request), problem_id, settlement=request.POST.get("settlement", ""))
    messages.success(request, _("Settled."))
    return redirect("studies:study", settled.study_id)


@require_POST
@login_required
def answer(request: HttpRequest, discrepancy_id: uuid.UUID) -> HttpResponse:
    """Say what is right where header and entry differ."""
    asked = discrepancies.answer(signed_in(request), discrepancy_id, chosen=request.POST.get("chosen", ""))
    messages.success(request, _("Settled: the study carries your answer."))
    return redirect("studies:study", asked.study_id)
