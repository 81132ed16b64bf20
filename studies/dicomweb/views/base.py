"""What every face of DICOMweb shares: who asks, where it looks, how it answers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable

from django.http import HttpResponse
from rest_framework.authentication import SessionAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from bonefrac.accounts.requests import signed_in
from bonefrac.accounts.tokens import AccessTokenAuthentication
from studies.dicomweb import media
from studies.dicomweb.media import Accepted
from studies.dicomweb.selectors import Scope

ROOT = "/dicomweb"


class BearerAuthentication(AccessTokenAuthentication):
    """The same tokens as ``Authorization: Bearer …``, which is all that some viewers can send."""

    keyword = "Bearer"


class _Refusals(BaseContentNegotiation):
    """Refusals are JSON whatever is asked; each face looks itself at what the client accepts."""

    def select_parser(self, *_: object, **__: object) -> None:
        """Return none: bodies are read as streams."""

    def select_renderer(self, *_: object, **__: object) -> tuple[BaseRenderer, str]:
        """Return JSON."""
        return JSONRenderer(), "application/json"


class Face(APIView):
    """A resource of DICOMweb, for people by session and programs by token, like the API."""

    authentication_classes = (AccessTokenAuthentication, BearerAuthentication, SessionAuthentication)
    content_negotiation_class = _Refusals
    schema = None  # described by the standard, not by the platform's own schema


def scope_of(request: Request, *, site_id: str, study: str = "", series: str = "") -> Scope:
    """Return where a request looks."""
    return Scope(signed_in(request), site_key(site_id), study, series, base_of(request, site_id))


def site_key(site_id: str) -> uuid.UUID | None:
    """Return the key of the site that an address names, None where it names none."""
    return uuid.UUID(site_id) if site_id else None


def base_of(request: Request, site_id: str) -> str:
    """Return the address of DICOMweb under which the client came, without a slash at its end."""
    return request.build_absolute_uri(f"{ROOT}/sites/{site_id}" if site_id else ROOT)


def wanted(request: Request) -> list[Accepted]:
    """Return what the client accepts, by its header or, where a browser cannot set one, by the address."""
    return media.accepted(request.query_params.get("accept") or request.headers.get("Accept", ""))


def answer(
    told: object, *, content_type: str, status: int = 200, warnings: Iterable[str] = (), is_kept: bool = False
) -> HttpResponse:
    """Return JSON with warnings (RFC 7234 5.5); metadata may stay in the person's own browser for a while."""
    response = HttpResponse(json.dumps(told, separators=(",", ":")), content_type=content_type, status=status)
    response["Cache-Control"] = "private, max-age=300" if is_kept else "private, no-store"
    return warned(response, warnings)


def warned(response: HttpResponse, warnings: Iterable[str]) -> HttpResponse:
    """Return the answer with a ``Warning`` for each sentence."""
    sentences = [f'299 bonefrac "{_plain(sentence)}"' for sentence in warnings]
    if sentences:
        response["Warning"] = ", ".join(sentences)
    return response


def _plain(sentence: str) -> str:
    return " ".join(sentence.replace('"', "'").split()).encode("ascii", "replace").decode()
