"""Pages of predictions that failed."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from bonefrac.accounts.requests import signed_in
from inference import access, jobs, selectors


@require_GET
@login_required
def failed_jobs(request: HttpRequest) -> HttpResponse:
    """Show predictions that failed and were not asked again."""
    access.require_jobs(signed_in(request))
    return render(request, "inference/jobs.html", {"jobs": selectors.failed_jobs()})


@require_POST
@login_required
def retry(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """Ask again for a prediction that failed."""
    user = signed_in(request)
    jobs.retry(user, access.job(user, job_id))
    messages.success(request, _("Asked again. It waits for a worker."))
    return redirect("inference:jobs")
