"""What somebody has typed and drawn and not signed yet: kept on the server, taken up again anywhere, gone once signed.

A draft is its writer's alone: nobody else is shown it, and it holds nothing but what they typed, so that it says the
same with and without a prediction. It is no evidence: it is overwritten, and keeping it adds no audit event.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.errors import Conflict, Forbidden, TooMuch
from studies import access, policies
from studies.models import Draft, Study
from studies.terms import DraftPurpose
from studies.turns import has_read, is_reader_of_round
from studies.typed import MARKS_KEPT, Typed, body_of, marks_in

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

MOST_BYTES = 100_000


def keep(actor: User, study_id: uuid.UUID, *, purpose: DraftPurpose, form: Typed, version: int, revision: int) -> Draft:
    """Keep what stands in the actor's form; half typed is good enough.

    Args:
        actor: Whose form it is.
        study_id: The study.
        purpose: What it is going to be.
        form: What stands in it; what is no part of a reading form is left out.
        version: The draft's version that this form goes on from, 0 where it knows of none.
        revision: The study's revision that the actor looks at.

    Raises:
        NotFound, Forbidden: The actor may not see the study, or could never sign what is drafted.
        Conflict: Another tab or device saved meanwhile (``draft_conflict``, with the version that is there), or the
            actor has signed (``already_read``).
        TooMuch: It is larger than a draft may be.
    """
    study = access.read_study(actor, study_id)
    if marks_in(form) > MARKS_KEPT:
        raise TooMuch(
            _("A draft holds at most %(most)d marks of a kind. They stand on this page only: delete some, or sign.")
            % {"most": MARKS_KEPT}
        )
    body = body_of(form, set(study.images.values_list("pk", flat=True)))
    if len(json.dumps(body)) > MOST_BYTES:
        raise TooMuch(_("This is more than a draft can hold. It stands on this page only: sign it, or draw less."))
    values = {"body": body, "revision": revision, "round": study.round, "saved_at": timezone.now()}
    with transaction.atomic():
        # Whoever is signing at this moment drops the draft first; a late tab must not bring it back.
        Study.objects.select_for_update(no_key=True).get(pk=study.pk)
        _permit(actor, study, purpose)
        return _change(actor, study, purpose, version, values) or _begin(actor, study, purpose, version, values)


def find(actor: User, study: Study, purpose: DraftPurpose) -> Draft | None:
    """Return the actor's own draft of a study, None where there is none."""
    return Draft.objects.filter(study=study, reader=actor, purpose=purpose).first()


def discard(actor: User, study: Study, purpose: DraftPurpose) -> None:
    """Drop the actor's draft; none is dropped quietly."""
    Draft.objects.filter(study=study, reader=actor, purpose=purpose).delete()


def put_back(actor: User, study: Study, purpose: DraftPurpose, form: Typed) -> Draft:
    """Make what was signed and undone the draft again, whatever stood there."""
    values = {
        "body": body_of(form, set(study.images.values_list("pk", flat=True))), "revision": study.revision,
        "round": study.round, "saved_at": timezone.now(),
    }  # fmt: skip
    draft, is_new = Draft.objects.get_or_create(study=study, reader=actor, purpose=purpose, defaults=values)
    if not is_new:
        Draft.objects.filter(pk=draft.pk).update(**values, version=F("version") + 1)
        draft.refresh_from_db()
    return draft


def drop_silent() -> int:
    """Drop drafts that nobody touched for ``DRAFT_DAYS`` and return how many there were."""
    before = timezone.now() - timedelta(days=settings.DRAFT_DAYS)
    dropped, _by_table = Draft.objects.filter(saved_at__lt=before).delete()
    return dropped


def _permit(actor: User, study: Study, purpose: DraftPurpose) -> None:
    """Refuse whoever could never sign it; a claim, an open problem or a closed study come and go and refuse nothing."""
    standing, is_reader = access.standing(actor, study.site), is_reader_of_round(actor, study)
    if purpose == DraftPurpose.SIGN:
        if not policies.may_read(standing):
            raise Forbidden(_("Only radiologists and leads of this site read its studies."))
        if has_read(actor, study):
            raise Conflict(_("You have signed this study: there is nothing to keep."), code="already_read")
    elif purpose == DraftPurpose.AMEND and not is_reader:
        raise Forbidden(_("Only its reader amends a reading."))
    elif purpose == DraftPurpose.ADJUDICATE and not policies.may_adjudicate(standing, is_reader_of_round=is_reader):
        raise Forbidden(_("A lead who is not one of its readers settles a dispute."))


def _change(actor: User, study: Study, purpose: DraftPurpose, version: int, values: Mapping[str, Any]) -> Draft | None:
    """Overwrite the draft of a version, None where there is no draft; one conditional UPDATE, so one tab wins."""
    mine = Draft.objects.filter(study=study, reader=actor, purpose=purpose)
    changed = mine.filter(version=version).update(**values, version=version + 1)
    draft = mine.first()
    if draft is not None and not changed:
        raise _conflict(draft.version)
    return draft


def _begin(actor: User, study: Study, purpose: DraftPurpose, version: int, values: Mapping[str, Any]) -> Draft:
    return Draft.objects.create(study=study, reader=actor, purpose=purpose, version=version + 1, **values)


def _conflict(version: int) -> Conflict:
    return Conflict(
        _("Another tab or device has saved this reading meanwhile. Nothing is lost: choose which of the two is kept."),
        code="draft_conflict",
        fields={"version": str(version)},
    )
