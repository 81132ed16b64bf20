"""The app's place in Django."""

from django.apps import AppConfig


class InferenceConfig(AppConfig):
    """Radiographs, models, jobs, predictions."""

    name = "inference"
    verbose_name = "Inference"
