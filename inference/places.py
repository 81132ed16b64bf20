"""Where artifacts lie: those that ship with the platform, and those that were registered."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from django.conf import settings

from inference.models import ModelVersion

SHIPPED: Final = Path(__file__).resolve().parent / "shipped"


def models_root() -> Path:
    """Return the folder of registered artifacts, one folder each, named by the artifact's digest."""
    return Path(settings.STORES_ROOT) / "models"


def artifact_folder(version: ModelVersion) -> Path:
    """Return a registered artifact's folder. Rows hold a path relative to the stores, so that those can be moved."""
    return Path(settings.STORES_ROOT) / version.artifact_path


def shipped() -> list[Path]:
    """Return the folders of the artifacts that ship with the platform."""
    return sorted(folder.parent for folder in SHIPPED.glob("*/SHA256SUMS"))
