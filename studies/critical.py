"""Critical findings: raised by a reading, passed on by people, acknowledged by somebody who treats, or overdue.

A finding is raised once for each reader, stays while their reading says so, and is withdrawn with it. Who was told is
told of that too. It never waits for a second reading: a patient does not either.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.errors import Conflict, Forbidden, Invalid
from studies import access, notices, policies
from studies.models import Communication, CriticalFinding, Review, Study
from studies.states import NoticeKind, ReviewKind, ReviewMode, StudyStatus
from studies.terms import Channel
from studies.turns import reads_blind_first, standing_reviews

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

NAME: Final = 120
NOTE: Final = 500
_AT_ONCE: Final = 200
_CLOCKS_DIFFER: Final = timedelta(minutes=2)


def follow(study: Study, review: Review) -> None:
    """Raise, keep or withdraw critical findings after a review was added to a locked study."""
    if review.is_withdrawal or not review.is_critical:
        for finding in _unsaid_by(study, review):
            _withdraw(study, finding, review)
    elif not _open_of(study).filter(raised_by=review.reader_id, review__kind=review.kind).exists():
        _bring_back(study, review) or _raise(study, review)


def withdraw_all(study: Study) -> None:
    """Withdraw every critical finding of a study that becomes void."""
    for finding in _open_of(study):
        _withdraw(study, finding, None)


def communicate(
    actor: User,
    finding_id: uuid.UUID,
    *,
    whom: str,
    channel: str,
    told_at: datetime | None = None,
    note: str = "",
    is_acknowledged: bool = False,
) -> Communication:
    """Record that somebody was told of a critical finding.

    Args:
        actor: A radiologist or lead of the site.
        finding_id: The critical finding.
        whom: Who was told, by name or function.
        channel: How.
        told_at: When; now where it is not said.
        note: What else there is to know.
        is_acknowledged: Whether the person told has acknowledged it in the same breath.

    Raises:
        NotFound, Forbidden: The actor may not see it, or does not read at its site.
        Conflict: It was withdrawn, or acknowledged before.
        Invalid: Name, channel or time are missing or wrong.
    """
    found = access.critical_finding(actor, finding_id)
    when = told_at or timezone.now()
    _check(found, whom.strip(), channel, when, note)
    with transaction.atomic():
        finding = _locked(found)
        if not policies.may_read(access.standing(actor, found.study.site)):
            raise Forbidden(_("Radiologists and leads of the site record whom they told."))
        told = Communication.objects.create(
            critical_finding=finding, by=actor, whom=whom.strip(), channel=channel, note=note.strip(), told_at=when
        )
        _note(actor, Verb.CRITICAL_COMMUNICATED, finding, found.study, channel=channel, communication=str(told.pk))
        if is_acknowledged and finding.acknowledged_at is None:
            _acknowledge(actor, finding, found.study, name=whom.strip())
    return told


def acknowledge(actor: User, finding_id: uuid.UUID, *, name: str = "") -> CriticalFinding:
    """Note that somebody who treats knows of a critical finding: its uploader, or one whose word a reader records.

    Raises:
        NotFound, Forbidden: The actor may not see it, or is neither the uploader nor a reader of the site.
        Conflict: It was withdrawn, or acknowledged already.
        Invalid: Nobody is named.
    """
    found = access.critical_finding(actor, finding_id)
    standing = access.standing(actor, found.study.site)
    if not policies.may_acknowledge(standing, found.study):
        raise Forbidden(_("The study's uploader acknowledges it, or a reader of the site records who did."))
    who = name.strip() or ("" if policies.may_read(standing) else str(actor))
    if not who or len(who) > NAME:
        sentence = _("Say who acknowledged it, in at most 120 characters.")
        raise Invalid(sentence, code="name_missing", fields={"name": sentence})
    with transaction.atomic():
        finding = _locked(found)
        if finding.acknowledged_at is not None:
            raise Conflict(_("It was acknowledged already. Nothing was changed."), code="acknowledged")
        return _acknowledge(actor, finding, found.study, name=who)


def escalate_overdue() -> int:
    """Tell leads, once each, of critical findings that nobody has acknowledged in time; return of how many."""
    escalated = 0
    now = timezone.now()
    overdue = CriticalFinding.objects.filter(
        due_at__lte=now, acknowledged_at__isnull=True, withdrawn_at__isnull=True, escalated_at__isnull=True
    )
    for key in overdue.order_by("due_at", "id").values_list("pk", flat=True)[:_AT_ONCE]:
        escalated += _escalate(key, now)
    return escalated


def _escalate(key: uuid.UUID, now: datetime) -> bool:
    with transaction.atomic():
        waiting = CriticalFinding.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
        finding = waiting.select_related("study__site").filter(pk=key, escalated_at__isnull=True).first()
        if finding is None or finding.acknowledged_at or finding.withdrawn_at:
            return False
        finding.escalated_at = now
        finding.save(update_fields=["escalated_at"])
        study = finding.study
        told = _("A critical finding is overdue: nobody has acknowledged it. Call those who treat.")
        notices.tell(_whom_to_alarm(study), study, kind=NoticeKind.CRITICAL_OVERDUE, sentence=told)
        _note(None, Verb.CRITICAL_ESCALATED, finding, study)
    return True


def _whom_to_alarm(study: Study) -> set[uuid.UUID]:
    """Return the leads who may know of the reading; where there is none, every lead: the patient comes first."""
    leads = notices.leads_of(study.site)
    read = standing_reviews().filter(study=study, round=study.round, kind=ReviewKind.READING)
    if reads_blind_first(study):
        read = read.filter(mode=ReviewMode.ASSISTED)
    readers = set(read.values_list("reader_id", flat=True))
    knowing = {key for key, held in leads.items() if policies.sees_all_reviews(held, study, has_read=key in readers)}
    return knowing or set(leads)


def _open_of(study: Study) -> QuerySet[CriticalFinding]:
    return CriticalFinding.objects.filter(study=study, withdrawn_at__isnull=True).select_related("review")


def _unsaid_by(study: Study, review: Review) -> list[CriticalFinding]:
    """Return the open findings that a review takes back: its reader's own, or all that an adjudication overrules."""
    own = [row for row in _open_of(study) if row.raised_by_id == review.reader_id and row.review.kind == review.kind]
    if review.kind != ReviewKind.ADJUDICATION or review.is_withdrawal:
        return own
    return own + [row for row in _open_of(study) if row not in own and row.review.verdict != review.verdict]


