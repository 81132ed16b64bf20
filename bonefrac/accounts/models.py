"""Sites, people and the roles that they hold at sites."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.functions import TransactionNow
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from bonefrac.db import Row, UUIDv7, one_of


class ReadingMode(models.TextChoices):
    """Whether a reader sees the AI beside the image from the start, or only after a blind reading."""

    ASSISTED = "assisted", _("AI beside the image from the start")
    BLIND_FIRST = "blind_first", _("AI only after the reader's own reading")


class IdentityPolicy(models.TextChoices):
    """What becomes of who a patient is: removed for good, or kept encrypted for those who treat."""

    PSEUDONYMOUS = "pseudonymous", _("Identity is removed; originals are kept for some days")
    CLINICAL = "clinical", _("Identity is kept encrypted; originals are kept until erased")


class Role(models.TextChoices):
    """What somebody does at a site."""

    UPLOADER = "uploader", _("Uploader")
    RADIOLOGIST = "radiologist", _("Radiologist")
    LEAD = "lead", _("Lead radiologist")
    ADMIN = "admin", _("Administrator")
    AUDITOR = "auditor", _("Auditor")


class Site(Row):
    """A hospital, clinic or research group; the wall between its studies and everyone else's.

    ``secret_version`` names which derivation of the pseudonym key makes the site's patient and pixel keys.
    """

    name = models.CharField(_("name"), max_length=120, unique=True)
    reading_mode = models.CharField(_("reading mode"), max_length=16, choices=ReadingMode.choices)
    readings_required = models.PositiveSmallIntegerField(
        _("readings required"), default=1, validators=[MinValueValidator(1), MaxValueValidator(3)]
    )
    wait_ceiling_minutes = models.PositiveIntegerField(
        _("wait ceiling, minutes"), default=120, validators=[MinValueValidator(5), MaxValueValidator(43_200)]
    )
    triage = models.BooleanField(_("the AI orders the worklist"), default=True)
    triage_off_because = models.CharField(max_length=300, blank=True, default="", editable=False)
    uploaders_see_ai = models.BooleanField(_("uploaders see what the AI says"), default=False)
    critical_minutes = models.PositiveIntegerField(
        _("minutes until a critical finding is overdue"), default=60,
        validators=[MinValueValidator(1), MaxValueValidator(10_080)],
    )  # fmt: skip
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    identity_policy = models.CharField(
        _("identity"), max_length=16, choices=IdentityPolicy.choices, default=IdentityPolicy.PSEUDONYMOUS
    )
    originals_days = models.PositiveSmallIntegerField(
        _("days that originals are kept"), default=30, validators=[MinValueValidator(0), MaxValueValidator(365)],
        help_text=_("of a pseudonymous site; a clinical one keeps them until they are erased"),
    )  # fmt: skip
    readers_see_held = models.BooleanField(_("readers may see held images"), default=False)
    max_file_megabytes = models.PositiveIntegerField(
        _("largest file, MB"), null=True, blank=True, help_text=_("empty: the platform's own limit")
    )
    max_batch_files = models.PositiveIntegerField(
        _("files in one upload"), null=True, blank=True, help_text=_("empty: the platform's own limit")
    )
    max_megapixels = models.PositiveIntegerField(
        _("largest picture, megapixels"), null=True, blank=True, help_text=_("empty: the platform's own limit")
    )
    max_files_per_hour = models.PositiveIntegerField(
        _("files a person may hand in within an hour"), null=True, blank=True,
        help_text=_("empty: the platform's own limit"),
    )  # fmt: skip
    max_batch_megabytes = models.PositiveIntegerField(
        _("one upload together, MB"), null=True, blank=True, help_text=_("empty: the platform's own limit")
    )
    max_archive_nesting = models.PositiveIntegerField(
        _("archives inside each other"), null=True, blank=True, help_text=_("empty: the platform's own limit")
    )
    max_archive_ratio = models.PositiveIntegerField(
        _("unpacked size of an archive, times its own"), null=True, blank=True,
        help_text=_("empty: the platform's own limit"),
    )  # fmt: skip
    max_archive_entries = models.PositiveIntegerField(
        _("entries of one archive"), null=True, blank=True, help_text=_("empty: the platform's own limit")
    )
    pending_since = models.DateTimeField(
        null=True, editable=False, help_text="since when open studies do not follow its terms yet"
    )
    secret_version = models.PositiveSmallIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(db_default=TransactionNow(), editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            one_of("reading_mode", ReadingMode, "site_reading_mode"),
            one_of("identity_policy", IdentityPolicy, "site_identity_policy"),
            models.CheckConstraint(condition=models.Q(readings_required__range=(1, 3)), name="site_readings_required"),
        ]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person who signs in. ``is_engineer`` is the role without a site: models, no studies."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    display_name = models.CharField(_("name shown to others"), max_length=120)
    is_engineer = models.BooleanField(_("engineer (models, no studies)"), default=False)
    is_demo = models.BooleanField(default=False, editable=False)
    #: Roles by site, once looked up for a request; None where nobody keeps them.
    known_roles: dict[uuid.UUID, frozenset[Role]] | None = None
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]

    REQUIRED_FIELDS = ["display_name"]

    class Meta:
        ordering = ["username"]

    def __str__(self) -> str:
        return self.display_name or self.username

    def get_full_name(self) -> str:
        """Return the name that others see."""
        return str(self)

    def get_short_name(self) -> str:
        """Return the name that others see."""
        return str(self)


class Membership(Row):
    """One role of one person at one site; somebody may hold several."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)
    granted_at = models.DateTimeField(db_default=TransactionNow(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "site", "role"], name="membership_once"),
            one_of("role", Role, "membership_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} {self.site_id}"


class AccessToken(Row):
    """A token by which a program acts for a person; only its hash is kept, and a revoked one never works again."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="access_tokens")
    label = models.CharField(_("what it is for"), max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    issued_at = models.DateTimeField(db_default=TransactionNow(), editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-issued_at", "-id"]

    def __str__(self) -> str:
        return self.label
