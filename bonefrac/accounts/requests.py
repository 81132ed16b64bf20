"""Who is asking: the signed-in person behind a request, with their type."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from bonefrac.accounts.models import User


def signed_in(request: HttpRequest) -> User:
    """Return the person behind a request whose view lets only signed-in people in."""
    return cast(User, request.user)
