"""What a lead does with text in the pixels: look, clear it, or mask regions; then it is judged again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts.models import Role
from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.celery import ring
from bonefrac.errors import Conflict, Forbidden, Invalid
from bonefrac.stores import ORIGINALS
from studies import access
from studies.intake import sentences
from studies.intake.judging import TEXT_IN_PIXELS
from studies.models import IncomingFile
from studies.policies import may_see_held
from studies.states import FILE_TRANSITIONS, FileEvent, FileStatus

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

_REGIONS: Final = 50
#: What a held file carries for its page, and loses with the decision.
HELD_ONLY: Final = frozenset({"lettering", "preview", "size", "owner"})


@dataclass(frozen=True, slots=True)
class Held:
    """A file held for its text as somebody looks at it, who is in charge of it, and whether the looker may decide."""

    file: IncomingFile
    why: str
    owner: User | None
    leads: tuple[User, ...]
    may_decide: bool
    is_mine: bool
    is_overdue: bool


def held(actor: User, file_id: uuid.UUID) -> Held:
    """Return a file that is held for text in its pixels, with who is in charge of it. Raises as ``see``."""
    file = see(actor, file_id)
    standing, owner = access.standing(actor, file.site), owners_of([file]).get(file.pk)
    leads = get_user_model().objects.filter(memberships__site=file.site, memberships__role=Role.LEAD, is_active=True)
    ceiling = timedelta(minutes=file.site.wait_ceiling_minutes)
    return Held(
        file=file,
        why=sentences.why_held(file.code),
        owner=owner,
        leads=tuple(leads.order_by("display_name", "pk")),
        may_decide=standing.leads,
        is_mine=owner is not None and owner.pk == actor.pk,
        is_overdue=file.received_at < timezone.now() - ceiling,
    )


def owners_of(files: Sequence[IncomingFile]) -> dict[uuid.UUID, User]:
    """Return the lead who took each file on, for those that somebody did."""
    taken = {file.pk: str(file.details.get("owner", "")) for file in files}
    people = {
        str(one.pk): one for one in get_user_model().objects.filter(pk__in={key for key in taken.values() if key})
    }
    return {key: people[owner] for key, owner in taken.items() if owner in people}


def take_on(actor: User, file_id: uuid.UUID) -> IncomingFile:
    """Put a lead in charge of a file that is held for its text, also where another one was. Raises as ``look``."""
    look(actor, file_id)
    with transaction.atomic():
        file = _locked(file_id)
        file.details = file.details | {"owner": str(actor.pk)}
        file.save(update_fields=["details"])
        record(actor, Verb.FILE_TAKEN_ON, target_type="incoming_file", target_id=file.pk, site=file.site)
    return file


def look(actor: User, file_id: uuid.UUID) -> IncomingFile:
    """Return a file that is held for text in its pixels, for somebody who decides.

    Raises:
        NotFound, Forbidden: The actor may not see the file, or is no lead of its site.
        Conflict: It is not held, or not for text.
    """
    file = see(actor, file_id)
    if not access.standing(actor, file.site).leads:
        raise Forbidden(_("Only a lead of the site decides about held files."))
    return file


def see(actor: User, file_id: uuid.UUID) -> IncomingFile:
    """Return a file that is held for text in its pixels, for a lead, or a reader where the site lets readers see it.

    Raises:
        NotFound, Forbidden: The actor may not see the file, or not what is in it.
        Conflict: It is not held, or not for text.
    """
    file = access.held_file(actor, file_id)
    if not may_see_held(access.standing(actor, file.site), file.site):
        raise Forbidden(_("Only a lead of the site decides about held files."))
    if file.status != FileStatus.HELD or file.code != TEXT_IN_PIXELS:
        raise Conflict(_("This file is not held for text in its pixels."), code="wrong_state")
    return file


def picture_of(actor: User, file_id: uuid.UUID) -> bytes:
    """Return the held picture as PNG and record that it was seen. Raises as ``see``."""
    file = see(actor, file_id)
    with transaction.atomic():
        record(actor, Verb.ORIGINAL_VIEWED, target_type="incoming_file", target_id=file.pk, site=file.site)
    return ORIGINALS.read(file.details["preview"])


def clear(actor: User, file_id: uuid.UUID) -> IncomingFile:
    """Say that the text names nobody; the file is judged again and goes in as it is. Raises as ``look``."""
    return _judge_again(actor, file_id, Verb.TEXT_CLEARED, {})


def mask(actor: User, file_id: uuid.UUID, *, regions: Sequence[Sequence[int]]) -> IncomingFile:
    """Have regions made dark for good; the file is judged again and goes in without them.

    Args:
        actor: A lead of the file's site.
        file_id: The held file.
        regions: Left, top, width and height of each, in pixels of the picture.

    Raises:
        Invalid: There is no region, or one lies outside of the picture.
        NotFound, Forbidden, Conflict: As ``look``.
    """
    size = look(actor, file_id).details["size"]
    if not 0 < len(regions) <= _REGIONS:
        raise Invalid(_("Choose from 1 to 50 regions."), code="no_region")
    for left, top, width, height in regions:
        if not (0 <= left < left + width <= size["columns"] and 0 <= top < top + height <= size["rows"]):
            raise Invalid(_("A region lies outside of the picture."), code="region_outside")
    return _judge_again(actor, file_id, Verb.REGION_MASKED, {"masks": [list(region) for region in regions]})


def _judge_again(actor: User, file_id: uuid.UUID, verb: Verb, settled: dict[str, Any]) -> IncomingFile:
    look(actor, file_id)
    with transaction.atomic():
        file = _locked(file_id)
        shown = file.details["preview"]
        details = {name: value for name, value in file.details.items() if name not in HELD_ONLY}
        file.details = details | settled | {"is_text_cleared": True}
        file.status = FILE_TRANSITIONS.move(FileStatus.HELD, FileEvent.LOOK)
        file.code, file.sentence, file.judged_at = "", "", None
        file.save(update_fields=["details", "status", "code", "sentence", "judged_at"])
        record(actor, verb, target_type="incoming_file", target_id=file.pk, site=file.site, data=dict(settled))
        ring("intake.judge", str(file.pk))
    forget_picture(shown)
    return file


def _locked(file_id: uuid.UUID) -> IncomingFile:
    file = IncomingFile.objects.select_for_update(of=("self",)).select_related("site").get(pk=file_id)
    if file.status != FileStatus.HELD or file.code != TEXT_IN_PIXELS:
        raise Conflict(_("This file is not held for text in its pixels."), code="wrong_state")
    return file


def forget_picture(key: str) -> None:
    """Remove the picture of a file that is held no more, unless another held file shows the same."""
    if key and not IncomingFile.objects.filter(status=FileStatus.HELD, details__preview=key).exists():
        ORIGINALS.remove(key)
