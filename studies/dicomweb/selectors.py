"""What a person finds and retrieves over DICOMweb: always of ``access.visible_to``, always recorded.

A search writes which studies it showed, a retrieval that the study was opened, before anything of them is sent. A void
study is not offered.
"""

from __future__ import annotations

import functools
import itertools
import operator
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from bonefrac.accounts.models import Role, Site
from bonefrac.accounts.roles import sites_with
from bonefrac.audit.events import history_of, record
from bonefrac.audit.models import Verb
from bonefrac.errors import NotFound
from studies import access
from studies.dicom import compose
from studies.dicomweb import matching, rows
from studies.dicomweb.elements import Attributes
from studies.dicomweb.keys import Match, Query
from studies.models import Study, StudyImage
from studies.states import StudyStatus

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

#: Further requests for an opened study within this time are the same looking at it.
STILL_OPEN: Final = timedelta(minutes=15)
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: everything that the person may see, or one site, study or series of it."""

    user: User
    site: uuid.UUID | None = None
    study_uid: str = ""
    series_uid: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search, and whether more follow."""

    rows: list[Attributes]
    has_more: bool


def studies(scope: Scope, query: Query) -> Found:
    """Return the studies that a search asks for, the newest first."""
    end = query.offset + query.limit + 1
    parts = [_newest(part, query.matches)[:end] for part in _lists(scope)]
    found = _merged(parts, query.offset, end) if query.limit else []
    shown = found[: query.limit]
    images = _images_of(study.pk for study in shown) if shown else {}
    _note_search(scope.user, shown)
    told = [rows.of_study(study, images[study.pk], query, scope.base) for study in shown]
    return Found(told, len(found) > query.limit)


def series(scope: Scope, query: Query) -> Found:
    """Return the series that a search asks for, those with the newest image first."""
    end = query.offset + query.limit + 1
    keys = _series_keys(_searched(scope, query), end)[query.offset :] if query.limit else []
    shown = keys[: query.limit]
    images = _images_of({key for key, _sop in shown}, is_with_study=True)
    held = rows.grouped(itertools.chain.from_iterable(images.values()))
    found = [held[key] for key in shown if key in held]
    _note_search(scope.user, [of_one[0].study for of_one in found])
    return Found([rows.of_series(images, query, scope.base) for images in found], len(keys) > query.limit)


def instances(scope: Scope, query: Query) -> Found:
    """Return the instances that a search asks for, in the order of their study, or the newest first."""
    wanted = _searched(scope, query).select_related("study", "radiograph")
    images = list(wanted[query.offset : query.offset + query.limit + 1]) if query.limit else []
    _note_search(scope.user, [image.study for image in images[: query.limit]])
    told = [rows.of_instance(image, query, scope.base) for image in images[: query.limit]]
    return Found(told, len(images) > query.limit)


def retrieved(scope: Scope, instance_uid: str = "") -> list[StudyImage]:
    """Return the images of a study, of a series or one instance, and record that the study was opened.

    Raises:
        NotFound: There is none, or the person may not see it.
    """
    with transaction.atomic():
        study = _visible(scope).filter(study_uid=scope.study_uid).first()
        if study is None:
            raise NotFound
        images = list(_narrowed(study, scope.series_uid, instance_uid).select_related("radiograph"))
        if not images:
            raise NotFound
        _note_opened(scope.user, study)
    for image in images:
        image.study = study
    return images


def site_to_store(user: User, named: uuid.UUID | None) -> Site | None:
    """Return the site for which a person stores: the named one, else their only one; None where several could be.

    Raises:
        NotFound: The person does not belong to the named site.
        Forbidden: The person uploads nowhere, or not for the named site.
    """
    if named is not None:
        return access.site(user, named, Role.UPLOADER)
    access.any_site(user, Role.UPLOADER)
    sites = list(sites_with(user, Role.UPLOADER)[:2])
    return sites[0] if len(sites) == 1 else None


