"""Tables of pixels, models, jobs and predictions. Nothing here knows a study, a site or a person."""

from __future__ import annotations

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Q

from bonefrac.db import Row, one_of
from inference.states import LIVE, JobStatus, MapKind, ModelStatus, PredictionState, Task, UsePurpose, Verdict


class Radiograph(Row):
    """One encoded frame with every attribute that decides its grey levels; insert-only.

    ``pixel_digest`` covers the decoded values, every such attribute and the decoder; ``pixel_key`` is the owner's
    HMAC of it, opaque here. ``frame`` is a key of the store ``frames``.
    """

    pixel_key = models.CharField(max_length=64, unique=True)
    pixel_digest = models.CharField(max_length=64, db_index=True)
    frame = models.CharField(max_length=64)
    frame_bytes = models.PositiveBigIntegerField()
    transfer_syntax = models.CharField(max_length=64)
    decoder = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    columns = models.PositiveIntegerField()
    photometric_interpretation = models.CharField(max_length=16)
    bits_allocated = models.PositiveSmallIntegerField()
    bits_stored = models.PositiveSmallIntegerField()
    is_signed = models.BooleanField(default=False)
    grey = models.JSONField(default=dict, help_text="rescale, windows, lookup tables and pixel aspect, as in DICOM")
    facts = models.JSONField(default=dict, help_text="what a model's scope asks: modality, body part, age, colour")
    created_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(rows__gt=0, columns__gt=0), name="radiograph_has_pixels"),
            models.CheckConstraint(
                condition=Q(photometric_interpretation__in=["MONOCHROME1", "MONOCHROME2"]),
                name="radiograph_photometric_interpretation",
            ),
        ]

    def __str__(self) -> str:
        return f"radiograph {self.id} {self.columns}×{self.rows}"


class Rendition(Row):
    """What a model reads, or a list shows, of a radiograph: a lossless 8-bit picture in the store ``renditions``."""

    radiograph = models.ForeignKey(Radiograph, on_delete=models.PROTECT, related_name="renditions")
    preprocessing_digest = models.CharField(max_length=64)
    file = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["radiograph", "preprocessing_digest"], name="rendition_once"),
        ]

    def __str__(self) -> str:
        return f"rendition of {self.radiograph_id}"


class ModelVersion(Row):
    """One registered artifact; at most one is active per task."""

    task = models.CharField(max_length=16, choices=Task.choices)
    name = models.CharField(max_length=80)
    version = models.PositiveIntegerField()
    artifact_sha256 = models.CharField(max_length=64, unique=True)
    artifact_path = models.CharField(max_length=500)
    status = models.CharField(max_length=16, choices=ModelStatus.choices, default=ModelStatus.CANDIDATE)
    preprocessing = models.JSONField()
    preprocessing_digest = models.CharField(max_length=64)
    temperature = models.FloatField()
    operating_points = models.JSONField(
        null=True, help_text="lower and upper calibrated probability of a fracture; null where a model names classes"
    )
    map_kind = models.CharField(max_length=16, choices=MapKind.choices, default=MapKind.ACTIVATION)
    scope = models.JSONField()
    report = models.JSONField()
    card = models.TextField()
    dataset_digest = models.CharField(max_length=64, blank=True, default="")
    registered_at = models.DateTimeField(db_default=TransactionNow())
    activated_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["task", "name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="model_version_name"),
            models.UniqueConstraint(
                fields=["task"], condition=Q(status=ModelStatus.ACTIVE), name="one_active_per_task"
            ),
            one_of("status", ModelStatus, "model_version_status"),
            one_of("task", Task, "model_version_task"),
            one_of("map_kind", MapKind, "model_version_map_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class GateVerdict(Row):
    """What the gate answered about a candidate at some time; append-only. Who asked is in the audit trail."""

    candidate = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="gate_verdicts")
    active = models.ForeignKey(
        ModelVersion,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="the model that served then; null where none did and absolute floors were asked for",
    )
    verdict = models.CharField(max_length=24, choices=Verdict.choices)
    report = models.JSONField(help_text="every check with its numbers, as training.comparison tells them")
    items_digest = models.CharField(max_length=64, help_text="of the images that both models were judged on")
    images = models.PositiveIntegerField()
    positives = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [one_of("verdict", Verdict, "gate_verdict_verdict")]

    def __str__(self) -> str:
        return f"{self.verdict} for {self.candidate_id}"


class UseOfTest(Row):
    """One look at a test set: the more often it is looked at, the less it proves; append-only."""

    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="test_uses")
    items_digest = models.CharField(max_length=64, db_index=True, help_text="of the images of the test set")
    images = models.PositiveIntegerField()
    purpose = models.CharField(max_length=16, choices=UsePurpose.choices)
    created_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints = [one_of("purpose", UsePurpose, "test_use_purpose")]

    def __str__(self) -> str:
        return f"test set {self.items_digest[:12]} for {self.model_version_id}"


