"""What happens around every request: its id, and how a refusal becomes an answer.

Sign-in and the idle lock are in ``accounts``; the API's errors are answered in ``api.py``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from bonefrac.db import new_id
from bonefrac.errors import DomainError
from bonefrac.pages import BEYOND_A_REQUEST, beyond_a_request, cut_off, show_refusal

log = structlog.get_logger(__name__)
Handler = Callable[[HttpRequest], HttpResponse]
GIVEN_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


class RequestIdMiddleware:
    """Give every request an id that its log lines, audit rows and answer carry, and log how it ended."""

    def __init__(self, get_response: Handler) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request with its id bound to everything that is logged meanwhile."""
        given = request.headers.get("X-Request-ID", "")
        request_id = given if GIVEN_ID.fullmatch(given) else str(new_id())
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self._next(request)
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            # The path holds ids only; query strings may hold what a person typed and are not logged.
            log.info("request", method=request.method, path=request.path, status=response.status_code, ms=milliseconds)
        response["X-Request-ID"] = request_id
        return response


class DomainErrorMiddleware:
    """Turn a ``DomainError`` of a page's view into a page, or a fragment for htmx."""

    def __init__(self, get_response: Handler) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self._next(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer refusals; leave everything else to be a bug."""
        if isinstance(error, UnreadablePostError):
            return show_refusal(request, cut_off())
        if isinstance(error, BEYOND_A_REQUEST):
            return show_refusal(request, beyond_a_request())
        return show_refusal(request, error) if isinstance(error, DomainError) else None
