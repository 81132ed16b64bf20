"""STOW-RS: takes instances in."""

from __future__ import annotations

from typing import cast

from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework.request import Request

from bonefrac.accounts.models import Site
from bonefrac.accounts.requests import signed_in
from bonefrac.errors import Invalid
from studies.dicomweb import answers, locating, media, multipart, selectors, storing
from studies.dicomweb.multipart import Readable
from studies.dicomweb.views.base import answer, base_of, site_key, wanted


def store(request: Request, *, site_id: str, study: str) -> HttpResponse:
    """Take the instances of the body in and say what became of each."""
    user = signed_in(request)
    site = _site(selectors.site_to_store(user, site_key(site_id)))
    content_type = media.json_of(wanted(request))
    boundary = _boundary(request.headers.get("Content-Type", ""))
    outcomes = storing.store(user, site=site, parts=multipart.parts(_body(request), boundary), study_uid=study)
    if not outcomes:
        raise Invalid(_("The body holds no instance."), code="no_files")
    base = base_of(request, site_id)
    return answer(
        answers.body_of(outcomes, lambda identity: locating.address(base, site, identity)),
        content_type=content_type,
        status=answers.status_of(outcomes),
        warnings=answers.warnings_of(outcomes),
    )


def _site(site: Site | None) -> Site:
    if site is None:
        sentence = _("You upload for several sites: send to /dicomweb/sites/{site}/studies of one of them.")
        raise Invalid(sentence, code="site_missing", fields={"site": sentence})
    return site


def _boundary(content_type: str) -> bytes:
    kind, inner, boundary = multipart.boundary_of(content_type)
    if kind != media.MULTIPART or inner not in (media.DICOM, ""):
        raise media.UnsupportedMediaType(
            _('Instances are taken as multipart/related; type="application/dicom"; received %(type)s.')
            % {"type": content_type[:100] or _("no type")}
        )
    return boundary


def _body(request: Request) -> Readable:
    """Return the body as a stream: up to its stated length, or as a chunked one that the server ends."""
    if "CONTENT_LENGTH" not in request.META and request.META.get("wsgi.input_terminated"):
        return cast(Readable, request.META["wsgi.input"])
    return request._request
