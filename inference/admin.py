"""Rows of inference for the admin site, to read only: they are evidence, and verbs change what may change."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from inference.models import ModelVersion, Prediction, PredictionJob, Radiograph, Rendition


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows rows; adds, changes and deletes none, and counts none."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Nothing is added here."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        """Nothing is changed here."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        """Nothing is deleted here."""
        return False


@admin.register(Radiograph)
class RadiographAdmin(ReadOnlyAdmin):
    """Stored radiographs."""

    list_display = ("id", "rows", "columns", "bits_stored", "transfer_syntax", "created_at")


@admin.register(Rendition)
class RenditionAdmin(ReadOnlyAdmin):
    """Pictures that models read and lists show."""

    list_display = ("id", "radiograph_id", "preprocessing_digest", "created_at")


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    """Registered models."""

    list_display = ("__str__", "task", "status", "artifact_sha256", "registered_at", "activated_at")
    list_filter = ("task", "status")


@admin.register(PredictionJob)
class PredictionJobAdmin(ReadOnlyAdmin):
    """Prediction jobs."""

    list_display = ("id", "radiograph_id", "model_version_id", "status", "attempt", "error_code", "requested_at")
    list_filter = ("status",)


@admin.register(Prediction)
class PredictionAdmin(ReadOnlyAdmin):
    """The fact that a model spoke. What it said is left out: the admin site knows no blind reading."""

    list_display = ("id", "radiograph_id", "model_version_id", "milliseconds", "created_at")
    fields = ("radiograph", "model_version", "job", "milliseconds", "created_at")
