"""What people signed, and what AI output they had been shown. Insert-only, every table."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Q

from bonefrac.db import Row, one_of
from inference.models import Prediction
from studies.models.study import Study, StudyImage
from studies.states import (
    Confidence,
    ImageVerdict,
    NotAssessableReason,
    ReviewKind,
    ReviewMode,
    Side,
    StudyEvent,
    Verdict,
)
from studies.terms import Advice, OtherFinding, Shape


class Review(Row):
    """One signed judgement of one study; a correction is a new row that supersedes one old row.

    A withdrawal is such a row too: its reader took the reading back within seconds of signing, and it counts no more.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="reviews")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    kind = models.CharField(max_length=16, choices=ReviewKind.choices, default=ReviewKind.READING)
    mode = models.CharField(max_length=16, choices=ReviewMode.choices)
    round = models.PositiveSmallIntegerField()
    verdict = models.CharField(max_length=16, choices=Verdict.choices)
    not_assessable_reason = models.CharField(max_length=16, choices=NotAssessableReason.choices, blank=True, default="")
    confidence = models.CharField(max_length=16, choices=Confidence.choices, blank=True, default="")
    other_findings = ArrayField(models.CharField(max_length=24, choices=OtherFinding.choices), default=list)
    has_cast_or_hardware = models.BooleanField(default=False)
    advice = ArrayField(models.CharField(max_length=24, choices=Advice.choices), default=list)
    is_critical = models.BooleanField(default=False, help_text="somebody who treats has to hear of it in time")
    agreed_with_model = models.BooleanField(
        default=False, help_text="confirmed by the one key that takes the AI's word"
    )
    is_withdrawal = models.BooleanField(default=False, help_text="its reader undid what it supersedes")
    note = models.CharField(max_length=2000, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="", help_text="why it supersedes an earlier review")
    supersedes = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="superseded_by")
    opened_at = models.DateTimeField()
    signed_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        ordering = ["signed_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["study", "reader", "kind", "mode", "round"],
                condition=Q(supersedes__isnull=True),
                name="one_root_review",
            ),
            one_of("kind", ReviewKind, "review_kind"),
            one_of("mode", ReviewMode, "review_mode"),
            one_of("verdict", Verdict, "review_verdict"),
            models.CheckConstraint(
                condition=(Q(verdict=Verdict.NOT_ASSESSABLE) & ~Q(not_assessable_reason=""))
                | (~Q(verdict=Verdict.NOT_ASSESSABLE) & Q(not_assessable_reason="")),
                name="reason_iff_not_assessable",
            ),
            models.CheckConstraint(
                condition=Q(other_findings__contained_by=OtherFinding.values), name="review_other_findings"
            ),
            models.CheckConstraint(condition=Q(advice__contained_by=Advice.values), name="review_advice"),
            models.CheckConstraint(
                condition=Q(is_withdrawal=False) | Q(supersedes__isnull=False), name="withdrawal_supersedes"
            ),
        ]
        indexes = [models.Index(fields=["reader", "-signed_at", "-id"], name="review_by_reader")]

    def __str__(self) -> str:
        return f"review {self.verdict} of {self.study_id}"


class ImageReading(Row):
    """What a review says of one image; an image without one is unmarked."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="image_readings")
    study_image = models.ForeignKey(StudyImage, on_delete=models.PROTECT, related_name="readings")
    verdict = models.CharField(max_length=20, choices=ImageVerdict.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["review", "study_image"], name="one_reading_per_image"),
            one_of("verdict", ImageVerdict, "image_reading_verdict"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} on {self.study_image_id}"


class Finding(Row):
    """A fracture on an image: a box (left, top, width, height) or a point (no extent), in pixels of the radiograph."""

    image_reading = models.ForeignKey(ImageReading, on_delete=models.PROTECT, related_name="findings")
    bone = models.CharField(max_length=64, blank=True, default="")
    type = models.CharField(max_length=64, blank=True, default="")
    side = models.CharField(max_length=16, choices=Side.choices, default=Side.UNKNOWN)
    confidence = models.CharField(max_length=16, choices=Confidence.choices, blank=True, default="")
    shape = models.CharField(max_length=8, choices=Shape.choices, default=Shape.BOX)
    x = models.FloatField()
    y = models.FloatField()
    width = models.FloatField()
    height = models.FloatField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(shape=Shape.BOX, x__gte=0, y__gte=0, width__gt=0, height__gt=0)
                | Q(shape=Shape.POINT, x__gte=0, y__gte=0, width=0, height=0),
                name="finding_box_has_area",
            ),
        ]

    def __str__(self) -> str:
        return f"finding on {self.image_reading_id}"


class UnlocatedFinding(Row):
    """A fracture that a review names without drawing it."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="unlocated_findings")
    bone = models.CharField(max_length=64, blank=True, default="")
    type = models.CharField(max_length=64, blank=True, default="")
    side = models.CharField(max_length=16, choices=Side.choices, default=Side.UNKNOWN)
    confidence = models.CharField(max_length=16, choices=Confidence.choices, blank=True, default="")

    def __str__(self) -> str:
        return f"finding of {self.review_id}"


class Disclosure(Row):
    """The fact that a person was shown a prediction of a study; written by the only selector that hands one out."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="disclosures")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    prediction = models.ForeignKey(Prediction, on_delete=models.PROTECT, related_name="+")
    round = models.PositiveSmallIntegerField()
    at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "reader", "prediction", "round"], name="disclosed_once"),
        ]

    def __str__(self) -> str:
        return f"disclosure of {self.prediction_id} to {self.reader_id}"


class Decision(Row):
    """A lead's decision to reopen or void a study, with its reason; append-only."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="decisions")
    lead = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    event = models.CharField(max_length=16, choices=StudyEvent.choices)
    round = models.PositiveSmallIntegerField(help_text="the round that the decision began or ended")
    reason = models.CharField(max_length=500)
    at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            one_of("event", StudyEvent, "decision_event"),
            models.CheckConstraint(condition=~Q(reason=""), name="decision_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.event} of {self.study_id}"
