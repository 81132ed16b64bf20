"""What the page of devices accepts; the verbs decide."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from bonefrac.accounts.models import Membership
from studies.dimse.devices import Terms


class _Senders(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Membership) -> str:
        """Return a sender as people choose it."""
        return f"{obj.user} · {obj.site}"


class DeviceForm(forms.Form):
    """A device, and the uploader in whose name it stores; that uploader's site is the device's."""

    ae_title = forms.CharField(
        label=_("Calling AE title"), max_length=16, help_text=_("The device's own name, as its configuration has it.")
    )
    sender = _Senders(
        label=_("Stores in the name of"),
        queryset=Membership.objects.none(),
        empty_label=None,
        help_text=_("An uploader of a site; best an account made for this device."),
    )
    address = forms.CharField(
        label=_("Address or network (optional)"),
        max_length=43,
        required=False,
        help_text=_("Such as 10.0.0.5 or 10.0.0.0/24: it may call from there alone."),
    )
    called_ae_title = forms.CharField(
        label=_("Called AE title (optional)"),
        max_length=16,
        required=False,
        help_text=_("Only where it calls this platform by another name than the one above."),
    )
    label = forms.CharField(label=_("What it is (optional)"), max_length=80, required=False)

    def __init__(self, *args: Any, senders: QuerySet[Membership], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("_Senders", self.fields["sender"]).queryset = senders

    def chosen_sender(self) -> Membership:
        """Return who is to be the sender; call it on a valid form only."""
        return cast(Membership, self.cleaned_data["sender"])

    def terms(self) -> Terms:
        """Return what was asked; call it on a valid form only."""
        return Terms(**{name: value for name, value in self.cleaned_data.items() if name != "sender"})

    @property
    def own_title(self) -> str:
        """The platform's own AE title."""
        return str(settings.DICOM_AE_TITLE)
