"""Pages on which people read: the form beside the image, signed, amended or adjudicated."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bonefrac.accounts.models import User
from bonefrac.accounts.requests import signed_in
from bonefrac.errors import Conflict, Invalid
from bonefrac.pages import show_refusal
from studies import access, forms, reviews
from studies.following import next_study
from studies.models import Review, Study
from studies.selectors import map_of, open_study
from studies.states import ReviewKind, StudyStatus
from studies.turns import counts_at_once
from studies.views import sheet as sheets
from studies.views.sheet import Sheet, context


@dataclass(frozen=True, slots=True)
class Onward:
    """Where a person goes from here; ``study`` is to be read there, None where the address is another page."""

    address: str
    study: Study | None = None


@require_GET
@login_required
def read(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Show a study to be read; whoever does not hold it sees it without a form that can be sent."""
    user = signed_in(request)
    study = access.read_study(user, study_id)
    return _show(request, user, study, sheets.to_sign(study))


@require_POST
@login_required
def sign(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Sign the person's reading and go on: to the second look, or to the next study."""
    user = signed_in(request)
    study = access.read_study(user, study_id)

    def verb() -> Onward:
        sent = forms.judgement(request.POST)
        revision, opened_at = forms.revision(request.POST), forms.opened_at(request.POST)
        review = reviews.once(
            user,
            study.pk,
            sent,
            lambda: reviews.sign(user, study.pk, judgement=sent, revision=revision, opened_at=opened_at),
        )
        return _after_signing(request, user, study, review)

    return _answer(request, user, study, sheets.to_sign(study, forms.typed(request.POST)), verb)


@require_POST
@login_required
def undo(request: HttpRequest, review_id: uuid.UUID) -> HttpResponse:
    """Take back what the person signed seconds ago, and show it again as it was typed."""
    user = signed_in(request)
    review = access.own_review(user, review_id)

    def verb() -> Onward:
        undone = reviews.undo(user, review.pk)
        messages.success(request, _("Undone: nothing of it counts. It stands here again, unsigned."))
        return _after_undoing(user, undone)

    return _answer(request, user, review.study, sheets.to_sign(review.study), verb)


@require_POST
@login_required
def look_again(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Show a study that changed under the reader's hand as it is now, with everything that they typed."""
    user = signed_in(request)
    study = access.read_study(user, study_id)
    return _show(request, user, study, sheets.to_sign(study, forms.typed(request.POST), looks_again=True))


@require_GET
@login_required
def news(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Answer the reading page's poll for changes since its form was made; it leaves no record of an opening."""
    study = access.read_study(signed_in(request), study_id)
    seen = forms.revision(request.GET) if "revision" in request.GET else study.revision
    context = {"study": study, "seen": seen, "changes": reviews.changes_since(study, seen)}
    return render(request, "studies/news.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def amend(request: HttpRequest, review_id: uuid.UUID) -> HttpResponse:
    """Show or send the correction of a reading that the person signed."""
    user = signed_in(request)
    review = access.own_review(user, review_id)
    if request.method == "GET":
        return _show(request, user, review.study, sheets.to_amend(review))

    def verb() -> Onward:
        sent = forms.judgement(request.POST)
        revision, reason = forms.revision(request.POST), request.POST.get("reason", "")
        reviews.once(
            user,
            review.study_id,
            sent,
            lambda: reviews.amend(user, review.pk, judgement=sent, revision=revision, reason=reason),
        )
        messages.success(request, _("Amended. The earlier reading stays as history."))
        return Onward(reverse("studies:study", args=[review.study_id]))

    return _answer(request, user, review.study, sheets.to_amend(review, forms.typed(request.POST)), verb)


@require_http_methods(["GET", "POST"])
@login_required
def adjudicate(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Show a dispute to a lead, or settle it."""
    user = signed_in(request)
    study = access.dispute(user, study_id)
    if request.method == "GET":
        return _show(request, user, study, sheets.to_adjudicate(study))

    def verb() -> Onward:
        sent = forms.judgement(request.POST)
        revision, opened_at = forms.revision(request.POST), forms.opened_at(request.POST)
        reviews.once(
            user,
            study.pk,
            sent,
            lambda: reviews.adjudicate(user, study.pk, judgement=sent, revision=revision, opened_at=opened_at),
        )
        messages.success(request, _("Adjudicated: the study is reviewed."))
        return Onward(reverse("studies:study", args=[study.pk]))

    return _answer(request, user, study, sheets.to_adjudicate(study, forms.typed(request.POST)), verb)


@require_GET
@login_required
def machine(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Answer the reading page's poll for what the AI says; it leaves no record of an opening."""
    user = signed_in(request)
    story = open_study(user, access.read_study(user, study_id), in_background=True)
    opens_classes = "open" in request.GET  # the study's own page asks, which has neither a form nor a viewer
    more = {} if opens_classes else sheets.machine_context(user, story)
    context = {"story": story, "study": story.study, "opens_classes": opens_classes, **more}
    response = render(request, "studies/machine.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


@require_GET
@login_required
def heat_map(request: HttpRequest, study_id: uuid.UUID, image_id: uuid.UUID) -> HttpResponse:
    """Send the map of the model, as a small grey PNG."""
    user = signed_in(request)
    response = HttpResponse(map_of(user, access.image(user, study_id, image_id)), content_type="image/png")
    response["Cache-Control"] = "private, no-store"
    return response


def _show(request: HttpRequest, user: User, study: Study, sheet: Sheet) -> HttpResponse:
    story = open_study(user, study, in_background=sheet.error is not None)
    status = sheet.error.status if sheet.error else 200
    response = render(request, "studies/reading.html", context(user, story, sheet), status=status)
    response["Cache-Control"] = "private, no-store"
    return response


def _answer(request: HttpRequest, user: User, study: Study, sheet: Sheet, verb: Callable[[], Onward]) -> HttpResponse:
    """Do the verb and go where it says; a form that cannot stand comes back with everything typed.

    Asked in place (``X-In-Place``), the answer is the page of what comes next, and where that is (``X-Address``).
    """
    is_in_place = "X-In-Place" in request.headers
    is_fragment = bool(getattr(request, "htmx", False))
    try:
        onward = verb()
    except (Conflict, Invalid) as error:
        if is_in_place:
            return show_refusal(request, error, as_fragment=True)
        if is_fragment:
            raise
        study.refresh_from_db()
        return _show(request, user, study, replace(sheet, error=error))
    if is_in_place:
        return _in_place(request, user, onward)
    if is_fragment:
        return HttpResponse(headers={"HX-Redirect": onward.address})
    return redirect(onward.address)


def _in_place(request: HttpRequest, user: User, onward: Onward) -> HttpResponse:
    study = onward.study
    response = HttpResponse() if study is None else _show(request, user, study, sheets.to_sign(study))
    response["X-Address"] = onward.address
    return response


def _after_signing(request: HttpRequest, user: User, study: Study, review: Review) -> Onward:
    if not counts_at_once(study, review):
        messages.info(request, _("Your blind reading is signed. Look again with what the machine says, then sign."))
        return Onward(reverse("studies:read", args=[study.pk]), access.read_study(user, study.pk))
    messages.success(request, _("Signed."))
    following = next_study(user, study.site)
    if following is None:
        return Onward(reverse("studies:worklist"))
    if following.status == StudyStatus.DISPUTED:
        return Onward(reverse("studies:adjudicate", args=[following.pk]))
    return Onward(reverse("studies:read", args=[following.pk]), following)


def _after_undoing(user: User, undone: Review) -> Onward:
    """Go back to the form from which the review came."""
    if undone.kind == ReviewKind.ADJUDICATION:
        return Onward(reverse("studies:adjudicate", args=[undone.study_id]))
    if not undone.is_withdrawal:
        return Onward(reverse("studies:amend", args=[undone.pk]))
    return Onward(reverse("studies:read", args=[undone.study_id]), access.read_study(user, undone.study_id))
