"""The pages that belong to no app: refusals and errors."""

from __future__ import annotations

import sys

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from bonefrac.errors import DomainError, Forbidden, Invalid, NotFound, TooMuch

#: What an engine that is down, restarting or too slow raises.
DATABASE_SILENT = (OperationalError, InterfaceError)
#: What Django raises while it reads a request that holds too much.
BEYOND_A_REQUEST = (TooManyFilesSent, TooManyFieldsSent, RequestDataTooBig)
PAGES = {400: "400.html", 403: "403.html", 404: "404.html", 409: "409.html", 500: "500.html"}


def wants_json(request: HttpRequest) -> bool:
    """Return whether a page's script asks, which reads JSON and no page."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def show_refusal(request: HttpRequest, error: DomainError, *, as_fragment: bool = False) -> HttpResponse:
    """Answer a refusal with its status: a notice for htmx, JSON for a page's script, a page otherwise."""
    if wants_json(request):
        return JsonResponse(error.as_dict(), status=error.status, headers=error.headers)
    fragment = as_fragment or bool(getattr(request, "htmx", False))
    template = "components/refusal.html" if fragment else PAGES.get(error.status, "400.html")
    context = {"sentence": error.sentence, "code": error.code, "fields": error.fields, "status": error.status}
    response = render(request, template, context, status=error.status)
    for name, value in error.headers.items():
        response[name] = value
    if fragment:
        response["HX-Retarget"] = "#notices"
        response["HX-Reswap"] = "innerHTML"
    return response


def cut_off() -> Invalid:
    """Return the refusal of a request whose connection broke or went silent before its end."""
    return Invalid(_("The connection broke before everything had arrived. Nothing of this was saved."), code="cut_off")


def beyond_a_request() -> TooMuch:
    """Return the refusal of a form that has more files, fields or text than one request may have."""
    sentence = _(
        "At most %(files)s files go in one request, and few other fields. Nothing of this was taken in: send the files "
        "in several requests of the same batch."
    )
    return TooMuch(sentence % {"files": settings.UPLOAD_REQUEST_FILES}, code="request_too_large")


def csrf_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is missing or old."""
    sentence = _("This form has been open too long or your sign-in changed. Nothing was saved. Go back, reload, send.")
    return show_refusal(request, Forbidden(sentence, code="csrf"))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer an address that leads nowhere."""
    return show_refusal(request, NotFound())


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer what Django itself forbids."""
    return show_refusal(request, Forbidden(_("You may not do this.")))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer what Django cannot parse, and what is more than one request may hold."""
    if isinstance(exception, BEYOND_A_REQUEST):
        return show_refusal(request, beyond_a_request())
    return show_refusal(request, Invalid(_("The request could not be understood. Nothing was saved.")))


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer a bug, or a database that does not answer: no trace, no look into the database for the page itself."""
    status = 503 if isinstance(sys.exc_info()[1], DATABASE_SILENT) else 500
    return render(request, "500.html", {"status": status}, status=status)
