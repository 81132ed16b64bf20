"""The only way from an id to an object: 404 if you may not see it, 403 if you see it but may not do that.

Missing and invisible are the same answer. What is allowed is decided in ``policies``.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts.models import ReadingMode, Role, Site
from bonefrac.accounts.roles import memberships_of, roles_of, sites_with
from bonefrac.errors import Forbidden, NotFound
from studies.models import (
    CriticalFinding,
    Dataset,
    Discrepancy,
    Divergence,
    IncomingFile,
    Problem,
    ResumableUpload,
    Review,
    Study,
    StudyImage,
)
from studies.policies import (
    OVERSEERS,
    READERS,
    SITE_WIDE,
    Standing,
    may_adjudicate,
    may_see_held,
    may_see_labels,
    sees_all_reviews,
    sees_reading_side,
    sees_study,
)
from studies.states import ReviewKind, ReviewMode, StudyStatus
from studies.turns import has_read, is_reader_of_round, standing_reviews

if TYPE_CHECKING:
    from bonefrac.accounts.models import User


def standing(user: User, site: Site) -> Standing:
    """Return what a person is at a site."""
    return Standing(person=user.id, roles=roles_of(user, site))


def visible_to(user: User) -> QuerySet[Study]:
    """Return every study that a person may see: the only start of a list."""
    site_wide = Q(site__in=sites_with(user, *SITE_WIDE))
    own = Q(uploader=user, site__in=sites_with(user, Role.UPLOADER))
    return Study.objects.select_related("site").filter(site_wide | own)


def whose_readings_are_open_to(user: User) -> QuerySet[Study]:
    """Return the studies of which a person may know what others signed: of an open one after their own reading."""
    counted = Q(mode=ReviewMode.ASSISTED) | Q(study__site__reading_mode=ReadingMode.ASSISTED)
    own = standing_reviews().filter(
        counted, study=OuterRef("pk"), round=OuterRef("round"), reader=user, kind=ReviewKind.READING
    )
    read_at = sites_with(user, *READERS).order_by().values("pk")
    overseen = sites_with(user, *SITE_WIDE).order_by().exclude(pk__in=read_at).values("pk")
    settled = ~Q(status=StudyStatus.AWAITING)
    return Study.objects.filter(Q(site__in=overseen) | (Q(site__in=read_at) & (settled | Exists(own))))


def visible_by_site(user: User) -> dict[uuid.UUID, QuerySet[Study]]:
    """Return the same studies as ``visible_to``, by site: each list is read from its site's index."""
    roles: dict[uuid.UUID, set[Role]] = {}
    for site, role in memberships_of(user).order_by().values_list("site_id", "role"):
        roles.setdefault(site, set()).add(Role(role))
    found = {}
    for site, held in roles.items():
        if held & SITE_WIDE:
            found[site] = Study.objects.filter(site=site)
        elif Role.UPLOADER in held:
            found[site] = Study.objects.filter(site=site, uploader=user)
    return found


def study(user: User, study_id: uuid.UUID) -> Study:
    """Return a study that the person may see; raise ``NotFound`` otherwise."""
    found = Study.objects.select_related("site", "claimed_by").filter(pk=study_id).first()
    if found is None or not sees_study(standing(user, found.site), found):
        raise NotFound
    return found


def read_study(user: User, study_id: uuid.UUID) -> Study:
    """Return a study whose reading side the person sees; an uploader of it is refused with ``Forbidden``."""
    found = study(user, study_id)
    if not sees_reading_side(standing(user, found.site)):
        raise Forbidden(_("Readings are open to radiologists, leads, administrators and auditors of the site."))
    return found


def image(user: User, study_id: uuid.UUID, image_id: uuid.UUID) -> StudyImage:
    """Return an image of a study that the person may see; raise ``NotFound`` otherwise."""
    owner = study(user, study_id)
    found = owner.images.select_related("radiograph").filter(pk=image_id).first()
    if found is None:
        raise NotFound
    found.study = owner
    return found


def dispute(user: User, study_id: uuid.UUID) -> Study:
    """Return a study that the person may adjudicate; ``Forbidden`` for anyone else who sees it."""
    found = study(user, study_id)
    if not may_adjudicate(standing(user, found.site), is_reader_of_round=is_reader_of_round(user, found)):
        raise Forbidden(_("A lead who is not one of its readers settles a dispute."))
    return found


def own_review(user: User, review_id: uuid.UUID) -> Review:
    """Return a review that the person signed.

    Raises:
        NotFound: There is none, or the person may not know what others signed before their own reading.
        Forbidden: The person sees it, but somebody else signed it.
    """
    found = Review.objects.select_related("study__site", "reader").filter(pk=review_id).first()
    if found is None:
        raise NotFound
    held, owner = standing(user, found.study.site), found.study
    if found.reader_id == user.id and sees_reading_side(held):
        return found
    if sees_all_reviews(held, owner, has_read=has_read(user, owner)):
        raise Forbidden(_("Only its reader amends a reading."))
    raise NotFound


def problem(user: User, problem_id: uuid.UUID) -> Problem:
    """Return a problem of a study that the person may see; raise ``NotFound`` otherwise."""
    found = Problem.objects.select_related("study__site").filter(pk=problem_id).first()
    if found is None or not sees_study(standing(user, found.study.site), found.study):
        raise NotFound
    return found


