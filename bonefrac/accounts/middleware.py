"""Locks a session that nobody uses and demo sessions seen from afar; shows times in the zone of the sites.

Programs that sign each request with a token have no session and are not concerned.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts.backends import may_use
from bonefrac.accounts.models import User
from bonefrac.accounts.roles import time_zone_of
from bonefrac.audit import events
from bonefrac.audit.models import Verb
from bonefrac.pages import wants_json

Handler = Callable[[HttpRequest], HttpResponse]
SEEN_AT, IS_LOCKED = "seen_at", "is_locked"
NOTE_EVERY_SECONDS = 15
ALWAYS_OPEN = frozenset({"/healthz", "/readyz"})
FOR_PROGRAMS = ("/api/", "/dicomweb/")


def note_activity(request: HttpRequest) -> None:
    """Remember that a person has just proved to be there: the session is open."""
    request.session[SEEN_AT] = time.time()
    request.session[IS_LOCKED] = False


class IdleLockMiddleware:
    """Ask for the password again after ``IDLE_LOCK_SECONDS`` without a request by the person.

    Polls that a page sends by itself carry ``X-Background: 1`` and prove no presence. A locked session gets a page
    that asks for the password; programs and fragments get 401 with the code ``locked``.
    """

    def __init__(self, get_response: Handler) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, or ask for the password."""
        if request.path in ALWAYS_OPEN or _has_token(request):
            return self._next(request)
        user = request.user
        if isinstance(user, User):
            if not may_use(user, request):
                logout(request)
            elif self._is_locked(request, user) and request.path not in _open_paths():
                return _ask_for_password(request)
        return self._next(request)

    def _is_locked(self, request: HttpRequest, user: User) -> bool:
        session = request.session
        if session.get(IS_LOCKED):
            return True
        idle = time.time() - float(session.setdefault(SEEN_AT, time.time()))
        if idle > settings.IDLE_LOCK_SECONDS:
            session[IS_LOCKED] = True
            events.record(user, Verb.SESSION_LOCKED, target_type="user", target_id=user.pk)
            return True
        is_by_person = request.headers.get("X-Background") != "1"
        if is_by_person and idle > min(NOTE_EVERY_SECONDS, settings.IDLE_LOCK_SECONDS / 10):
            session[SEEN_AT] = time.time()
        return False


class SiteTimeMiddleware:
    """Show times on pages in the zone of the person's sites, where they share one; the API speaks UTC always."""

    def __init__(self, get_response: Handler) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request with the person's time zone in force."""
        if request.path in ALWAYS_OPEN or request.path.startswith(FOR_PROGRAMS):
            return self._next(request)
        with timezone.override(time_zone_of(request.user)):
            return self._next(request)


def _has_token(request: HttpRequest) -> bool:
    """Return whether a face for programs will look at a token and never at the session."""
    schemes = ("token ", "bearer ") if request.path.startswith("/dicomweb/") else ("token ",)
    is_for_programs = request.path.startswith(FOR_PROGRAMS)
    return is_for_programs and request.headers.get("Authorization", "").lower().startswith(schemes)


def _open_paths() -> frozenset[str]:
    return frozenset(reverse(f"accounts:{name}") for name in ("unlock", "sign_in", "sign_out"))


def _ask_for_password(request: HttpRequest) -> HttpResponse:
    sentence = _("Your session is locked: nobody has used it for a while. Unlock it with your password.")
    if request.path.startswith(FOR_PROGRAMS) or wants_json(request):
        return JsonResponse({"code": "locked", "message": sentence, "fields": {}}, status=401)
    if request.headers.get("HX-Request") != "true":
        back = request.get_full_path() if request.method == "GET" else _path_of(request.headers.get("Referer", ""))
        return HttpResponseRedirect(_unlock(back))
    link = _unlock(_path_of(request.headers.get("HX-Current-URL", "")))
    if request.method in {"GET", "HEAD"}:
        return HttpResponse(sentence, status=401, headers={"HX-Redirect": link})
    # What was typed is still in the page that sent it: leaving that page would lose it.
    response = render(request, "accounts/locked_notice.html", {"sentence": sentence, "link": link}, status=401)
    response["HX-Retarget"], response["HX-Reswap"] = "#notices", "innerHTML"
    return response


def _unlock(back: str) -> str:
    return f"{reverse('accounts:unlock')}?{urlencode({'next': back})}"


def _path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
