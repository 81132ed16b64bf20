"""The study, its images and the problems that readers report."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Cast, Right

from bonefrac.accounts.models import Site
from bonefrac.db import Row, one_of
from inference.models import Radiograph
from studies.lengths import size_in_words
from studies.states import AgeBand, AIState, BodyPart, Fact, Rank, Sex, Side, StudyStatus

#: Words as they are written: questions come in any language, and many are no sentences.
SEARCH_CONFIG: Final = "simple"
_CHILD, _OLDER = 16 * 12, 65 * 12
_OPEN = Q(status="AWAITING")


def band_of_age() -> Case:
    """Return the ``AgeBand`` of a study as an expression; the same is in the indexes of lists."""
    return Case(
        When(age_months__lt=_CHILD, then=Value(AgeBand.CHILD.value)),
        When(age_months__lt=_OLDER, then=Value(AgeBand.ADULT.value)),
        When(age_months__gte=_OLDER, then=Value(AgeBand.OLDER.value)),
        default=Value(AgeBand.UNKNOWN.value),
        output_field=models.TextField(),
    )


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
    ai_state = models.CharField(
        max_length=16, choices=AIState.choices, default=AIState.UNKNOWN, db_default=AIState.UNKNOWN.value,
        help_text="what the AI said when the study was ranked last; unknown where its site reads blind first",
    )  # fmt: skip
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
            one_of("ai_state", AIState, "study_ai_state"),
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
            # A filter of a list has two: beside the order of the open list, and beside the newest of any other.
            *(
                index
                for name, field in (("part", "body_part"), ("side", "side"), ("ai", "ai_state"))
                for index in (
                    models.Index(
                        fields=["site", field, "rank", "received_at", "id"],
                        condition=_OPEN,
                        name=f"study_open_by_{name}",
                    ),
                    models.Index(fields=["site", "status", field, "-received_at", "-id"], name=f"study_by_{name}"),
                )
            ),
            models.Index(
                F("site"),
                band_of_age(),
                F("rank"),
                F("received_at"),
                F("id"),
                condition=_OPEN,
                name="study_open_by_band",
            ),
            models.Index(
                F("site"), F("status"), band_of_age(), F("received_at").desc(), F("id").desc(), name="study_by_band"
            ),
            models.Index(
                fields=["site", "rank", "received_at", "id"], condition=_OPEN & Q(urgent=True), name="study_open_urgent"
            ),
            models.Index(
                fields=["site", "status", "-received_at", "-id"], condition=Q(urgent=True), name="study_urgent"
            ),
            models.Index(
                fields=["site", "rank", "received_at", "id"],
                condition=_OPEN & Q(readings_required__gt=1),
                name="study_open_shared",
            ),
            GinIndex(SearchVector("question", config=SEARCH_CONFIG), name="study_words", fastupdate=False),
            models.Index(
                Right(Cast("id", models.TextField()), 8),
                condition=Q(patient_key__isnull=True),
                name="study_by_short_id",
            ),
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