def discrepancy(user: User, discrepancy_id: uuid.UUID) -> Discrepancy:
    """Return a question about a study that the person may see; raise ``NotFound`` otherwise."""
    found = Discrepancy.objects.select_related("study__site").filter(pk=discrepancy_id).first()
    if found is None or not sees_study(standing(user, found.study.site), found.study):
        raise NotFound
    return found


def critical_finding(user: User, finding_id: uuid.UUID) -> CriticalFinding:
    """Return a critical finding that the person may know of.

    The study's uploader knows of it once its signature can no more be undone, a reader of the open study after their
    own reading; who raised it knows of it.
    """
    found = CriticalFinding.objects.select_related("study__site", "review", "raised_by").filter(pk=finding_id).first()
    if found is None or not _knows(user, found):
        raise NotFound
    return found


def _knows(user: User, finding: CriticalFinding) -> bool:
    study = finding.study
    held = standing(user, study.site)
    if not sees_study(held, study):
        return False
    if study.uploader_id == user.pk:
        return timezone.now() - finding.review.signed_at > timedelta(seconds=settings.UNDO_SECONDS)
    return finding.raised_by_id == user.pk or sees_all_reviews(held, study, has_read=has_read(user, study))


def divergence(user: User, divergence_id: uuid.UUID) -> Divergence:
    """Return two judgements that differ, which the person may know of; raise ``NotFound`` otherwise."""
    found = divergences_open_to(user).select_related("study__site", "review", "other", "prediction")
    row = found.filter(pk=divergence_id).first()
    if row is None:
        raise NotFound
    return row


def divergences_open_to(user: User) -> QuerySet[Divergence]:
    """Return what differs in studies whose readings are open to the person; what a model said only if it is too.

    A dispute is left out: whoever settles it must not know who said what.
    """
    blind = standing_reviews().filter(
        study=OuterRef("study"), round=OuterRef("round"), reader=user, mode=ReviewMode.BLIND, kind=ReviewKind.READING
    )
    is_shown = Q(prediction__isnull=True) | Q(study__site__reading_mode=ReadingMode.ASSISTED) | Exists(blind)
    found = Divergence.objects.filter(is_shown, study__in=whose_readings_are_open_to(user))
    return found.exclude(study__status__in=(StudyStatus.DISPUTED, StudyStatus.VOID))


def incoming_file(user: User, file_id: uuid.UUID) -> IncomingFile:
    """Return a file that the person handed in, or that a lead or administrator of its site looks after."""
    found = IncomingFile.objects.select_related("site", "study").filter(pk=file_id).first()
    if found is None:
        raise NotFound
    roles = standing(user, found.site).roles
    own = found.sender_id == user.id and Role.UPLOADER in roles
    if not own and not roles & {Role.LEAD, Role.ADMIN}:
        raise NotFound
    return found


def held_file(user: User, file_id: uuid.UUID) -> IncomingFile:
    """Return a file whose held picture the person may see, or which the person otherwise looks after."""
    found = IncomingFile.objects.select_related("site", "study").filter(pk=file_id).first()
    if found is not None and may_see_held(standing(user, found.site), found.site):
        return found
    return incoming_file(user, file_id)


def resumable_upload(user: User, upload_id: uuid.UUID) -> ResumableUpload:
    """Return an upload that the person began and may still go on with; raise ``NotFound`` for any other."""
    found = ResumableUpload.objects.select_related("site").filter(pk=upload_id, owner=user).first()
    if found is None or Role.UPLOADER not in standing(user, found.site).roles:
        raise NotFound
    return found


def dataset(user: User, dataset_id: uuid.UUID) -> Dataset:
    """Return a dataset of a site of which the person is administrator or auditor.

    Raises:
        NotFound: They are neither.
        Forbidden: They read blind there as well, and the dataset tells what the AI said.
    """
    found = Dataset.objects.select_related("site", "frozen_by").filter(pk=dataset_id).first()
    held = standing(user, found.site) if found else None
    if found is None or held is None or not held.roles & OVERSEERS:
        raise NotFound
    if not may_see_labels(held, found.site):
        raise Forbidden(_("You read blind at this site: its datasets tell what the AI said, and are kept from you."))
    return found


def site(user: User, site_id: uuid.UUID, *roles: Role) -> Site:
    """Return a site where the person holds one of the roles.

    Raises:
        NotFound: The person has no role there at all.
        Forbidden: The person belongs to the site but holds none of the roles.
    """
    found = Site.objects.filter(pk=site_id).first()
    held = standing(user, found).roles if found else frozenset[Role]()
    if found is None or not held:
        raise NotFound
    if roles and not held & set(roles):
        raise Forbidden(_("Your roles at this site do not cover this."))
    return found


def reads_somewhere(user: User) -> bool:
    """Whether the person signs readings at any site."""
    return sites_with(user, *READERS).exists()


def any_site(user: User, *roles: Role) -> None:
    """Raise ``Forbidden`` unless the person holds one of the roles at some site."""
    if not sites_with(user, *roles).exists():
        raise Forbidden(_("None of your roles covers this page."))
