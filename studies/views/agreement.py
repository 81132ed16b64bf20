"""The page on which leads, administrators and auditors see how readers agree, and the same as a file."""

from __future__ import annotations

import csv
import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_GET

from bonefrac.accounts.requests import signed_in
from studies.selectors import agreement as selectors
from studies.selectors.agreement import READINGS, SINCE, Line
from studies.selectors.second_looks import Change

COLUMNS = ("site", "part", "first", "second", "studies", "agreed", "kappa", "low", "high")


@require_GET
@login_required
def agreement(request: HttpRequest) -> HttpResponse:
    """Show how readers agree, by site, pair and part."""
    readings, site, days = _asked(request.GET)
    shown = selectors.overview(signed_in(request), readings=readings, site=site, days=days)
    context = {
        "lines": shown.lines,
        "looks": shown.looks,
        "changes": Change.choices,
        "readings": readings,
        "all_readings": READINGS.items(),
        "days": days,
        "all_days": SINCE.items(),
        "sites": selectors.sites_of(signed_in(request)),
        "site": site,
        "address": request.GET.urlencode(),
    }
    response = render(request, "studies/agreement.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


@require_GET
@login_required
def agreement_file(request: HttpRequest) -> HttpResponse:
    """Send the table as CSV; what cannot be said is empty."""
    readings, site, days = _asked(request.GET)
    lines = selectors.agreements(signed_in(request), readings=readings, site=site, days=days)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="agreement.csv"'
    response["Cache-Control"] = "private, no-store"
    writer = csv.writer(response)
    writer.writerow(COLUMNS)
    writer.writerows(_row(line) for line in lines)
    return response


def _row(line: Line) -> list[object]:
    found = line.agreement
    figures = [found.kappa, found.low, found.high]
    said = ["" if value is None else f"{value:.6f}" for value in figures]
    names = [_harmless(name) for name in (line.site, line.part, line.first, line.second)]
    return [*names, found.studies, found.agreed, *said]


def _harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _asked(data: QueryDict) -> tuple[str, uuid.UUID | None, int]:
    readings, days = data.get("readings", ""), data.get("days", "")
    try:
        site = uuid.UUID(data.get("site", "")) if data.get("site") else None
    except ValueError:
        site = None
    known_days = int(days) if days in {str(number) for number in SINCE} else 0
    return readings if readings in READINGS else "counting", site, known_days
