"""Parses what an administrator asks to preview or freeze."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from bonefrac.accounts.models import Site
from studies.datasets.criteria import Criteria
from studies.states import BodyPart


class CriteriaForm(forms.Form):
    """Which labels: a site's, of all body parts or one, of all time or a span of days."""

    site = forms.ModelChoiceField(queryset=Site.objects.none(), label=_("Site"), empty_label=None)
    body_part = forms.ChoiceField(
        choices=[("", _("all body parts")), *BodyPart.choices], required=False, label=_("Body part")
    )
    received_from = forms.DateField(
        required=False, label=_("Received from"), widget=forms.DateInput(attrs={"type": "date"})
    )
    received_until = forms.DateField(
        required=False, label=_("Received until"), widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, sites: QuerySet[Site], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["site"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 narrows the type
        field.queryset = sites

    def clean(self) -> dict[str, Any]:
        """Refuse a span that ends before it begins."""
        cleaned = super().clean() or {}
        first, last = cleaned.get("received_from"), cleaned.get("received_until")
        if first and last and last < first:
            self.add_error("received_until", _("The last day lies before the first."))
        return cleaned

    def criteria(self) -> Criteria:
        """Return what was asked; call it on a valid form only."""
        return Criteria(
            body_part=self.cleaned_data["body_part"],
            received_from=self.cleaned_data["received_from"],
            received_until=self.cleaned_data["received_until"],
        )


class FreezeForm(CriteriaForm):
    """The same, with the name under which it is frozen."""

    name = forms.CharField(max_length=120, label=_("Name of the dataset"))
