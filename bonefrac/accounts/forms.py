"""What the pages about people and sites accept; the verbs decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from bonefrac.accounts.models import IdentityPolicy, ReadingMode, Role, Site
from bonefrac.accounts.people import SiteTerms, fingerprint, terms_of
from bonefrac.errors import DomainError

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

PASSWORD_HINT = _("At least 12 characters; several words are easier to keep than signs.")
MODES = (
    (
        ReadingMode.ASSISTED,
        _("Assisted: the reader sees the machine's output beside the image from the start. Quicker; it may lead."),
    ),
    (
        ReadingMode.BLIND_FIRST,
        _("Blind first: the reader signs an own reading before the machine's output appears, then looks again."),
    ),
)
POLICIES = (
    (
        IdentityPolicy.PSEUDONYMOUS,
        _("Pseudonymous: names, numbers and dates of patients are removed. Not for patient care."),
    ),
    (
        IdentityPolicy.CLINICAL,
        _("Clinical: they are kept encrypted. Radiologists and leads of the site see them; each viewing is recorded."),
    ),
)


def show_faults(form: forms.Form, error: DomainError) -> None:
    """Put a refusal where it belongs: beside the fields that it names, above the form otherwise."""
    named = {name: sentence for name, sentence in error.fields.items() if name in form.fields}
    for name, sentence in named.items():
        form.add_error(name, sentence)
    if not named:
        form.add_error(None, error.sentence)


def password_field(label: StrPromise, *, is_new: bool) -> forms.CharField:
    """Return a field for a password, present or new."""
    kind = "new-password" if is_new else "current-password"
    return forms.CharField(
        label=label,
        strip=False,
        max_length=256,
        help_text=PASSWORD_HINT if is_new else "",
        widget=forms.PasswordInput(attrs={"autocomplete": kind}),
    )


class SignInForm(forms.Form):
    """Name and password."""

    username = forms.CharField(
        label=_("Username"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}),
    )
    password = password_field(_("Password"), is_new=False)


class UnlockForm(forms.Form):
    """The password again."""

    password = password_field(_("Password"), is_new=False)


class NewPasswordForm(forms.Form):
    """A new password, typed twice."""

    password = password_field(_("New password"), is_new=True)
    again = forms.CharField(
        label=_("The same again"),
        strip=False,
        max_length=256,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse two different passwords."""
        cleaned = super().clean() or {}
        if "password" in cleaned and "again" in cleaned and cleaned["password"] != cleaned["again"]:
            self.add_error("again", _("The two are different."))
        return cleaned


class LinkPasswordForm(NewPasswordForm):
    """A first or new password by a one-time link."""

    who = forms.CharField(widget=forms.HiddenInput, max_length=64)
    token = forms.CharField(widget=forms.HiddenInput, max_length=128)


class OwnPasswordForm(NewPasswordForm):
    """A new password against the present one."""

    present = password_field(_("Present password"), is_new=False)
    field_order = ("present", "password", "again")


