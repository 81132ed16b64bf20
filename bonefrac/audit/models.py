"""The audit event: one row per study opened, list answered or thing changed."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import models

from bonefrac.db import Row, one_of


class Verb(models.TextChoices):
    """Everything that is recorded, in the past tense of what was done."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    SESSION_LOCKED = "session_locked"
    TOKEN_ISSUED = "token_issued"
    TOKEN_REVOKED = "token_revoked"
    SITE_MADE = "site_made"
    SITE_CHANGED = "site_changed"
    PERSON_INVITED = "person_invited"
    PERSON_DEACTIVATED = "person_deactivated"
    PERSON_REACTIVATED = "person_reactivated"
    ROLE_GRANTED = "role_granted"
    ROLE_REVOKED = "role_revoked"
    PASSWORD_RESET_ISSUED = "password_reset_issued"
    PASSWORD_SET = "password_set"
    FILE_RECEIVED = "file_received"
    FILE_JUDGED = "file_judged"
    FILE_RELEASED = "file_released"
    FILE_TAKEN_ON = "file_taken_on"
    TEXT_CLEARED = "text_cleared"
    REGION_MASKED = "region_masked"
    IDENTITY_VIEWED = "identity_viewed"
    ORIGINAL_VIEWED = "original_viewed"
    ORIGINAL_DROPPED = "original_dropped"
    ARCHIVE_OPENED = "archive_opened"
    DEVICE_ADDED = "device_added"
    DEVICE_CHANGED = "device_changed"
    STUDY_MADE = "study_made"
    IMAGE_ADDED = "image_added"
    IMAGE_MOVED = "image_moved"
    STUDY_SPLIT = "study_split"
    STUDY_MERGED = "study_merged"
    STUDY_OPENED = "study_opened"
    LIST_SHOWN = "list_shown"
    STUDY_CLAIMED = "study_claimed"
    STUDY_HANDED_BACK = "study_handed_back"
    CLAIM_LAPSED = "claim_lapsed"
    AI_DISCLOSED = "ai_disclosed"
    REVIEW_SIGNED = "review_signed"
    REVIEW_AMENDED = "review_amended"
    REVIEW_WITHDRAWN = "review_withdrawn"
    STUDY_ADJUDICATED = "study_adjudicated"
    STUDY_SKIPPED = "study_skipped"
    CRITICAL_RAISED = "critical_raised"
    CRITICAL_COMMUNICATED = "critical_communicated"
    CRITICAL_ACKNOWLEDGED = "critical_acknowledged"
    CRITICAL_ESCALATED = "critical_escalated"
    DIVERGENCE_LOOKED_AT = "divergence_looked_at"
    TRIAGE_CHANGED = "triage_changed"
    STUDY_REOPENED = "study_reopened"
    STUDY_VOIDED = "study_voided"
    STUDY_RESTORED = "study_restored"
    PROBLEM_REPORTED = "problem_reported"
    PROBLEM_SETTLED = "problem_settled"
    DATASET_FROZEN = "dataset_frozen"
    DATASET_EXPORTED = "dataset_exported"
    MODEL_REGISTERED = "model_registered"
    MODEL_GATED = "model_gated"
    MODEL_PROMOTED = "model_promoted"
    MODEL_PROMOTED_AGAINST_GATE = "model_promoted_against_gate"
    MODEL_ROLLED_BACK = "model_rolled_back"
    MODEL_RETIRED = "model_retired"
    MODEL_SHADOWED = "model_shadowed"
    MODEL_SHADOW_ENDED = "model_shadow_ended"
    MODEL_REJECTED = "model_rejected"
    PREDICTION_REQUESTED = "prediction_requested"
    PREDICTION_STORED = "prediction_stored"
    PREDICTION_FAILED = "prediction_failed"
    BACKUP_MADE = "backup_made"
    BACKUP_RESTORED = "backup_restored"


def in_words(verb: str) -> str:
    """Return a verb as people read it: ``ai_disclosed`` becomes "AI disclosed"."""
    words = verb.replace("_", " ")
    return "AI" + words[2:] if words.startswith("ai ") else words


class AuditEvent(Row):
    """Who (null: the system) did what to which thing, at which site (null: none), in which request; append-only."""

    occurred_at = models.DateTimeField(db_default=TransactionNow())
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    verb = models.CharField(max_length=32, choices=Verb.choices)
    target_type = models.CharField(max_length=32)
    target_id = models.CharField(max_length=64)
    site = models.ForeignKey("accounts.Site", null=True, on_delete=models.PROTECT, related_name="+")
    request_id = models.CharField(max_length=64, blank=True, default="")
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["-occurred_at", "-id"]
        indexes = [
            models.Index(fields=["target_type", "target_id", "occurred_at"], name="audit_by_target"),
            models.Index(fields=["occurred_at", "id"], name="audit_by_time"),
            models.Index(fields=["site", "occurred_at", "id"], name="audit_by_site"),
            models.Index(fields=["actor", "occurred_at", "id"], name="audit_by_actor"),
        ]
        constraints = [one_of("verb", Verb, "audit_verb")]

    def __str__(self) -> str:
        return f"{self.occurred_at:%Y-%m-%d %H:%M:%S} {self.verb} {self.target_type} {self.target_id}"

    @property
    def words(self) -> str:
        """What was done, as people read it."""
        return in_words(self.verb)

    @property
    def details(self) -> list[tuple[str, str]]:
        """What else is known, by name; of a list its length, since the whole is in the row and in the API."""
        return [(name, str(len(value)) if isinstance(value, list) else str(value)) for name, value in self.data.items()]
