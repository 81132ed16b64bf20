"""The verbs of being signed in: sign in, unlock, sign out; each writes its audit row."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from bonefrac.accounts.middleware import note_activity
from bonefrac.accounts.models import User
from bonefrac.audit import events
from bonefrac.audit.models import Verb


def sign_in(request: HttpRequest, *, username: str, password: str) -> bool:
    """Return whether name and password opened a session; the name is recorded only where it is somebody's."""
    person = authenticate(request, username=username, password=password)
    if not isinstance(person, User):
        known = User.objects.filter(username=username).first()
        if known is not None:
            events.record(None, Verb.SIGN_IN_FAILED, target_type="user", target_id=known.pk)
        return False
    with transaction.atomic():
        login(request, person)
        events.record(person, Verb.SIGNED_IN, target_type="user", target_id=person.pk)
    note_activity(request)
    return True


def unlock(request: HttpRequest, *, person: User, password: str) -> bool:
    """Return whether the password opened a locked session again; wrong ones count as attempts to sign in."""
    found = authenticate(request, username=person.username, password=password)
    if found is None or found.pk != person.pk:
        events.record(None, Verb.SIGN_IN_FAILED, target_type="user", target_id=person.pk, data={"unlock": True})
        return False
    request.session.cycle_key()
    note_activity(request)
    events.record(person, Verb.SIGNED_IN, target_type="user", target_id=person.pk, data={"unlock": True})
    return True


def sign_out(request: HttpRequest) -> None:
    """End the session; without one nothing happens."""
    if isinstance(request.user, User):
        events.record(request.user, Verb.SIGNED_OUT, target_type="user", target_id=request.user.pk)
    logout(request)


def keep_after_password_change(request: HttpRequest, person: User) -> None:
    """Keep this one session of a person whose password has just changed; all others end."""
    update_session_auth_hash(request, person)


def safe_destination(request: HttpRequest, wanted: str) -> str:
    """Return where to go next: the wanted address if it is one of ours and no way in or out, the start otherwise."""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    doors = tuple(reverse(f"accounts:{name}") for name in ("sign_in", "sign_out", "unlock"))
    if not is_ours or wanted.startswith(doors):
        return str(settings.LOGIN_REDIRECT_URL)
    return wanted
