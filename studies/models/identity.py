"""Who the patient of a study is, for sites that treat: encrypted, readable by few, every viewing recorded."""

from __future__ import annotations

from django.contrib.postgres.functions import TransactionNow
from django.db import models

from bonefrac.db import Row
from studies.models.study import Study


class Identity(Row):
    """What was removed from a study's headers, encrypted as one; exists at clinical sites only."""

    study = models.OneToOneField(Study, on_delete=models.PROTECT, related_name="identity")
    sealed = models.BinaryField(help_text="the fields of studies.dicom.headers.IDENTITY, as encrypted JSON")
    kept_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        verbose_name_plural = "identities"

    def __str__(self) -> str:
        return f"identity of {self.study_id}"
