"""The study, its images and the problems that readers report."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Q

from bonefrac.accounts.models import Site
from bonefrac.db import Row, one_of
from inference.models import Radiograph
from studies.lengths import size_in_words
from studies.states import BodyPart, Fact, Rank, Sex, Side, StudyStatus


class Study(Row):
    """One examination of one patient at one site: the unit that people read.

    ``patient_key`` is an HMAC; empty means unknown and the study is its own group. ``revision`` rises when content or
    verdicts change, not with claims or predictions. ``ready_at`` is when it is listed.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="studies")
    uploader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="uploaded_studies")
    study_uid = models.CharField(max_length=64)
    accession = models.CharField(max_length=64, null=True, blank=True, db_index=True)  # noqa: DJ001 null: absent, not empty
    patient_key = models.CharField(max_length=64, null=True, blank=True, db_index=True)  # noqa: DJ001 null: unknown
    body_part = models.CharField(max_length=16, choices=BodyPart.choices, default=BodyPart.UNKNOWN)
    side = models.CharField(max_length=16, choices=Side.choices, default=Side.UNKNOWN)
    age_months = models.PositiveSmallIntegerField(null=True, help_text="at most 1080: 90 years and more are one")
    sex = models.CharField(max_length=8, choices=Sex.choices, default=Sex.UNKNOWN)
    question = models.CharField(max_length=500, blank=True, default="")
    urgent = models.BooleanField(default=False)
    status = models.CharField(max_length=16, choices=StudyStatus.choices, default=StudyStatus.AWAITING)
    round = models.PositiveSmallIntegerField(default=1)
    rank = models.PositiveSmallIntegerField(choices=Rank.choices, default=Rank.UNCERTAIN)
    readings_required = models.PositiveSmallIntegerField(default=1)
    revision = models.PositiveIntegerField(default=1)
    has_problem = models.BooleanField(default=False, help_text="out of the pool until a lead settles it")
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="claimed_studies"
    )
    claimed_until = models.DateTimeField(null=True)
    received_at = models.DateTimeField(db_default=TransactionNow())
    ready_at = models.DateTimeField(help_text="listed from then on: complete, or after a time of quiet")
    merged_into = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="+", help_text="where its later images go"
    )

    class Meta:
        verbose_name_plural = "studies"
        constraints = [
            models.UniqueConstraint(fields=["site", "study_uid"], name="study_once_per_site"),
            one_of("status", StudyStatus, "study_status"),
            one_of("body_part", BodyPart, "study_body_part"),
            one_of("side", Side, "study_side"),
            one_of("sex", Sex, "study_sex"),
            models.CheckConstraint(condition=Q(rank__in=Rank.values), name="study_rank"),
            models.CheckConstraint(condition=Q(readings_required__range=(1, 3)), name="study_readings_required"),
            models.CheckConstraint(condition=Q(age_months__isnull=True) | Q(age_months__lte=1080), name="study_age"),
            models.CheckConstraint(
                condition=Q(claimed_by__isnull=True, claimed_until__isnull=True)
                | Q(claimed_by__isnull=False, claimed_until__isnull=False),
                name="claim_whole",
            ),
        ]
        indexes = [
            models.Index(
                fields=["site", "rank", "received_at", "id"], condition=Q(status="AWAITING"), name="study_open_by_rank"
            ),
            models.Index(
                fields=["site", "received_at", "id"], condition=Q(status="AWAITING"), name="study_open_by_age"
            ),
            models.Index(fields=["site", "-received_at", "-id"], name="study_by_age"),
            models.Index(fields=["site", "status", "-received_at", "-id"], name="study_by_status"),
            models.Index(
                fields=["site", "-received_at", "-id"], condition=Q(has_problem=True), name="study_with_problem"
            ),
            models.Index(fields=["uploader", "-received_at", "-id"], name="study_by_uploader"),
            models.Index(fields=["claimed_until"], condition=Q(claimed_until__isnull=False), name="study_claimed"),
        ]

    def __str__(self) -> str:
        return f"study {self.id}"


