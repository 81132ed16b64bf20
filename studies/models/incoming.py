"""The durable record of everything that was handed in, and its verdict."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import F, Q

from bonefrac.accounts.models import Site
from bonefrac.db import Row, one_of
from studies.states import FileStatus


class IncomingFile(Row):
    """One file that somebody handed in: its bytes are durable before this row exists.

    ``details`` holds what was entered beside it, the patient code already hashed. ``name`` is the sender's own file
    name, encrypted, for the sender alone, dropped after 30 days. ``sha256`` is the key in the store ``incoming``
    until the file is judged.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="incoming_files")
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="incoming_files")
    batch = models.UUIDField()
    expected_files = models.PositiveIntegerField(default=0, help_text="files in the batch, 0 while unknown")
    position = models.PositiveIntegerField(default=0)
    name = models.BinaryField(null=True)
    sha256 = models.CharField(max_length=64, db_index=True)
    size_bytes = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=8, help_text="what the content is: dicom, jpeg, png, or unknown")
    details = models.JSONField(default=dict)
    status = models.CharField(max_length=16, choices=FileStatus.choices, default=FileStatus.RECEIVED)
    attempt = models.PositiveSmallIntegerField(default=0)
    deaths = models.PositiveSmallIntegerField(default=0, help_text="how often a worker or decoder died over it")
    lease_until = models.DateTimeField(null=True)
    code = models.CharField(max_length=64, blank=True, default="")
    sentence = models.CharField(max_length=500, blank=True, default="")
    study = models.ForeignKey("studies.Study", null=True, on_delete=models.PROTECT, related_name="incoming_files")
    study_image = models.ForeignKey(
        "studies.StudyImage", null=True, on_delete=models.PROTECT, related_name="incoming_files"
    )
    received_at = models.DateTimeField(db_default=TransactionNow())
    judged_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["received_at", "id"]
        constraints = [
            one_of("status", FileStatus, "incoming_file_status"),
            models.CheckConstraint(
                condition=Q(status=FileStatus.JUDGING, lease_until__isnull=False)
                | (~Q(status=FileStatus.JUDGING) & Q(lease_until__isnull=True)),
                name="file_lease_iff_judging",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[FileStatus.REFUSED, FileStatus.HELD]) | ~Q(code=""),
                name="file_refusal_has_code",
            ),
        ]
        indexes = [
            models.Index(fields=["batch", "position"], name="file_by_batch"),
            models.Index(fields=["sender", "-received_at", "-id"], name="file_by_sender"),
            models.Index(fields=["received_at", "id"], condition=Q(status="RECEIVED"), name="file_waiting"),
            models.Index(fields=["lease_until"], condition=Q(status="JUDGING"), name="file_leased"),
            models.Index(fields=["-received_at", "-id"], condition=Q(status="HELD"), name="file_held"),
        ]

    def __str__(self) -> str:
        return f"incoming file {self.id} {self.status}"


class ResumableUpload(Row):
    """One file that arrives in pieces, until its bytes are whole and it is an ``IncomingFile``, or a day has passed.

    ``received`` bytes are durable. ``writer`` counts who took the writing over: only the last may move ``received``.
    ``sealed`` holds, encrypted, the file's name and what was entered beside it, and is dropped once the file is in.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    batch = models.UUIDField()
    length = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    writer = models.PositiveIntegerField(default=0)
    sealed = models.BinaryField(null=True)
    file = models.OneToOneField(IncomingFile, null=True, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(received__lte=F("length")), name="upload_not_beyond_its_length"),
            models.CheckConstraint(
                condition=Q(file__isnull=True) | Q(sealed__isnull=True), name="upload_forgets_once_it_is_in"
            ),
        ]
        indexes = [models.Index(fields=["owner", "expires_at"], name="upload_by_owner")]

    def __str__(self) -> str:
        return f"resumable upload {self.id}: {self.received} of {self.length} bytes"
