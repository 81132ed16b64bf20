"""Groups that never change their side: a patient, or a study without one, lies in train, val or test for ever."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Mapping

from studies.models import SplitGroup, SplitMembership, Study
from studies.states import Split

TRAIN_SHARE = 0.70
VAL_SHARE = 0.15


def group_key(study: Study) -> str:
    """Return the key of a study's group: its patient's, or its own where the patient is unknown."""
    return study.patient_key or hashlib.sha256(f"study {study.id}".encode()).hexdigest()


def side_of(key: str) -> Split:
    """Return the side of a group by its key alone, so that adding data never moves one: 70, 15 and 15 of 100."""
    place = int.from_bytes(hashlib.sha256(f"split {key}".encode()).digest()[:8], "big") / 2**64
    if place < TRAIN_SHARE:
        return Split.TRAIN
    return Split.VAL if place < TRAIN_SHARE + VAL_SHARE else Split.TEST


def groups_of(radiographs: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the keys of the groups to which radiographs belong already."""
    rows = SplitMembership.objects.filter(radiograph__in=radiographs).values_list("radiograph_id", "group__key")
    return dict(rows)


def settle(wanted: Mapping[uuid.UUID, str]) -> dict[str, SplitGroup]:
    """Give radiographs their groups, making those that are new, inside the caller's transaction.

    Args:
        wanted: Group keys by radiograph; none of the radiographs belongs to another group.

    Returns:
        The groups by key.
    """
    keys = set(wanted.values())
    SplitGroup.objects.bulk_create(
        [SplitGroup(key=key, side=side_of(key)) for key in sorted(keys)], ignore_conflicts=True
    )
    groups = {group.key: group for group in SplitGroup.objects.filter(key__in=keys)}
    SplitMembership.objects.bulk_create(
        [SplitMembership(radiograph_id=radiograph, group=groups[key]) for radiograph, key in wanted.items()],
        ignore_conflicts=True,
    )
    return groups
