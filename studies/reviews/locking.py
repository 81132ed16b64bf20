"""What every change of a study shares: its lock, the check for a stale form, and the move of its state."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bonefrac.audit.events import history_of, record
from bonefrac.audit.models import Verb
from bonefrac.errors import Conflict, NotFound
from studies import access, policies
from studies.consensus import Reading, status_of
from studies.models import Study
from studies.selectors.readings import readings_of, reads_blind_first
from studies.states import STUDY_TRANSITIONS, StudyEvent, StudyStatus
from studies.turns import only_second_looks_count

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

CHANGES = {
    Verb.IMAGE_ADDED: gettext_lazy("an image was added"),
    Verb.IMAGE_MOVED: gettext_lazy("a lead moved images"),
    Verb.STUDY_SPLIT: gettext_lazy("a lead split it"),
    Verb.STUDY_MERGED: gettext_lazy("a lead merged it with another"),
    Verb.PROBLEM_SETTLED: gettext_lazy("a question about it was settled"),
    Verb.REVIEW_SIGNED: gettext_lazy("a reading was signed"),
    Verb.REVIEW_AMENDED: gettext_lazy("a reading was amended"),
    Verb.REVIEW_WITHDRAWN: gettext_lazy("a reading was taken back"),
    Verb.STUDY_ADJUDICATED: gettext_lazy("a lead adjudicated it"),
    Verb.STUDY_REOPENED: gettext_lazy("a lead reopened it"),
    Verb.STUDY_VOIDED: gettext_lazy("a lead voided it"),
    Verb.STUDY_RESTORED: gettext_lazy("a lead restored it"),
    Verb.SITE_CHANGED: gettext_lazy("its site works otherwise now"),
}


_OF_READERS: Final = frozenset({Verb.REVIEW_SIGNED, Verb.REVIEW_AMENDED, Verb.REVIEW_WITHDRAWN})


def lock(actor: User, study_id: uuid.UUID) -> Study:
    """Return a study that the actor may see, locked so that inserts which reference it still pass."""
    found = Study.objects.select_related("site").select_for_update(no_key=True, of=("self",)).filter(pk=study_id)
    study = found.first()
    if study is None or not policies.sees_study(access.standing(actor, study.site), study):
        raise NotFound
    return study


def locked(study_id: uuid.UUID) -> Study:
    """Return a study, locked for this transaction."""
    return Study.objects.select_related("site").select_for_update(no_key=True, of=("self",)).get(pk=study_id)


def require_revision(study: Study, revision: int) -> None:
    """Raise ``Conflict`` (``stale``) that names what changed since the actor's form was made."""
    if revision == study.revision:
        return
    raise Conflict(
        _("The study changed while you read: %(what)s. Nothing was saved, all that you entered is kept. Look again.")
        % {"what": changes_since(study, revision)},
        code="stale",
        fields={"revision": str(study.revision)},
    )


def require_same_study(actor: User, study: Study, revision: int) -> None:
    """Raise as ``require_revision`` does, but not for what other readers signed or took back meanwhile.

    Readers of a study are blind to each other: what another one does changes nothing that the actor looks at.
    """
    since = history_of("study", study.pk).filter(data__revision__gt=revision)
    known = set(since.values_list("verb", "actor_id")) if 0 < revision < study.revision else set()
    if not known or any(verb not in _OF_READERS or person == actor.pk for verb, person in known):
        require_revision(study, revision)


def changes_since(study: Study, revision: int) -> str:
    """Return in words what changed after a revision; empty where nothing did."""
    if revision == study.revision:
        return ""
    verbs = history_of("study", study.pk).filter(data__revision__gt=revision).values_list("verb", flat=True)
    changed = [str(CHANGES[verb]) for verb in dict.fromkeys(Verb(verb) for verb in verbs) if verb in CHANGES]
    return ", ".join(changed) or _("its content is newer")


def settle(study: Study, event: StudyEvent) -> list[Reading]:
    """Move a study to where its current readings put it, as the table allows; return them. Its revision rises."""
    readings = readings_of(study)
    blind_first = reads_blind_first(study)
    if event == StudyEvent.AMEND:  # a correction does not tear open what was whole when its site worked otherwise
        blind_first = only_second_looks_count(study, readings)
    to = status_of(readings, required=study.readings_required, blind_first=blind_first)
    move(study, event, to)
    return readings


def move(study: Study, event: StudyEvent, to: StudyStatus | None = None) -> StudyStatus:
    """Move a locked study by an event and raise its revision; raise ``Conflict`` where the table has no such move."""
    study.status = STUDY_TRANSITIONS.move(StudyStatus(study.status), event, to)
    study.revision += 1
    study.save(update_fields=["status", "revision", "round", "claimed_by", "claimed_until", "has_problem"])
    return StudyStatus(study.status)


def drop_claim(study: Study) -> None:
    """Take the lease from whoever holds it; the caller saves."""
    study.claimed_by = None
    study.claimed_until = None


def note(actor: User | None, verb: Verb, study: Study, **data: object) -> None:
    """Write the audit event of a change, with the revision that it made."""
    data = {"revision": study.revision, **data}
    record(actor, verb, target_type="study", target_id=study.pk, site=study.site_id, data=data)
