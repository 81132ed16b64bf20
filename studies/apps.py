"""The app's place in Django."""

from django.apps import AppConfig


class StudiesConfig(AppConfig):
    """Studies, reviews, datasets."""

    name = "studies"
    verbose_name = "Studies"
