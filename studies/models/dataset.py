"""Frozen datasets, and the groups that never change their side of a split."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import models

from bonefrac.accounts.models import Site
from bonefrac.db import Row, one_of
from inference.models import Prediction, Radiograph
from studies.models.review import Review
from studies.models.study import StudyImage
from studies.states import Agreement, ImageLabel, Phase, ReviewState, Split, Verdict


class SplitGroup(Row):
    """A patient, or a study without one: it gets its side once and for ever."""

    key = models.CharField(max_length=64, unique=True)
    side = models.CharField(max_length=8, choices=Split.choices)

    class Meta:
        constraints = [one_of("side", Split, "split_group_side")]

    def __str__(self) -> str:
        return f"{self.key[:8]} {self.side}"


class SplitMembership(Row):
    """A radiograph's group; pixels belong to one group for ever."""

    radiograph = models.OneToOneField(Radiograph, on_delete=models.PROTECT, related_name="split_membership")
    group = models.ForeignKey(SplitGroup, on_delete=models.PROTECT, related_name="members")

    def __str__(self) -> str:
        return f"{self.radiograph_id} in {self.group_id}"


class Dataset(Row):
    """A frozen set of labels: its digest covers every item, and nothing in it ever changes."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="datasets")
    name = models.CharField(max_length=120, unique=True)
    frozen_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    frozen_at = models.DateTimeField(db_default=TransactionNow())
    digest = models.CharField(max_length=64)
    criteria = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)

    class Meta:
        ordering = ["-frozen_at", "-id"]

    def __str__(self) -> str:
        return self.name


class DatasetItem(Row):
    """One labelled image of a frozen dataset, with how it came to its label."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="items")
    study_image = models.ForeignKey(StudyImage, on_delete=models.PROTECT, related_name="dataset_items")
    radiograph = models.ForeignKey(Radiograph, on_delete=models.PROTECT, related_name="dataset_items")
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="dataset_items")
    prediction = models.ForeignKey(Prediction, null=True, on_delete=models.PROTECT, related_name="dataset_items")
    study_verdict = models.CharField(max_length=16, choices=Verdict.choices)
    image_label = models.CharField(max_length=20, choices=ImageLabel.choices)
    review_state = models.CharField(max_length=32, choices=ReviewState.choices)
    phase = models.CharField(max_length=32, choices=Phase.choices)
    agreement = models.CharField(max_length=16, choices=Agreement.choices)
    group = models.ForeignKey(SplitGroup, on_delete=models.PROTECT, related_name="dataset_items")
    split = models.CharField(max_length=8, choices=Split.choices)

    class Meta:
        ordering = ["dataset", "study_image"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "radiograph"], name="dataset_item_once"),
            one_of("study_verdict", Verdict, "dataset_item_verdict"),
            one_of("image_label", ImageLabel, "dataset_item_label"),
            one_of("review_state", ReviewState, "dataset_item_review_state"),
            one_of("phase", Phase, "dataset_item_phase"),
            one_of("agreement", Agreement, "dataset_item_agreement"),
            one_of("split", Split, "dataset_item_split"),
        ]

    def __str__(self) -> str:
        return f"{self.image_label} in {self.dataset_id}"
