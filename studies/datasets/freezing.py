"""Turns labels into facts: one transaction, one digest, nothing changed afterwards."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from bonefrac.accounts.models import Site
from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.db import new_id, violated
from bonefrac.errors import Conflict, Forbidden, Invalid
from studies import access
from studies.datasets.criteria import Criteria, settling
from studies.datasets.labels import LabelledImage, labelled_images
from studies.datasets.splits import groups_of, settle, side_of
from studies.models import Dataset, DatasetItem, Finding, Review, SplitGroup, UnlocatedFinding
from studies.policies import may_export
from studies.terms import Shape

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

NAME_LENGTH = 120
FREEZE_LOCK = 0x62667A  # any fixed number: two freezes wait for each other, so that groups are settled one by one
_SLOWEST = 60  # seconds that an undoing may take from its lock to its end
COUNTED = ("study_verdict", "image_label", "review_state", "phase", "agreement")


@dataclass(slots=True)
class Selection:
    """What a freeze would take, and what it leaves out."""

    taken: list[LabelledImage] = field(default_factory=list)
    leak_conflicts: int = 0
    duplicates: int = 0
    waiting: int = 0

    def counts(self) -> dict[str, object]:
        """Return the numbers that the preview draws and the dataset keeps."""
        by = {name: dict(sorted(Counter(str(getattr(item, name)) for item in self.taken).items())) for name in COUNTED}
        sides = Counter(str(side_of(item.group_key)) for item in self.taken)
        return {
            "images": len(self.taken),
            "groups": len({item.group_key for item in self.taken}),
            "leak_conflicts": self.leak_conflicts,
            "duplicates": self.duplicates,
            "waiting": self.waiting,
            "split": dict(sorted(sides.items())),
            **by,
        }


def select(site: Site, criteria: Criteria) -> Selection:
    """Return what fits: one row per radiograph, without those whose pixels belong to another group already.

    Studies with a reading that can still be undone wait, and are counted.
    """
    found, selection = list(labelled_images(site, criteria)), Selection(waiting=criteria.waiting(site).count())
    belongs = groups_of({item.radiograph for item in found})
    seen: dict[uuid.UUID, str] = {}
    for item in found:
        known = belongs.get(item.radiograph) or seen.get(item.radiograph, item.group_key)
        if known != item.group_key:
            selection.leak_conflicts += 1
        elif item.radiograph in seen:
            selection.duplicates += 1
        else:
            seen[item.radiograph] = item.group_key
            selection.taken.append(item)
    return selection


def preview(actor: User, *, site: Site, criteria: Criteria) -> dict[str, object]:
    """Return the counts of what a freeze would take now; raise ``Forbidden`` for anyone but an administrator."""
    _permit(actor, site)
    return select(site, criteria).counts()


@transaction.atomic
def freeze(actor: User, *, site: Site, name: str, criteria: Criteria) -> Dataset:
    """Freeze the current labels of a site's reviewed studies under a name.

    Raises:
        Forbidden: The person is no administrator of the site.
        Invalid: The name is empty or too long, or there is no label to freeze.
        Conflict: The name is taken.
    """
    _permit(actor, site)
    name = _checked_name(name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FREEZE_LOCK])
    _let_undoing_end(site)
    selection = select(site, criteria)
    if not selection.taken:
        raise _nothing(selection)
    groups = settle({item.radiograph: item.group_key for item in selection.taken})
    dataset = _insert(actor, site, name, criteria, selection)
    DatasetItem.objects.bulk_create((_row(dataset, item, groups) for item in selection.taken), batch_size=1000)
    record(
        actor,
        Verb.DATASET_FROZEN,
        target_type="dataset",
        target_id=dataset.id,
        data={"digest": dataset.digest, "images": len(selection.taken), "leak_conflicts": selection.leak_conflicts},
    )
    return dataset


def _let_undoing_end(site: Site) -> None:
    """Wait for whoever is undoing a reading at this moment: from here on what is old enough stays as it is."""
    recent = settling(site, seconds=_SLOWEST).order_by("pk").select_for_update(no_key=True, of=("self",))
    list(recent.values_list("pk", flat=True))


def _nothing(selection: Selection) -> Invalid:
    sentence = _("There is no label to freeze: no reviewed study fits. Nothing was made.")
    if selection.waiting:
        sentence = _(
            "There is no label to freeze yet: %(number)d studies were signed just now and may still be undone. Try "
            "again in %(seconds)d seconds. Nothing was made."
        ) % {"number": selection.waiting, "seconds": settings.UNDO_SECONDS}
    return Invalid(sentence, code="nothing_to_freeze")


def _permit(actor: User, site: Site) -> None:
    if not may_export(access.standing(actor, site), site):
        raise Forbidden(_("Administrators of the site who do not read blind there freeze and export datasets."))


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH:
        sentence = _("Give the dataset a name of at most %(length)d characters.") % {"length": NAME_LENGTH}
        raise Invalid(sentence, fields={"name": sentence})
    return name


def _insert(actor: User, site: Site, name: str, criteria: Criteria, selection: Selection) -> Dataset:
    dataset = Dataset(
        id=new_id(),
        site=site,
        name=name,
        frozen_by=actor,
        digest=digest_of(selection.taken),
        criteria=criteria.as_dict(),
        counts=selection.counts(),
    )
    try:
        with transaction.atomic():
            dataset.save(force_insert=True)
    except IntegrityError as error:
        if not violated(error).startswith("studies_dataset_name"):
            raise
        sentence = _("There is a dataset of this name already. Choose another; nothing was frozen.")
        raise Conflict(sentence, code="name_taken", fields={"name": sentence}) from error
    return dataset


def _row(dataset: Dataset, item: LabelledImage, groups: dict[str, SplitGroup]) -> DatasetItem:
    group = groups[item.group_key]
    return DatasetItem(
        dataset=dataset,
        study_image_id=item.study_image,
        radiograph_id=item.radiograph,
        review_id=item.review,
        prediction_id=item.prediction,
        study_verdict=item.study_verdict,
        image_label=item.image_label,
        review_state=item.review_state,
        phase=item.phase,
        agreement=item.agreement,
        group=group,
        split=group.side,
    )


def digest_of(items: Sequence[LabelledImage]) -> str:
    """Return the sha256 over every item in the order of its image, with what its review draws, names and ticks.

    Points, fractures that are only named, and ticks stand in a line where there are any, so that a digest from before
    there were such things is still that of the same content.
    """
    reviews = {item.review for item in items}
    drawn, ticked = _drawn(reviews), _ticked(reviews)
    total = hashlib.sha256()
    for item in sorted(items, key=lambda item: item.study_image):
        boxes, points = drawn.get((item.review, item.study_image), ([], []))
        beside = {**ticked.get(item.review, {}), **({"points": points} if points else {})}
        line = [
            *(str(item.study_image), str(item.radiograph), str(item.review), str(item.prediction or "")),
            *(str(getattr(item, name)) for name in COUNTED),
            item.group_key,
            str(side_of(item.group_key)),
            boxes,
            *([beside] if beside else []),
        ]
        total.update(json.dumps(line, separators=(",", ":"), sort_keys=True).encode() + b"\n")
    return total.hexdigest()


def _drawn(reviews: Iterable[uuid.UUID]) -> dict[tuple[uuid.UUID, uuid.UUID], tuple[list[Any], list[Any]]]:
    """Return boxes and points by review and image."""
    rows = Finding.objects.filter(image_reading__review__in=reviews).order_by("id").select_related("image_reading")
    drawn: dict[tuple[uuid.UUID, uuid.UUID], tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
    for row in rows:
        boxes, points = drawn[(row.image_reading.review_id, row.image_reading.study_image_id)]
        if row.shape == Shape.POINT:
            points.append([row.x, row.y, row.bone, row.type, row.side, row.confidence])
        else:
            boxes.append([row.x, row.y, row.width, row.height])
    return drawn


def _ticked(reviews: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    """Return what reviews name without drawing it and what they tick, those alone that have any of it."""
    names = ("other_findings", "has_cast_or_hardware", "agreed_with_model")
    found: dict[uuid.UUID, dict[str, Any]] = {}
    for key, *values in Review.objects.filter(pk__in=reviews).values_list("pk", *names):
        found[key] = {name: value for name, value in zip(names, values, strict=True) if value}
    for row in UnlocatedFinding.objects.filter(review__in=reviews).order_by("id"):
        found[row.review_id].setdefault("unlocated", []).append([row.bone, row.type, row.side, row.confidence])
    return found
