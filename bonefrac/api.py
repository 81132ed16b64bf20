"""What every endpoint of the API shares: the one JSON shape of errors, and cursor pages without counts."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from bonefrac.errors import DomainError, Unavailable
from bonefrac.pages import BEYOND_A_REQUEST, DATABASE_SILENT, beyond_a_request, cut_off

SILENT = "The database does not answer. What was saved before is safe; this was not saved. Try again in a moment."


def answer_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer to an error: ``{"code", "message", "fields"}``; None for a bug."""
    if isinstance(error, DomainError):
        set_rollback()
        return Response(error.as_dict(), status=error.status, headers=error.headers)
    if isinstance(error, DATABASE_SILENT):
        return answer_error(Unavailable(SILENT, code="database_silent"), context)
    if isinstance(error, UnreadablePostError):
        return answer_error(cut_off(), context)
    if isinstance(error, BEYOND_A_REQUEST):
        return answer_error(beyond_a_request(), context)
    response = exception_handler(error, context)
    if response is None:
        return None
    response.data = _shape(error, response)
    return response


def _shape(error: Exception, response: Response) -> dict[str, object]:
    if isinstance(error, exceptions.ValidationError):
        return {"code": "invalid", "message": "The request has faults.", "fields": response.data}
    if isinstance(error, Http404):
        return {"code": "not_found", "message": "There is nothing at this address that you may see.", "fields": {}}
    if isinstance(error, PermissionDenied):
        return {"code": "forbidden", "message": "You may not do this.", "fields": {}}
    code = getattr(error, "default_code", "error")
    known = {status.HTTP_401_UNAUTHORIZED: "not_signed_in", status.HTTP_403_FORBIDDEN: "forbidden"}
    detail = response.data.get("detail", "") if isinstance(response.data, dict) else ""
    return {"code": known.get(response.status_code, code), "message": str(detail), "fields": {}}
