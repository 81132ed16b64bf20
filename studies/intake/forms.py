"""Parses what the upload page and the API send beside the files."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from bonefrac.accounts.models import Site
from bonefrac.db import new_id
from studies.intake.details import Details, Grouping
from studies.states import BodyPart, Sex, Side

YEARS, MONTHS = "years", "months"
_OLDEST: Final = 130
GROUPINGS: Final = (
    (Grouping.ONE_STUDY.value, _("one study: all these pictures belong to one examination")),
    (Grouping.STUDY_PER_FILE.value, _("a study per picture")),
    (Grouping.FOLDER.value, _("a study per folder, where folders are dropped or chosen")),
)


class UploadForm(forms.Form):
    """What is known beside the pixels; everything may stay unknown."""

    site = forms.ModelChoiceField(Site.objects.none(), label=_("Site"), empty_label=None)
    patient_code = forms.CharField(
        label=_("Patient code"), required=False, max_length=64, strip=True,
        help_text=_("Your own code, never a name. It is turned into a pseudonym at once and not kept."),
    )  # fmt: skip
    age = forms.IntegerField(label=_("Age"), required=False, min_value=0, max_value=_OLDEST * 12)
    age_unit = forms.ChoiceField(label=_("in"), choices=[(YEARS, _("years")), (MONTHS, _("months"))], required=False)
    sex = forms.ChoiceField(label=_("Sex"), choices=Sex.choices, initial=Sex.UNKNOWN, required=False)
    body_part = forms.ChoiceField(
        label=_("Body part"), choices=BodyPart.choices, initial=BodyPart.UNKNOWN, required=False
    )
    side = forms.ChoiceField(label=_("Side"), choices=Side.choices, initial=Side.UNKNOWN, required=False)
    question = forms.CharField(
        label=_("Clinical question"), required=False, max_length=500, strip=True,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("What happened, what is asked. No names, dates or numbers of people."),
    )  # fmt: skip
    urgent = forms.BooleanField(label=_("Urgent: read first"), required=False)
    is_film_photo = forms.BooleanField(label=_("Photographs of films: not assessed by the model"), required=False)
    grouping = forms.ChoiceField(
        label=_("Pictures without a DICOM header are"), choices=GROUPINGS, initial=Grouping.ONE_STUDY.value,
        required=False, widget=forms.RadioSelect,
    )  # fmt: skip
    batch = forms.UUIDField(required=False, widget=forms.HiddenInput)
    expected_files = forms.IntegerField(required=False, min_value=0, max_value=100_000, widget=forms.HiddenInput)
    continues = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, sites: QuerySet[Site], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["site"]
        field.queryset = sites
        own = list(sites[:2])
        self.has_choice_of_site = len(own) > 1
        if not self.has_choice_of_site:
            field.required = False
            field.widget = forms.HiddenInput()
            self._only_site = own[0] if own else None
        if not self.is_bound:
            self.initial.setdefault("batch", new_id())

    def clean(self) -> dict[str, Any]:
        """Check the age in its unit, and fill in the only site."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        months = self._age_months(cleaned)
        if months is not None and months > _OLDEST * 12:
            self.add_error("age", str(_("Give an age from 0 to 130 years, or leave it empty.")))
        if not self.has_choice_of_site and not cleaned.get("site"):
            cleaned["site"] = self._only_site
        return cleaned

    @staticmethod
    def _age_months(cleaned: dict[str, Any]) -> int | None:
        age = cleaned.get("age")
        return None if age is None else age * (1 if cleaned.get("age_unit") == MONTHS else 12)

    def details(self) -> Details | None:
        """Return what was entered, None where it was entered before; call it on a valid form only."""
        entered = self.cleaned_data
        if entered["continues"]:
            return None
        return Details(
            patient_code=entered["patient_code"],
            age_months=self._age_months(entered),
            sex=entered["sex"] or Sex.UNKNOWN,
            body_part=entered["body_part"] or BodyPart.UNKNOWN,
            side=entered["side"] or Side.UNKNOWN,
            question=entered["question"],
            urgent=entered["urgent"],
            is_film_photo=entered["is_film_photo"],
        )

    def chosen_grouping(self) -> Grouping:
        """Return how pictures without a header make studies; call it on a valid form only."""
        return Grouping(self.cleaned_data["grouping"] or Grouping.ONE_STUDY.value)

    def chosen_batch(self) -> uuid.UUID:
        """Return the batch to which the files belong; call it on a valid form only."""
        return self.cleaned_data["batch"] or new_id()