class PresentImages(models.Manager["StudyImage"]):
    """Images that their studies show now; a join through ``images__`` does not pass here and must say it itself."""

    def get_queryset(self) -> models.QuerySet[StudyImage]:
        """Return the images that were not moved away."""
        return super().get_queryset().filter(withdrawn_at__isnull=True)


class StudyImage(Row):
    """One image of a study: it points at pixels the way a tree entry points at a blob.

    An image that a lead moved to another study is a new row there; the old one is withdrawn and stays for what was
    signed and frozen of it. ``objects`` and ``study.images`` know only present ones, ``everything`` all.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="images")
    radiograph = models.ForeignKey(Radiograph, on_delete=models.PROTECT, related_name="study_images")
    position = models.PositiveIntegerField()
    view = models.CharField(max_length=16, blank=True, default="", help_text="view position: AP, PA, LL, ... or empty")
    side = models.CharField(max_length=16, choices=Side.choices, default=Side.UNKNOWN)
    spacing = models.JSONField(null=True, help_text="row and column spacing in mm and its kind: patient or detector")
    sop_instance_uid = models.CharField(max_length=64)
    sop_class_uid = models.CharField(max_length=64)
    header = models.JSONField(default=dict, help_text="the de-identified DICOM header, as DICOM JSON")
    original = models.CharField(max_length=64, blank=True, default="", help_text="a key of the store originals")
    original_kind = models.CharField(max_length=8)
    added_at = models.DateTimeField(db_default=TransactionNow())
    withdrawn_at = models.DateTimeField(null=True, help_text="moved to another study; kept for what was signed")
    moved_from = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="moved_to", help_text="the row that it continues"
    )

    objects = PresentImages()
    everything: models.Manager[StudyImage] = models.Manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["study", "sop_instance_uid"],
                condition=Q(withdrawn_at__isnull=True),
                name="image_once_per_study",
            ),
            models.UniqueConstraint(
                fields=["study", "radiograph"], condition=Q(withdrawn_at__isnull=True), name="radiograph_once_per_study"
            ),
            one_of("side", Side, "image_side"),
        ]
        indexes = [
            models.Index(fields=["added_at"], condition=~Q(original=""), name="image_with_original"),
        ]

    def __str__(self) -> str:
        return f"image {self.position} of {self.study_id}"

    @property
    def size(self) -> str:
        """Width and height in words, with the unit that the file allows."""
        return size_in_words(self.radiograph.rows, self.radiograph.columns, self.spacing)


class Problem(Row):
    """A reader's report that something is wrong with a study, and how a lead settled it."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="problems")
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    sentence = models.CharField(max_length=500)
    reported_at = models.DateTimeField(db_default=TransactionNow())
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    settled_at = models.DateTimeField(null=True)
    settlement = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(settled_by__isnull=True, settled_at__isnull=True)
                | Q(settled_by__isnull=False, settled_at__isnull=False),
                name="problem_settled_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"problem of {self.study_id}"


class Discrepancy(Row):
    """What a header and a person say differently of a study: asked once, answered once by its uploader or a lead.

    ``chosen`` is empty until then. Until it is answered the study carries what the person entered.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="discrepancies")
    fact = models.CharField(max_length=16, choices=Fact.choices)
    header_value = models.CharField(max_length=16)
    entered_value = models.CharField(max_length=16)
    found_at = models.DateTimeField(db_default=TransactionNow())
    chosen = models.CharField(max_length=16, blank=True, default="")
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "discrepancies"
        ordering = ["found_at", "id"]
        constraints = [
            one_of("fact", Fact, "discrepancy_fact"),
            models.UniqueConstraint(
                fields=["study", "fact", "header_value", "entered_value"], name="discrepancy_asked_once"
            ),
            models.CheckConstraint(
                condition=Q(chosen="", answered_by__isnull=True, answered_at__isnull=True)
                | (~Q(chosen="") & Q(answered_by__isnull=False, answered_at__isnull=False)),
                name="discrepancy_answered_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fact} of {self.study_id}: {self.header_value} or {self.entered_value}"
