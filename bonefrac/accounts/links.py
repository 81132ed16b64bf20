"""One-time links by which somebody sets a password: an invitation, or a reset.

A link is bound to the present password and sign-in of its person, so that it works once and dies with any other
change; it expires after ``INVITATION_DAYS``. The token travels in the query, which is never logged.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils.translation import gettext as _

from bonefrac.accounts.models import User
from bonefrac.errors import Invalid


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """Where one person sets a password, once; shown to whoever asked for it and stored nowhere."""

    person: User
    path: str


def make_link(person: User) -> OneTimeLink:
    """Return the link by which a person sets a password."""
    query = urlencode({"who": str(person.pk), "token": default_token_generator.make_token(person)})
    return OneTimeLink(person, f"{reverse('accounts:set_password')}?{query}")


def person_of(who: str, token: str, *, lock: bool = False) -> User:
    """Return the person for whom a link is good.

    Args:
        who: The link's person.
        token: The link's token.
        lock: Whether to hold the person's row, so that a link that is used twice at once works once.

    Raises:
        Invalid: The link was used, has expired, was replaced, or belongs to somebody who has been deactivated.
    """
    people = User.objects.select_for_update(no_key=True) if lock else User.objects.all()
    try:
        person = people.filter(pk=uuid.UUID(who), is_active=True).first()
    except ValueError:
        person = None
    if person is None or not default_token_generator.check_token(person, token):
        raise Invalid(
            _("This link was used already or has expired. Nothing was changed. Ask an administrator for a new one."),
            code="link_spent",
        )
    return person
