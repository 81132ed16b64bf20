"""Signs programs in by a token that is shown once; the database keeps only its hash.

Issuing and revoking are verbs of ``people``.
"""

from __future__ import annotations

import hashlib
import secrets

from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.authentication import TokenAuthentication
from rest_framework.request import Request

from bonefrac.accounts.backends import may_use
from bonefrac.accounts.models import AccessToken, User

PREFIX = "bf_"


def new_token() -> str:
    """Return a fresh token of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """Return the SHA-256 of a token; it has enough entropy to need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


class AccessTokenAuthentication(TokenAuthentication):
    """``Authorization: Token …``, for active people, and for demo accounts on the machine itself only."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:
        """Return the person and the token of a request; None where it carries none."""
        found: tuple[User, AccessToken] | None = super().authenticate(request)
        if found is not None and not may_use(found[0], request._request):
            raise exceptions.AuthenticationFailed(_("Demo accounts work on this machine only."))
        return found

    def authenticate_credentials(self, key: str) -> tuple[User, AccessToken]:
        """Return the person whose token this is; raise ``AuthenticationFailed`` where it is nobody's."""
        held = AccessToken.objects.select_related("user").filter(digest=digest_of(key), revoked_at=None)
        token = held.filter(user__is_active=True).first()
        if token is None:
            raise exceptions.AuthenticationFailed(_("This token is unknown or was revoked."))
        return token.user, token
