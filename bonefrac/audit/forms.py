"""What the audit page may be narrowed by."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from bonefrac.audit.models import Verb, in_words


class FilterForm(forms.Form):
    """A verb, a person, a thing; all optional."""

    verb = forms.ChoiceField(
        label=_("What"),
        required=False,
        choices=[("", _("everything")), *((verb, in_words(verb)) for verb in Verb.values)],
    )
    username = forms.CharField(label=_("Who (username)"), required=False, max_length=150)
    target_id = forms.CharField(label=_("Of what (key)"), required=False, max_length=64)
