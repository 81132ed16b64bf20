"""Pages on which people read: the form beside the image, signed, amended or adjudicated."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bonefrac.accounts.models import User
from bonefrac.accounts.requests import signed_in
from bonefrac.errors import Conflict, DomainError, Invalid
from studies import access, forms, reviews, worklist
from studies.forms import Typed
from studies.models import Review, Study
from studies.selectors import map_of, open_study
from studies.states import StudyEvent
from studies.turns import has_read
from studies.views.sheet import Sheet, context


@require_GET
@login_required
def read(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Show a study to be read; whoever does not hold it sees it without a form that can be sent."""
    user = signed_in(request)
    study = access.read_study(user, study_id)
    sheet = Sheet(StudyEvent.SIGN, reverse("studies:sign", args=[study.pk]), Typed())
    return _show(request, user, study, sheet)


@require_POST
@login_required
def sign(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Sign the person's reading and go on: to the second look, or to the next study."""
    user = signed_in(request)
    study = access.read_study(user, study_id)
    sheet = Sheet(StudyEvent.SIGN, reverse("studies:sign", args=[study.pk]), forms.typed(request.POST))

    def verb() -> str:
        review = reviews.sign(
            user,
            study.pk,
            judgement=forms.judgement(request.POST),
            revision=forms.revision(request.POST),
            opened_at=forms.opened_at(request.POST),
        )
        return _after_signing(request, user, study, review)

    return _answer(request, user, study, sheet, verb)


@require_POST
@login_required
def look_again(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Show a study that changed under the reader's hand as it is now, with everything that they typed."""
    user = signed_in(request)
    study = access.read_study(user, study_id)
    typed, lost = forms.kept(forms.typed(request.POST), [image.pk for image in study.images.all()])
    if lost:
        messages.warning(request, _("Boxes and marks on images that are no longer here were left out."))
    return _show(request, user, study, Sheet(StudyEvent.SIGN, reverse("studies:sign", args=[study.pk]), typed))


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
    action = reverse("studies:amend", args=[review.pk])
    typed = forms.typed(request.POST) if request.method == "POST" else forms.signed(review)
    sheet = Sheet(StudyEvent.AMEND, action, typed, review=review.pk)
    if request.method == "GET":
        return _show(request, user, review.study, sheet)

    def verb() -> str:
        reviews.amend(
            user,
            review.pk,
            judgement=forms.judgement(request.POST),
            revision=forms.revision(request.POST),
            reason=request.POST.get("reason", ""),
        )
        messages.success(request, _("Amended. The earlier reading stays as history."))
        return reverse("studies:study", args=[review.study_id])

    return _answer(request, user, review.study, sheet, verb)


@require_http_methods(["GET", "POST"])
@login_required
def adjudicate(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Show a dispute to a lead, or settle it."""
    user = signed_in(request)
    study = access.dispute(user, study_id)
    action = reverse("studies:adjudicate", args=[study.pk])
    typed = forms.typed(request.POST) if request.method == "POST" else Typed()
    sheet = Sheet(StudyEvent.ADJUDICATE, action, typed)
    if request.method == "GET":
        return _show(request, user, study, sheet)

    def verb() -> str:
        reviews.adjudicate(
            user,
            study.pk,
            judgement=forms.judgement(request.POST),
            revision=forms.revision(request.POST),
            opened_at=forms.opened_at(request.POST),
        )
        messages.success(request, _("Adjudicated: the study is reviewed."))
        return reverse("studies:study", args=[study.pk])

    return _answer(request, user, study, sheet, verb)


@require_GET
@login_required
def machine(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Answer the reading page's poll for what the AI says; it leaves no record of an opening."""
    user = signed_in(request)
    story = open_study(user, access.read_study(user, study_id), in_background=True)
    context = {"story": story, "study": story.study, "opens_classes": "open" in request.GET}
    return render(request, "studies/machine.html", context)


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
    shown = {**context(user, story, sheet), "undo": forms.signed_before(request.GET)}
    response = render(request, "studies/reading.html", shown, status=status)
    response["Cache-Control"] = "private, no-store"
    return response


def _answer(request: HttpRequest, user: User, study: Study, sheet: Sheet, verb: Callable[[], str]) -> HttpResponse:
    """Do the verb and go where it says; a form that cannot stand comes back with everything typed."""
    is_fragment = bool(getattr(request, "htmx", False))
    try:
        address = verb()
    except (Conflict, Invalid) as error:
        if is_fragment:
            raise
        study.refresh_from_db()
        return _show(request, user, study, Sheet(sheet.kind, sheet.action, sheet.typed, error, sheet.review))
    if is_fragment:
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)


def _after_signing(request: HttpRequest, user: User, study: Study, review: Review) -> str:
    if not has_read(user, study):
        messages.info(request, _("Your blind reading is signed. Look again with what the machine says, then sign."))
        return reverse("studies:read", args=[study.pk])
    messages.success(request, _("Signed."))
    try:
        following = worklist.next_for(user, study.site)
    except DomainError:
        following = None
    address = reverse("studies:read", args=[following.pk]) if following else reverse("studies:worklist")
    return f"{address}?signed={review.pk}"