class LimitField(forms.IntegerField):
    """A limit of a site: empty leaves it to the platform, whose own it never exceeds.

    Args:
        label: What people read.
        setting: The setting that holds the platform's own limit.
        unit: How much of the setting's unit one of the field's is.
    """

    def __init__(self, label: StrPromise, setting: str, unit: int = 1) -> None:
        super().__init__(label=label, required=False, min_value=1)
        self._setting, self._unit = setting, unit

    def highest(self) -> int:
        """Return the platform's own limit in the field's unit."""
        return max(1, int(getattr(settings, self._setting)) // self._unit)

    def validate(self, value: Any) -> None:
        """Refuse more than the platform takes in."""
        super().validate(value)
        if value is not None and value > self.highest():
            sentence = _("Expected at most %(limit)s, the platform's own limit.")
            raise forms.ValidationError(sentence % {"limit": self.highest()})


class SiteForm(forms.Form):
    """How a site works; nothing says which reading mode is the usual one."""

    name = forms.CharField(label=_("Name"), max_length=120)
    reading_mode = forms.ChoiceField(label=_("Reading mode"), choices=MODES, widget=forms.RadioSelect)
    readings_required = forms.IntegerField(
        label=_("Readings per study"),
        min_value=1,
        max_value=3,
        initial=1,
        help_text=_(
            "With two or three, readers who differ send the study to a lead. A change holds for studies that wait, "
            "too: those that were read often enough are settled."
        ),
    )
    wait_ceiling_minutes = forms.IntegerField(
        label=_("Wait ceiling, minutes"),
        min_value=5,
        max_value=43_200,
        initial=120,
        help_text=_(
            "A study that waits longer goes to the top of the list, whatever the machine says. What suits depends on "
            "how many read here: manage.py simulate_triage --site NAME says which ceilings keep what triage promises."
        ),
    )
    triage = forms.BooleanField(
        label=_("Triage: the machine orders the worklist"),
        required=False,
        initial=True,
        help_text=_("Under the ceiling above. Without it, and wherever readers read blind first: urgent, then by age."),
    )
    uploaders_see_ai = forms.BooleanField(
        label=_("Uploaders see what the machine says"),
        required=False,
        help_text=_("Before anybody has read, headed as not read by a person."),
    )
    critical_minutes = forms.IntegerField(
        label=_("Minutes until a critical finding is overdue"),
        min_value=1,
        max_value=10_080,
        initial=60,
        help_text=_("From then on the leads are told that nobody acknowledged it."),
    )
    time_zone = forms.CharField(
        label=_("Time zone"), max_length=64, initial="UTC", help_text=_("Such as Europe/Berlin.")
    )
    max_file_megabytes = LimitField(_("Largest file, MB"), "UPLOAD_FILE_BYTES", 1_000_000)
    max_megapixels = LimitField(_("Largest picture, megapixels"), "UPLOAD_PIXELS", 1_000_000)
    max_batch_files = LimitField(_("Files in one upload"), "UPLOAD_BATCH_FILES")
    max_batch_megabytes = LimitField(_("One upload together, MB"), "UPLOAD_BATCH_BYTES", 1_000_000)
    max_archive_nesting = LimitField(_("Archives inside each other"), "ARCHIVE_NESTING")
    max_archive_ratio = LimitField(_("Unpacked size of an archive, times its own"), "ARCHIVE_RATIO")
    max_archive_entries = LimitField(_("Entries of one archive"), "ARCHIVE_ENTRIES")
    max_files_per_hour = LimitField(_("Files that a person may hand in within an hour"), "UPLOAD_FILES_PER_HOUR")
    identity_policy = forms.ChoiceField(
        label=_("Who patients are"),
        choices=POLICIES,
        widget=forms.RadioSelect,
        help_text=_("A site that becomes pseudonymous loses kept identities and originals after the days below."),
    )
    originals_days = forms.IntegerField(
        label=_("Days that originals are kept"),
        min_value=0,
        max_value=365,
        initial=30,
        help_text=_("Of a pseudonymous site. The files as they came in, which may name patients."),
    )
    readers_see_held = forms.BooleanField(
        label=_("Readers see held images"),
        required=False,
        help_text=_(
            "Of a clinical site. Pictures whose text may name somebody; only leads decide; exports never hold them."
        ),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput, max_length=16)

    @property
    def limits(self) -> list[forms.BoundField]:
        """The limits of what is taken in, which a page may keep folded."""
        return [field for field in self.visible_fields() if isinstance(field.field, LimitField)]

    @property
    def practice(self) -> list[forms.BoundField]:
        """Everything else that a person fills in."""
        return [field for field in self.visible_fields() if not isinstance(field.field, LimitField)]

    @property
    def has_limits(self) -> bool:
        """Whether a limit is set or at fault, so that it has to be seen."""
        return any(field.errors or field.value() not in (None, "") for field in self.limits)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, LimitField):
                hint = _("At most %(limit)s, the platform's own limit; it holds where this is empty.")
                field.help_text = str(hint % {"limit": field.highest()})

    @classmethod
    def of(cls, site: Site) -> SiteForm:
        """Return the form filled with how a site works now."""
        terms = terms_of(site)
        values = {name: getattr(terms, name) for name in cls.base_fields if name != "seen"}
        return cls(initial={**values, "seen": fingerprint(site)})

    def terms(self) -> SiteTerms:
        """Return what was asked; call it on a valid form only."""
        asked = {name: value for name, value in self.cleaned_data.items() if name != "seen"}
        chosen = {
            "reading_mode": ReadingMode(asked["reading_mode"]),
            "identity_policy": IdentityPolicy(asked["identity_policy"]),
        }
        return SiteTerms(**{**asked, **chosen})


class SiteChoice(forms.Form):
    """A form that names one of the sites that the actor administers."""

    site = forms.ModelChoiceField(label=_("Site"), queryset=Site.objects.none(), empty_label=None)

    def __init__(self, *args: Any, sites: QuerySet[Site], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[Site]", self.fields["site"]).queryset = sites


class InviteForm(SiteChoice):
    """Somebody new, with roles at one site."""

    username = forms.CharField(label=_("Username"), max_length=150, help_text=_("Letters, digits and @ . + - _"))
    display_name = forms.CharField(label=_("Name shown to others"), max_length=120)
    email = forms.EmailField(label=_("E-mail (optional)"), required=False)
    roles = forms.MultipleChoiceField(label=_("Roles"), choices=Role.choices, widget=forms.CheckboxSelectMultiple)


class GrantForm(SiteChoice):
    """One role for one person at one site."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class GrantByUsernameForm(GrantForm):
    """One role for somebody who is known by the exact username only."""

    username = forms.CharField(label=_("Exact username"), max_length=150)


class TokenForm(forms.Form):
    """What a new token is for."""

    label = forms.CharField(label=_("What it is for"), max_length=80)
