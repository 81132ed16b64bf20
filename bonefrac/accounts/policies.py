"""Who may look after whom: pure questions about an actor and a person or a site.

``None`` as the actor is the system itself: a command typed on the machine.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from bonefrac.accounts.models import Membership, Role, Site, User
from bonefrac.accounts.roles import holds, holds_anywhere
from bonefrac.errors import Forbidden


def require_admin(actor: User | None, site: Site) -> None:
    """Raise ``Forbidden`` unless the actor is an administrator of the site."""
    if actor is not None and not holds(actor, site, Role.ADMIN):
        raise Forbidden(_("Only an administrator of this site may do this."))


def require_admin_anywhere(actor: User | None) -> None:
    """Raise ``Forbidden`` unless the actor is an administrator of some site."""
    if actor is not None and not holds_anywhere(actor, Role.ADMIN):
        raise Forbidden(_("Only administrators may do this."))


def is_whole_charge(actor: User | None, person: User) -> bool:
    """Return whether everything that a person holds lies within what the actor administers.

    An account opens every site of its person: whoever may reset its password could sign in to all of them.
    """
    if actor is None:
        return True
    if not actor.is_active or person.is_engineer or person.is_staff or person.is_superuser:
        return False
    held = Membership.objects.filter(user=person)
    own = Membership.objects.filter(user=actor, role=Role.ADMIN).values("site")
    return held.filter(site__in=own).exists() and not held.exclude(site__in=own).exists()


def require_whole_charge(actor: User | None, person: User) -> None:
    """Raise ``Forbidden`` unless everything that a person holds lies within what the actor administers."""
    if not is_whole_charge(actor, person):
        raise Forbidden(
            _("This account reaches beyond your sites. You may revoke its roles at your sites instead."),
            code="beyond_your_sites",
        )


def require_some_charge(actor: User | None, person: User) -> None:
    """Raise ``Forbidden`` unless the person holds a role at a site that the actor administers, and is somebody else.

    It is enough for the role without a site: it opens no study, and no more of models than administrators may do.
    """
    require_admin_anywhere(actor)
    require_other(actor, person)
    if actor is None:
        return
    own = Membership.objects.filter(user=actor, role=Role.ADMIN).values("site")
    if not Membership.objects.filter(user=person, site__in=own).exists():
        raise Forbidden(_("This person holds no role at a site of yours."))


def require_other(actor: User | None, person: User) -> None:
    """Raise ``Forbidden`` where somebody would do this to themselves."""
    if actor is not None and actor.pk == person.pk:
        raise Forbidden(_("Nobody may do this to themselves: ask another administrator."), code="yourself")
