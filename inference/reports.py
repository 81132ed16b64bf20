"""Reads the report page of a registered model from its artifact."""

from __future__ import annotations

from django.utils.translation import gettext as _

from bonefrac.errors import Unavailable
from inference.models import ModelVersion
from inference.places import artifact_folder


def report_page(version: ModelVersion) -> bytes:
    """Return a model's report.html; raise ``Unavailable`` where the store cannot be read."""
    try:
        return (artifact_folder(version) / "report.html").read_bytes()
    except OSError as error:
        raise Unavailable(_("The report cannot be read now: the store of models is not there.")) from error
