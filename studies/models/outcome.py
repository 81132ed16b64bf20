"""What follows from a reading: a critical finding that somebody has to hear of, and judgements that differ."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Q

from bonefrac.db import Row, one_of
from inference.models import Prediction
from studies.models.review import Review
from studies.models.study import Study
from studies.terms import Channel, DivergenceKind


class CriticalFinding(Row):
    """A finding that somebody who treats has to hear of in time; open until it is acknowledged or withdrawn."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="critical_findings")
    review = models.OneToOneField(Review, on_delete=models.PROTECT, related_name="critical_finding")
    raised_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    raised_at = models.DateTimeField(db_default=TransactionNow())
    due_at = models.DateTimeField(help_text="acknowledged until then, else the leads of the site are told")
    escalated_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=120, blank=True, default="", help_text="who acknowledged, by name")
    acknowledged_through = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", help_text="who recorded it"
    )
    acknowledged_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True, help_text="the reading that raised it was undone or amended")

    class Meta:
        ordering = ["raised_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True, acknowledged_through__isnull=True, acknowledged_by="")
                | (Q(acknowledged_at__isnull=False, acknowledged_through__isnull=False) & ~Q(acknowledged_by="")),
                name="critical_acknowledged_whole",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(acknowledged_at__isnull=True, withdrawn_at__isnull=True),
                name="critical_open",
            ),
        ]

    def __str__(self) -> str:
        return f"critical finding of {self.study_id}"


class Communication(Row):
    """One attempt to pass a critical finding on: to whom, when, how; append-only."""

    critical_finding = models.ForeignKey(CriticalFinding, on_delete=models.PROTECT, related_name="communications")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    whom = models.CharField(max_length=120)
    channel = models.CharField(max_length=16, choices=Channel.choices)
    note = models.CharField(max_length=500, blank=True, default="")
    told_at = models.DateTimeField(help_text="when the person was told, as recorded")
    at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            one_of("channel", Channel, "communication_channel"),
            models.CheckConstraint(condition=~Q(whom=""), name="communication_names_whom"),
        ]

    def __str__(self) -> str:
        return f"communication of {self.critical_finding_id}"


class Divergence(Row):
    """Two judgements of one round of a study that differ, for a lead to look at once.

    ``review`` is the judgement that came later or is final; it differs from ``other`` or from ``prediction``.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="divergences")
    kind = models.CharField(max_length=24, choices=DivergenceKind.choices)
    round = models.PositiveSmallIntegerField()
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="+")
    other = models.ForeignKey(Review, null=True, on_delete=models.PROTECT, related_name="+")
    prediction = models.ForeignKey(Prediction, null=True, on_delete=models.PROTECT, related_name="+")
    found_at = models.DateTimeField(db_default=TransactionNow())
    looked_at = models.DateTimeField(null=True)
    looked_at_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    remark = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ["-found_at", "-id"]
        constraints = [
            one_of("kind", DivergenceKind, "divergence_kind"),
            models.UniqueConstraint(
                fields=["kind", "review", "other", "prediction"], nulls_distinct=False, name="divergence_found_once"
            ),
            models.CheckConstraint(
                condition=Q(other__isnull=False, prediction__isnull=True)
                | Q(other__isnull=True, prediction__isnull=False),
                name="divergence_from_one",
            ),
            models.CheckConstraint(
                condition=Q(looked_at__isnull=True, looked_at_by__isnull=True)
                | Q(looked_at__isnull=False, looked_at_by__isnull=False),
                name="divergence_looked_at_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.study_id}"
