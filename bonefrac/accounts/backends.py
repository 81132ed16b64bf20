"""Who may sign in: active people, and demo accounts only on the machine itself.

The attempts are counted by django-axes, which stands before this backend.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from bonefrac.accounts.models import User

FORWARDING_HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


def is_local(request: HttpRequest) -> bool:
    """Return whether a request came from this machine itself, not through a proxy on it."""
    if settings.BEHIND_TLS or any(request.META.get(header) for header in FORWARDING_HEADERS):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def may_use(user: User, request: HttpRequest | None) -> bool:
    """Return whether an account may be used from where the request came."""
    if not user.is_demo:
        return True
    return bool(settings.DEMO) and request is not None and is_local(request)


class PlatformBackend(ModelBackend):
    """Django's own check of name and password, without demo accounts from afar."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """Return the person whose name and password these are, if the account may be used from there."""
        user = super().authenticate(request, username=username, password=password, **kwargs)
        return user if isinstance(user, User) and may_use(user, request) else None

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        """Return whether an account is in use at all; sessions of others end with their next request."""
        is_unused_demo = isinstance(user, User) and user.is_demo and not settings.DEMO
        return super().user_can_authenticate(user) and not is_unused_demo
