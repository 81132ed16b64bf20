"""Rows of inference for the admin site, to read only: they are evidence, and verbs change what may change."""

from __future__ import annotations

from django.contrib import admin

from bonefrac.admin import ReadOnlyAdmin
from inference.models import ModelVersion, Prediction, PredictionJob, Radiograph, Rendition


@admin.register(Radiograph)
class RadiographAdmin(ReadOnlyAdmin[Radiograph]):
    """Stored radiographs."""

    list_display = ("id", "rows", "columns", "bits_stored", "transfer_syntax", "created_at")


@admin.register(Rendition)
class RenditionAdmin(ReadOnlyAdmin[Rendition]):
    """Pictures that models read and lists show."""

    list_display = ("id", "radiograph_id", "preprocessing_digest", "created_at")


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin[ModelVersion]):
    """Registered models."""

    list_display = ("__str__", "task", "status", "artifact_sha256", "registered_at", "activated_at")
    list_filter = ("task", "status")


@admin.register(PredictionJob)
class PredictionJobAdmin(ReadOnlyAdmin[PredictionJob]):
    """Prediction jobs."""

    list_display = ("id", "radiograph_id", "model_version_id", "status", "attempt", "error_code", "requested_at")
    list_filter = ("status",)


@admin.register(Prediction)
class PredictionAdmin(ReadOnlyAdmin[Prediction]):
    """The fact that a model spoke. What it said is left out: the admin site knows no blind reading."""

    list_display = ("id", "radiograph_id", "model_version_id", "milliseconds", "created_at")
    fields = ("radiograph", "model_version", "job", "milliseconds", "created_at")
