"""Pages of the front door: upload, my files, a batch, and what is held."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bonefrac.accounts.models import Role
from bonefrac.accounts.requests import signed_in, signed_in_only
from bonefrac.errors import DomainError, Invalid
from bonefrac.pages import wants_json
from studies import access, intake
from studies.intake import batches, limits, listing, verdict_lists
from studies.intake.forms import UploadForm
from studies.models import IncomingFile


@require_http_methods(["GET", "POST"])
@signed_in_only
def upload(request: HttpRequest) -> HttpResponse:
    """Show the upload page, or take its files in: JSON where the page's script asks, the batch's page otherwise."""
    user = signed_in(request)
    access.any_site(user, Role.UPLOADER)
    sites = listing.sites_to_upload(user)
    if request.method == "GET":
        goes_on = batches.summary(user, _id(request.GET["batch"])) if "batch" in request.GET else None
        known = {"batch": goes_on.batch, "site": goes_on.site.pk, "continues": True} if goes_on else {}
        return _page(request, UploadForm(sites=sites, initial=known), goes_on=goes_on)
    form = UploadForm(request.POST, sites=sites)
    try:
        rows = _receive(request, form)
    except DomainError as error:
        return _refusal(request, form, error)
    if wants_json(request):
        files = [row.as_dict() for row in listing.rows_of(user, rows)]
        return JsonResponse({"batch": str(rows[0].batch), "files": files}, status=202)
    return redirect("studies:batch", rows[0].batch)


def _receive(request: HttpRequest, form: UploadForm) -> list[IncomingFile]:
    """Hand a form's files in; raise ``Invalid`` where the form has faults."""
    if not form.is_valid():
        faults = {name: " ".join(map(str, errors)) for name, errors in form.errors.items()}
        raise Invalid(next(iter(faults.values())), code="invalid_details", fields=faults)
    sent = {name: request.POST.getlist(name) for name in ("folders", "keys")}
    handed = intake.Handed.of_form(request.FILES.getlist("files"), **sent)
    return intake.receive(
        signed_in(request),
        site=form.cleaned_data["site"],
        files=handed,
        details=form.details(),
        batch=form.chosen_batch(),
        expected_files=form.cleaned_data["expected_files"] or (0 if wants_json(request) else len(handed)),
        grouping=form.chosen_grouping(),
    )


def _refusal(request: HttpRequest, form: UploadForm, error: DomainError) -> HttpResponse:
    """Answer a refusal; nothing that was typed is lost."""
    if wants_json(request):
        return JsonResponse(error.as_dict(), status=error.status, headers=error.headers)
    if form.is_valid():
        known = [name for name in error.fields if name in form.fields]
        for name in known:
            form.add_error(name, error.fields[name])
        if not known:
            form.add_error(None, error.sentence)
    return _page(request, form, status=error.status, headers=error.headers)


def _page(
    request: HttpRequest,
    form: UploadForm,
    *,
    goes_on: batches.Batch | None = None,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> HttpResponse:
    stated = [(site, limits.in_words(limits.of(site))) for site in listing.sites_to_upload(signed_in(request))]
    context = {"form": form, "limits": stated, "goes_on": goes_on}
    response = render(request, "studies/upload.html", context, status=status)
    for name, value in (headers or {}).items():
        response[name] = value
    return response


@require_GET
@login_required
def uploads(request: HttpRequest) -> HttpResponse:
    """List the files that the person handed in, newest first, and above them the uploads that are not complete."""
    user = signed_in(request)
    access.any_site(user, Role.UPLOADER)
    rows, following = listing.files_page(user, cursor=request.GET.get("cursor", ""))
    is_first = "cursor" not in request.GET
    context = {
        "rows": rows,
        "following": following,
        "is_open": any(row.is_open for row in rows),
        "unfinished": batches.unfinished(user) if is_first else [],
    }
    return render(request, "studies/uploads.html", context)


@never_cache
@require_GET
@signed_in_only
def upload_status(request: HttpRequest) -> HttpResponse:
    """Answer what became of the named files, for a page that polls."""
    rows = listing.files_by_id(signed_in(request), _ids(request.GET.get("ids", "")))
    return JsonResponse({"files": [row.as_dict() for row in rows]})


def _ids(text: str) -> list[uuid.UUID]:
    return [_id(part) for part in text.split(",") if part]


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise Invalid(_("An id is damaged: load the page again."), code="bad_id") from error


@never_cache
@require_GET
@login_required
def batch(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """Show what became of each file of one upload; a poll gets the counts and rows only, nothing where all is old."""
    after, only = request.GET.get("after", ""), request.GET.get("only", "")
    page = batches.page_of(signed_in(request), batch_id, after=after, only=only)
    state = page.fingerprint
    if bool(getattr(request, "htmx", False)) and request.GET.get("state") == state:
        return HttpResponse(status=204)
    context = {"page": page, "of": page.of, "rows": page.rows, "after": after, "only": only, "state": state}
    is_fragment = bool(getattr(request, "htmx", False))
    return render(request, "studies/batch_rows.html" if is_fragment else "studies/batch.html", context)


@never_cache
@require_GET
@login_required
def verdicts(request: HttpRequest, batch_id: uuid.UUID, file_format: str) -> StreamingHttpResponse:
    """Send what became of every file of one upload, as CSV or JSON."""
    lines, kind = verdict_lists.written(signed_in(request), batch_id, file_format=file_format)
    name = f"upload-{batch_id}.{file_format}"
    return StreamingHttpResponse(
        lines, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@never_cache
@require_GET
@login_required
def original(request: HttpRequest, file_id: uuid.UUID) -> FileResponse:
    """Send a file as it was handed in, as something to keep and never to show."""
    name, handle = batches.open_original(signed_in(request), file_id)
    return FileResponse(handle, as_attachment=True, filename=name, content_type="application/octet-stream")


@require_GET
@login_required
def held(request: HttpRequest) -> HttpResponse:
    """List files that wait for a lead."""
    page = listing.held_page(signed_in(request), cursor=request.GET.get("cursor", ""))
    return render(request, "studies/uploads_held.html", {"page": page})


@require_POST
@login_required
def release(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """Let a held file in."""
    intake.release_held(signed_in(request), file_id)
    messages.success(request, _("The file is in."))
    return redirect("studies:held")


@require_POST
@login_required
def refuse(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """Refuse a held file."""
    intake.refuse_held(signed_in(request), file_id)
    messages.success(request, _("The file was refused; its sender is told."))
    return redirect("studies:held")
