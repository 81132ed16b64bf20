"""What a person has to be told about a study that they read, hold or sent."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Q

from bonefrac.db import Row, one_of
from studies.models.review import Review
from studies.models.study import Study
from studies.states import NoticeKind


class Notice(Row):
    """One sentence to one person; nothing of it changes but that it was seen or mailed, once each.

    ``due_at`` is from when on it is shown: what follows from a signature waits until that can no more be undone.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notices")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=16, choices=NoticeKind.choices)
    sentence = models.CharField(max_length=500)
    made_at = models.DateTimeField(db_default=TransactionNow())
    due_at = models.DateTimeField(db_default=TransactionNow())
    review = models.ForeignKey(
        Review, null=True, on_delete=models.PROTECT, related_name="+", help_text="not shown once this was withdrawn"
    )
    seen_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-made_at", "-id"]
        constraints = [one_of("kind", NoticeKind, "notice_kind")]
        indexes = [
            models.Index(fields=["person", "-made_at", "-id"], name="notice_by_person"),
            models.Index(fields=["person"], condition=Q(seen_at__isnull=True), name="notice_unseen"),
            models.Index(fields=["due_at"], condition=Q(mailed_at__isnull=True), name="notice_unmailed"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.study_id} to {self.person_id}"
