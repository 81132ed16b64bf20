"""Who may look at models and jobs, and who may change what is in service.

Models and jobs hold no person: whoever is signed in may read a model's card. Registering, promoting, retiring and
asking again is for engineers and for administrators of any site; ``None`` is whoever runs a command on the machine.
What models say of live radiographs, and that they did, is kept from whoever belongs to a site that reads blind first:
a job names no study, but how many there are, and how they ended, tells of the studies that wait.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from bonefrac.accounts.models import Role
from bonefrac.accounts.roles import Person, holds_anywhere, is_blind_anywhere, is_engineer
from bonefrac.errors import Forbidden


def sees_models(user: Person) -> bool:
    """Whether the person may read models' cards and figures: everyone who is signed in."""
    return user.is_authenticated and user.is_active


def may_manage(user: Person | None) -> bool:
    """Whether the person may change what is in service."""
    return user is None or is_engineer(user) or holds_anywhere(user, Role.ADMIN)


def require_manager(user: Person | None) -> None:
    """Raise ``Forbidden`` unless the person looks after models."""
    if not may_manage(user):
        raise Forbidden(_("Only engineers and administrators change which model is in service."))


def sees_live_answers(user: Person | None) -> bool:
    """Whether the person may look at jobs and at what shadows say of live radiographs."""
    return user is None or (may_manage(user) and not is_blind_anywhere(user))


def require_live_answers(user: Person | None) -> None:
    """Raise ``Forbidden`` unless the person may look at jobs and at what shadows say of live radiographs."""
    require_manager(user)
    if not sees_live_answers(user):
        raise Forbidden(
            _(
                "You belong to a site that reads blind first: how predictions of live radiographs ended is kept from "
                "you. An engineer without such a site looks after them."
            )
        )
