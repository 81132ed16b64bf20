"""What lies on one reader's desk: drafts, keys, saved filters, what they passed over. No other table is overwritten."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import models

from bonefrac.db import Row, one_of
from studies.models.study import Study
from studies.terms import DraftPurpose


class Draft(Row):
    """What somebody has typed and drawn for a study and not signed yet; overwritten, and gone once it is signed.

    ``version`` rises with every saving, so that two tabs do not overwrite each other silently. ``revision`` is the
    study's revision that was looked at.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="drafts")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="drafts")
    purpose = models.CharField(max_length=16, choices=DraftPurpose.choices)
    round = models.PositiveSmallIntegerField()
    revision = models.PositiveIntegerField()
    version = models.PositiveIntegerField(default=1)
    body = models.JSONField(default=dict)
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "reader", "purpose"], name="one_draft"),
            one_of("purpose", DraftPurpose, "draft_purpose"),
        ]
        indexes = [models.Index(fields=["reader", "-saved_at"], name="draft_by_reader")]

    def __str__(self) -> str:
        return f"draft of {self.study_id} by {self.reader_id}"


class KeyBindings(Row):
    """The keys that one person has chosen, by action; what is not named keeps its usual key."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="key_bindings")
    keys = models.JSONField(default=dict)
    saved_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "key bindings"

    def __str__(self) -> str:
        return f"keys of {self.person_id}"


class SavedFilter(Row):
    """A list's filters under a name; ``query`` is the address after the question mark."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters")
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=500)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["person", "name"], name="filter_name_once")]

    def __str__(self) -> str:
        return self.name


class Skip(Row):
    """A reader's passing over of a study in one round: the pool does not hand it to them again. Append-only."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="skips")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="skips")
    round = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=500)
    at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "reader", "round"], name="skipped_once"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="skip_has_reason"),
        ]

    def __str__(self) -> str:
        return f"skip of {self.study_id} by {self.reader_id}"
