"""Pages of datasets: what would be frozen, what is frozen, and the files."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from bonefrac.accounts.models import Role
from bonefrac.accounts.requests import signed_in
from bonefrac.errors import DomainError
from studies import access
from studies import datasets as verbs
from studies.datasets.exporting import Export
from studies.datasets.forms import CriteriaForm, FreezeForm
from studies.selectors.datasets import datasets_of, fallen, in_words, sites_to_freeze


@require_GET
@login_required
def datasets(request: HttpRequest) -> HttpResponse:
    """Show frozen datasets, and what the asked criteria would freeze."""
    user = signed_in(request)
    access.any_site(user, Role.ADMIN, Role.AUDITOR)
    sites = sites_to_freeze(user)
    form = CriteriaForm(request.GET if "site" in request.GET else None, sites=sites)
    counts = None
    if form.is_valid():
        counts = verbs.preview(user, site=form.cleaned_data["site"], criteria=form.criteria())
    page = datasets_of(user, cursor=request.GET.get("cursor", ""))
    return render(
        request,
        "studies/datasets.html",
        {
            "form": form,
            "counts": counts,
            "words": in_words(counts) if counts else None,
            "page": page,
            "can_freeze": sites.exists(),
            "name": "",
        },
    )


@require_POST
@login_required
def freeze(request: HttpRequest) -> HttpResponse:
    """Freeze what was previewed; a refusal shows the form again with everything typed."""
    user = signed_in(request)
    access.any_site(user, Role.ADMIN)
    sites = sites_to_freeze(user)
    form = FreezeForm(request.POST, sites=sites)
    status = 400
    if form.is_valid():
        asked = form.cleaned_data
        try:
            dataset = verbs.freeze(user, site=asked["site"], name=asked["name"], criteria=form.criteria())
        except DomainError as error:
            form.add_error("name" if "name" in error.fields else None, error.sentence)
            status = error.status
        else:
            messages.success(request, _("Frozen: %(name)s.") % {"name": dataset.name})
            return redirect("studies:dataset", dataset.id)
    context = {"form": form, "page": datasets_of(user), "can_freeze": True, "name": request.POST.get("name", "")}
    return render(request, "studies/datasets.html", context, status=status)


@require_GET
@login_required
def dataset(request: HttpRequest, dataset_id: uuid.UUID) -> HttpResponse:
    """Show one frozen dataset: its counts, its digest and its files."""
    user = signed_in(request)
    found = access.dataset(user, dataset_id)
    return render(
        request,
        "studies/dataset.html",
        {
            "dataset": found,
            "words": in_words(found.counts),
            "fallen": fallen(found),
            "can_export": access.standing(user, found.site).exports,
        },
    )


@require_GET
@login_required
def export(request: HttpRequest, dataset_id: uuid.UUID, file_format: str) -> HttpResponseBase:
    """Stream a dataset as a file."""
    user = signed_in(request)
    found = access.dataset(user, dataset_id)
    corrected_only = request.GET.get("corrected_only") in {"1", "true", "on"}
    return stream(verbs.export(user, found, file_format=file_format, corrected_only=corrected_only))


def stream(export: Export) -> StreamingHttpResponse:
    """Return an export as an answer that is not held in memory."""
    response = StreamingHttpResponse(export.chunks, content_type=export.content_type)
    response["Content-Disposition"] = f'attachment; filename="{export.file_name}"'
    response["Cache-Control"] = "private, no-store"
    return response
