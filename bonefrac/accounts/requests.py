"""Who is asking: the signed-in person behind a request, with their type; and nobody, told in the asker's own way."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from bonefrac.accounts.models import User
from bonefrac.pages import wants_json

View = Callable[..., HttpResponse]


def signed_in(request: HttpRequest) -> User:
    """Return the person behind a request whose view lets only signed-in people in.

    Their roles at a site are looked up once for all that the request asks; the copy forgets them with the request.
    """
    person = copy.copy(cast(User, request.user))
    person.known_roles = {}
    return person


def signed_in_only(view: View) -> View:
    """Send who is not signed in to the sign-in page; a page's script, which could not follow, gets 401 instead."""
    for_pages = login_required(view)

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if wants_json(request) and not request.user.is_authenticated:
            sentence = _("You are signed out. Sign in, in another tab if this one holds unsent work, and go on.")
            return JsonResponse({"code": "not_signed_in", "message": sentence, "fields": {}}, status=401)
        return for_pages(request, *args, **kwargs)

    return answer