def _lists(scope: Scope) -> list[QuerySet[Study]]:
    """Return the studies that the person may see and that are offered, by site.

    Raises:
        NotFound: The scope is a site to which the person does not belong.
    """
    visible = access.visible_by_site(scope.user)
    if scope.site is not None:
        if scope.site not in visible:
            raise NotFound
        visible = {scope.site: visible[scope.site]}
    return [part.exclude(status=StudyStatus.VOID) for part in visible.values()]


def _visible(scope: Scope) -> QuerySet[Study]:
    parts = _lists(scope)
    return functools.reduce(operator.or_, parts) if parts else Study.objects.none()


def _newest(part: QuerySet[Study], matches: Sequence[Match]) -> QuerySet[Study]:
    return matching.on_studies(part, matches).order_by("-received_at", "-id")


def _merged(parts: Sequence[QuerySet[Study]], start: int, end: int) -> list[Study]:
    if len(parts) == 1:
        return list(parts[0][start:end])
    keys = [part.values_list("pk", "received_at") for part in parts]
    newest = keys[0].union(*keys[1:], all=True).order_by("-received_at", "-id")[start:end] if keys else ()
    shown = [key for key, _when in newest]
    by_id = Study.objects.in_bulk(shown)
    return [by_id[key] for key in shown]


def _searched(scope: Scope, query: Query) -> QuerySet[StudyImage]:
    """Return the images of the scope of which the query's keys hold."""
    if scope.study_uid:
        study = _visible(scope).filter(study_uid=scope.study_uid).first()
        if study is None:
            raise NotFound
        return matching.on_images(_narrowed(study, scope.series_uid, ""), query.matches)
    images = StudyImage.objects.filter(study__in=_visible(scope))
    return matching.on_images(images, query.matches).order_by("-id")


def _narrowed(study: Study, series_uid: str, instance_uid: str) -> QuerySet[StudyImage]:
    images = StudyImage.objects.filter(study=study).select_related("study").order_by("position", "id")
    if instance_uid:
        images = images.filter(sop_instance_uid=instance_uid)
    if not series_uid:
        return images
    classes = images.order_by().values_list("sop_class_uid", flat=True).distinct()
    return images.filter(sop_class_uid__in=[c for c in classes if compose.series_uid(study.study_uid, c) == series_uid])


def _series_keys(images: QuerySet[StudyImage], end: int) -> list[tuple[uuid.UUID, str]]:
    found: dict[tuple[uuid.UUID, str], None] = {}
    for key in images.values_list("study_id", "sop_class_uid").iterator(chunk_size=_AT_ONCE):
        found[key] = None
        if len(found) >= end:
            break
    return list(found)


def _images_of(keys: Iterable[uuid.UUID], *, is_with_study: bool = False) -> defaultdict[uuid.UUID, list[StudyImage]]:
    found: defaultdict[uuid.UUID, list[StudyImage]] = defaultdict(list)
    wanted = StudyImage.objects.filter(study__in=list(keys)).order_by("position", "id")
    if is_with_study:
        wanted = wanted.select_related("study")
    for image in wanted.defer("spacing"):
        found[image.study_id].append(image)
    return found


def _note_search(user: User, found: Iterable[Study]) -> None:
    by_site: dict[uuid.UUID, dict[str, None]] = defaultdict(dict)
    for study in found:
        by_site[study.site_id][str(study.pk)] = None
    for site, shown in by_site.items():
        record(user, Verb.LIST_SHOWN, target_type="site", target_id=site, site=site, data={"studies": list(shown)})


def _note_opened(user: User, study: Study) -> None:
    recent = history_of("study", study.pk).filter(actor=user, verb=Verb.STUDY_OPENED)
    if not recent.filter(occurred_at__gt=timezone.now() - STILL_OPEN).exists():
        record(user, Verb.STUDY_OPENED, target_type="study", target_id=study.pk, site=study.site_id)
