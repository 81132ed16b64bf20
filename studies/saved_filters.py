"""Filters of the worklist under a name: each person's own; what they narrow is in ``selectors.filtering``.

A filter is an address. Whoever opens another's address sees what they themselves may see, so that sharing one gives
nothing away.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from django.db import IntegrityError, transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from bonefrac.db import violated
from bonefrac.errors import Conflict, Invalid, NotFound
from studies.models import SavedFilter
from studies.selectors import filtering

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

LONGEST_NAME: Final = 40
AT_MOST: Final = 30


def filters_of(user: User) -> list[SavedFilter]:
    """Return a person's saved filters by name."""
    return list(SavedFilter.objects.filter(person=user)[:AT_MOST])


def keep(actor: User, *, name: str, query: str) -> SavedFilter:
    """Keep the filters of an address under a name.

    Raises:
        Invalid: The name is missing or too long, or the person has thirty already.
        Conflict: The person has a filter of that name (``name_taken``).
    """
    text = _name(name)
    if SavedFilter.objects.filter(person=actor).count() >= AT_MOST:
        raise Invalid(_("You have thirty saved filters. Delete one to keep another."), code="too_many")
    told = filtering.parse(QueryDict(query)).query
    try:
        with transaction.atomic():
            return SavedFilter.objects.create(person=actor, name=text, query=told)
    except IntegrityError as error:
        raise _taken(error, text) from error


def rename(actor: User, filter_id: uuid.UUID, *, name: str) -> SavedFilter:
    """Give one of the actor's filters another name; raises as ``keep``, and ``NotFound`` where it is not theirs."""
    found = _own(actor, filter_id)
    found.name = _name(name)
    try:
        with transaction.atomic():
            found.save(update_fields=["name"])
    except IntegrityError as error:
        raise _taken(error, found.name) from error
    return found


def delete(actor: User, filter_id: uuid.UUID) -> str:
    """Forget one of the actor's filters and return its name; raise ``NotFound`` where it is not theirs."""
    found = _own(actor, filter_id)
    found.delete()
    return found.name


def _own(actor: User, filter_id: uuid.UUID) -> SavedFilter:
    found = SavedFilter.objects.filter(pk=filter_id, person=actor).first()
    if found is None:
        raise NotFound
    return found


def _name(name: str) -> str:
    text = " ".join(name.replace("\0", "").split())
    if not text or len(text) > LONGEST_NAME:
        sentence = _("Give the filter a name of at most 40 characters.")
        raise Invalid(sentence, code="name", fields={"name": sentence})
    return text


def _taken(error: IntegrityError, name: str) -> Exception:
    if violated(error) != "filter_name_once":
        return error
    sentence = _("You have a filter called “%(name)s” already. Nothing was changed: choose another name.")
    return Conflict(sentence % {"name": name}, code="name_taken")