class PredictionJob(Row):
    """A prediction that somebody asked for: the row is the queue."""

    radiograph = models.ForeignKey(Radiograph, on_delete=models.PROTECT, related_name="jobs")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="jobs")
    status = models.CharField(max_length=16, choices=JobStatus.choices, default=JobStatus.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(db_default=TransactionNow())
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_detail = models.TextField(blank=True, default="")
    requested_at = models.DateTimeField(db_default=TransactionNow())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["radiograph", "model_version"], condition=Q(status__in=LIVE), name="one_live_job"
            ),
            models.CheckConstraint(
                condition=Q(status=JobStatus.RUNNING, lease_until__isnull=False)
                | (~Q(status=JobStatus.RUNNING) & Q(lease_until__isnull=True)),
                name="lease_iff_running",
            ),
            models.CheckConstraint(
                condition=(Q(status=JobStatus.FAILED) & ~Q(error_code=""))
                | (~Q(status=JobStatus.FAILED) & Q(error_code="")),
                name="error_iff_failed",
            ),
            one_of("status", JobStatus, "prediction_job_status"),
        ]
        indexes = [
            models.Index(
                fields=["model_version", "not_before", "id"], condition=Q(status="QUEUED"), name="job_waiting"
            ),
            models.Index(fields=["lease_until"], condition=Q(status="RUNNING"), name="job_leased"),
            models.Index(fields=["-finished_at", "-id"], condition=Q(status="FAILED"), name="job_failed"),
            models.Index(fields=["-requested_at", "-id"], name="job_by_time"),
        ]

    def __str__(self) -> str:
        return f"job {self.id} {self.status}"


class Prediction(Row):
    """What one model version said of one radiograph; append-only, at most one for each pair."""

    radiograph = models.ForeignKey(Radiograph, on_delete=models.PROTECT, related_name="predictions")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="predictions")
    job = models.OneToOneField(PredictionJob, on_delete=models.PROTECT, related_name="prediction")
    state = models.CharField(max_length=16, choices=PredictionState.choices)
    reason_code = models.CharField(max_length=64, blank=True, default="")
    reason = models.CharField(max_length=300, blank=True, default="")
    logit = models.FloatField(null=True)
    probability = models.FloatField(null=True, help_text="calibrated, of a fracture on this image, or of the label")
    label = models.CharField(
        max_length=40, blank=True, default="", help_text="the most probable class of a model that names classes"
    )
    probabilities = models.JSONField(
        default=list, blank=True, help_text="pairs of class and calibrated probability, the highest first"
    )
    caution = models.CharField(
        max_length=300, blank=True, default="", help_text="what a reader must know beside the score"
    )
    heat_map = models.CharField(max_length=64, blank=True, default="", help_text="a key of the store maps")
    content_box = models.JSONField(
        null=True, help_text="x0, y0, x1, y1: the part of the map that covers the radiograph"
    )
    regions = models.JSONField(default=list, help_text="boxes x0, y0, x1, y1 in fractions of the radiograph")
    milliseconds = models.FloatField()
    created_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["radiograph", "model_version"], name="prediction_once"),
            one_of("state", PredictionState, "prediction_state"),
            models.CheckConstraint(
                condition=Q(state=PredictionState.NOT_ASSESSED, probability__isnull=True, heat_map="")
                & ~Q(reason_code="")
                | ~Q(state=PredictionState.NOT_ASSESSED) & Q(probability__isnull=False, reason_code=""),
                name="prediction_speaks_or_gives_reason",
            ),
            models.CheckConstraint(
                condition=Q(state=PredictionState.CLASSIFIED) & ~Q(label="") & ~Q(probabilities=[])
                | ~Q(state=PredictionState.CLASSIFIED) & Q(label="", probabilities=[]),
                name="prediction_label_iff_classified",
            ),
        ]

    def __str__(self) -> str:
        return f"prediction {self.state} of {self.radiograph_id}"
