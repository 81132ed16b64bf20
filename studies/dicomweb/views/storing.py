"""STOW-RS: takes instances in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework.request import Request

from bonefrac.accounts.models import Site
from bonefrac.accounts.requests import signed_in
from bonefrac.errors import Invalid
from studies.dicomweb import answers, locating, media, multipart, selectors, storing
from studies.dicomweb.multipart import Part, Readable
from studies.dicomweb.views.base import answer, base_of, site_key, wanted


def store(request: Request, *, site_id: str, study: str) -> HttpResponse:
    """Take the instances of the body in and say what became of each."""
    user = signed_in(request)
    site = _site(selectors.site_to_store(user, site_key(site_id)))
    content_type = media.json_of(wanted(request))
    outcomes = storing.store(user, site=site, parts=_parts(request), study_uid=study)
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


def _parts(request: Request) -> Iterator[Part]:
    """Return the instances of a body, which is of several parts or one instance alone."""
    content_type = request.headers.get("Content-Type", "")
    kind, inner, boundary = multipart.boundary_of(content_type)
    if kind == media.DICOM and content_type:
        return multipart.alone(_body(request), media.DICOM)
    if kind == media.MULTIPART and inner in (media.DICOM, ""):
        return multipart.parts(_body(request), boundary)
    raise media.UnsupportedMediaType(
        _('Instances are taken as multipart/related; type="application/dicom" or application/dicom; received %(type)s.')
        % {"type": content_type[:100] or _("no type")}
    )


def _body(request: Request) -> Readable:
    """Return the body as a stream: up to its stated length, or as a chunked one that the server ends."""
    if "CONTENT_LENGTH" not in request.META and request.META.get("wsgi.input_terminated"):
        return cast(Readable, request.META["wsgi.input"])
    return request._request