def _raise(study: Study, review: Review) -> CriticalFinding:
    due_at = review.signed_at + timedelta(seconds=settings.UNDO_SECONDS, minutes=study.site.critical_minutes)
    finding = CriticalFinding.objects.create(study=study, review=review, raised_by=review.reader, due_at=due_at)
    _note(review.reader, Verb.CRITICAL_RAISED, finding, study, review=str(review.pk))
    told = _("A reader found something critical. Open the study and acknowledge it.")
    notices.tell([study.uploader_id], study, kind=NoticeKind.CRITICAL, sentence=told, by=review.reader, review=review)
    return finding


def _bring_back(study: Study, review: Review) -> bool:
    """Let stand again what an amendment had withdrawn that was undone by this review; return whether there was any."""
    undone = review.supersedes
    if undone is None or undone.is_critical:
        return False
    withdrawn = CriticalFinding.objects.filter(
        study=study, raised_by=review.reader_id, review__kind=review.kind, withdrawn_at__gte=undone.signed_at
    )
    key = withdrawn.order_by("-withdrawn_at").values_list("pk", flat=True).first()
    return bool(key and CriticalFinding.objects.filter(pk=key).update(withdrawn_at=None))


def _withdraw(study: Study, finding: CriticalFinding, review: Review | None) -> None:
    """Withdraw a finding and tell who was told; after a signature, once that can no more be undone."""
    now = timezone.now()
    CriticalFinding.objects.filter(pk=finding.pk).update(withdrawn_at=now)
    people = set(finding.communications.values_list("by", flat=True))
    if now - finding.review.signed_at > timedelta(seconds=settings.UNDO_SECONDS):
        people |= {study.uploader_id}
    if finding.escalated_at:
        people |= set(notices.leads_of(study.site))
    told = _("The critical finding was withdrawn: the reading that raised it has changed. Tell whom you told.")
    notices.tell(people, study, kind=NoticeKind.CRITICAL, sentence=told, review=review)


def _locked(found: CriticalFinding) -> CriticalFinding:
    finding = CriticalFinding.objects.select_for_update(no_key=True).get(pk=found.pk)
    if finding.withdrawn_at is not None or found.study.status == StudyStatus.VOID:
        raise Conflict(_("The critical finding was withdrawn. Nothing was recorded."), code="withdrawn")
    return finding


def _check(finding: CriticalFinding, whom: str, channel: str, when: datetime, note: str) -> None:
    faults = {}
    if not whom or len(whom) > NAME:
        faults["whom"] = _("Say whom you told, in at most 120 characters.")
    if channel not in Channel.values:
        faults["channel"] = _("Say how: by telephone, in person, by message or otherwise.")
    if when > timezone.now() + _CLOCKS_DIFFER or when < finding.study.received_at - _CLOCKS_DIFFER:
        faults["told_at"] = _("The time lies in the future, or before the study came.")
    if len(note) > NOTE:
        faults["note"] = _("The note has more than 500 characters.")
    if faults:
        raise Invalid(next(iter(faults.values())), code="communication", fields=faults)


def _acknowledge(actor: User, finding: CriticalFinding, study: Study, *, name: str) -> CriticalFinding:
    finding.acknowledged_by, finding.acknowledged_through = name, actor
    finding.acknowledged_at = timezone.now()
    finding.save(update_fields=["acknowledged_by", "acknowledged_through", "acknowledged_at"])
    _note(actor, Verb.CRITICAL_ACKNOWLEDGED, finding, study)
    return finding


def _note(actor: User | None, verb: Verb, finding: CriticalFinding, study: Study, **data: object) -> None:
    about: dict[str, object] = {"critical_finding": str(finding.pk), **data}
    record(actor, verb, target_type="study", target_id=study.pk, site=study.site_id, data=about)
