"""QIDO-RS: finds studies, series and instances."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from rest_framework.request import Request

from studies.dicomweb import keys, media, selectors
from studies.dicomweb.keys import Query
from studies.dicomweb.selectors import Found, Scope
from studies.dicomweb.views import storing
from studies.dicomweb.views.base import Face, answer, scope_of, wanted

MORE = "There are additional matches: narrow the search or ask for the next offset."


class Studies(Face):
    """All studies: searched, or stored into."""

    def get(self, request: Request, site_id: str = "") -> HttpResponse:
        """Search for studies."""
        return _searched(request, scope_of(request, site_id=site_id), selectors.studies)

    def post(self, request: Request, site_id: str = "") -> HttpResponse:
        """Store instances of any study."""
        return storing.store(request, site_id=site_id, study="")


class Series(Face):
    """Series of all studies, or of one."""

    def get(self, request: Request, study: str = "", site_id: str = "") -> HttpResponse:
        """Search for series."""
        return _searched(request, scope_of(request, site_id=site_id, study=study), selectors.series)


class Instances(Face):
    """Instances of all studies, of one, or of a series."""

    def get(self, request: Request, study: str = "", series: str = "", site_id: str = "") -> HttpResponse:
        """Search for instances."""
        scope = scope_of(request, site_id=site_id, study=study, series=series)
        return _searched(request, scope, selectors.instances)


def _searched(request: Request, scope: Scope, search: Callable[[Scope, Query], Found]) -> HttpResponse:
    content_type = media.json_of(wanted(request))
    query = keys.parsed(request.query_params)
    found = search(scope, query)
    is_cut = found.has_more and not query.is_limit_own
    return answer(found.rows, content_type=content_type, warnings=query.warnings + ((MORE,) if is_cut else ()))
