"""Tells people what became of studies that they read, hold, opened or sent: durable rows, each seen once.

Who is told is decided here; what is said, by the verb that changed the study. No sentence names a verdict, a reader or
another study's patient, so that a notice tells nobody more than the study's own page does. What follows from a
signature is shown once that can no more be undone, and never where it was.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from bonefrac.accounts.models import Membership, Role, Site
from bonefrac.accounts.roles import Person
from bonefrac.audit.events import history_of
from bonefrac.audit.models import Verb
from bonefrac.db import new_id
from bonefrac.errors import NotFound
from bonefrac.paging import Page, newest_first
from studies import access
from studies.models import Dataset, Notice, Review, Study
from studies.policies import Standing, sees_study
from studies.states import NoticeKind

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

_COUNTED = 99


def readers_of(study: Study) -> set[uuid.UUID]:
    """Return who signed the study in any round, and who holds it now."""
    signed = set(Review.objects.filter(study=study).values_list("reader_id", flat=True))
    held = study.claimed_by_id if study.claimed_until and study.claimed_until > timezone.now() else None
    return signed | ({held} if held else set())


def all_who_saw(study: Study) -> set[uuid.UUID]:
    """Return who signed, holds, sent or ever opened the study, and who has its labels in a dataset."""
    opened = history_of("study", study.pk).filter(verb=Verb.STUDY_OPENED, actor__isnull=False)
    viewers = set(opened.values_list("actor_id", flat=True).distinct().order_by())
    return readers_of(study) | {study.uploader_id} | viewers | _who_has_its_labels(study)


def _who_has_its_labels(study: Study) -> set[uuid.UUID]:
    """Return who froze or downloaded a dataset that holds a label of the study."""
    froze: set[uuid.UUID] = set()
    for key, person in (
        Dataset.objects.filter(items__study_image__study=study).values_list("pk", "frozen_by").distinct()
    ):
        took = history_of("dataset", key).filter(verb=Verb.DATASET_EXPORTED, actor__isnull=False)
        froze |= {person, *took.values_list("actor_id", flat=True).distinct().order_by()}
    return froze


def tell(
    people: Iterable[uuid.UUID],
    study: Study,
    *,
    kind: NoticeKind,
    sentence: str,
    by: User | None = None,
    review: Review | None = None,
) -> list[Notice]:
    """Tell those of the people who may see the study now, inside the verb's transaction; who did it is not told.

    Args:
        people: Whom.
        study: About which study.
        kind: Why.
        sentence: What, without a verdict or a name.
        by: Who did it.
        review: The signature from which it follows: the notice waits until that can no more be undone.
    """
    now = timezone.now()
    due_at = now + timedelta(seconds=settings.UNDO_SECONDS) if review else now
    rows = [
        Notice(id=new_id(), person_id=key, study=study, kind=kind, sentence=sentence, due_at=due_at, review=review)
        for key in _who_see(study, set(people) - ({by.pk} if by else set()))
    ]
    return Notice.objects.bulk_create(rows)


def leads_of(site: Site) -> dict[uuid.UUID, Standing]:
    """Return the active leads of a site and what they are there."""
    leads = Membership.objects.filter(site=site, role=Role.LEAD, user__is_active=True).values_list("user", flat=True)
    return standings_at(site, leads)


def standings_at(site: Site, people: Iterable[uuid.UUID]) -> dict[uuid.UUID, Standing]:
    """Return what active people are at a site, in one query; who is nothing there is left out."""
    roles: dict[uuid.UUID, set[Role]] = defaultdict(set)
    held = Membership.objects.filter(site=site, user__in=list(people), user__is_active=True)
    for person, role in held.order_by("user").values_list("user_id", "role"):
        roles[person].add(Role(role))
    return {person: Standing(person, frozenset(found)) for person, found in roles.items()}


def _who_see(study: Study, people: set[uuid.UUID]) -> list[uuid.UUID]:
    return [key for key, standing in standings_at(study.site, people).items() if sees_study(standing, study)]


def shown(at: datetime | None = None) -> QuerySet[Notice]:
    """Return notices whose time has come, and whose signature was not taken back or replaced before it had."""
    taken_back = Review.objects.filter(
        Q(is_withdrawal=True) | Q(signed_at__lte=OuterRef("due_at")), supersedes=OuterRef("review")
    )
    return Notice.objects.filter(~Exists(taken_back), due_at__lte=at or timezone.now())


def page_of(user: User, *, cursor: str = "") -> Page[Notice]:
    """Return a page of what a person was told, newest first; of studies that they may see now."""
    mine = shown().filter(person=user, study__in=access.visible_to(user)).select_related("study__site")
    return newest_first(mine, time="made_at", cursor=cursor)


def unseen_count(person: Person) -> str:
    """Return how many notices a person has not seen, at most "99+"; empty where there is none."""
    if not isinstance(person, get_user_model()):
        return ""
    if not Notice.objects.filter(person_id=person.pk, seen_at__isnull=True).exists():
        return ""  # every page asks, and which of them the person may know of is the dear part
    unseen = shown().filter(person_id=person.pk, seen_at__isnull=True, study__in=access.visible_to(person))
    found = len(unseen.order_by().values_list("pk")[: _COUNTED + 1])
    return f"{_COUNTED}+" if found > _COUNTED else str(found or "")


def mark_seen(user: User, notice_id: uuid.UUID) -> Notice:
    """Note that the person has seen a notice; again changes nothing. Raise ``NotFound`` where it is not theirs."""
    with transaction.atomic():
        found = shown().filter(pk=notice_id, person=user, study__in=access.visible_to(user))
        notice = found.select_related("study").first()
        if notice is None:
            raise NotFound
        if Notice.objects.filter(pk=notice_id, seen_at__isnull=True).update(seen_at=timezone.now()):
            notice.refresh_from_db(fields=["seen_at"])
    return notice


def mark_all_seen(user: User) -> int:
    """Note that the person has seen everything that they were told until now; return how much that was."""
    now = timezone.now()
    keys = shown(now).filter(person=user, seen_at__isnull=True).values("pk")
    return Notice.objects.filter(pk__in=keys).update(seen_at=now)
