"""The one key that takes the model's word: only where the model said something, to this reader, and it is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from bonefrac.errors import Invalid
from inference.states import Task
from studies.models import Disclosure, Study, StudyImage
from studies.reviews.judgement import Judgement
from studies.selectors.ai import state_of
from studies.states import AIState, Verdict

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

#: What a reader confirms who takes the model's word; where it is unsure or silent there is nothing to confirm.
CONFIRMS: Final = {AIState.POSITIVE: Verdict.FRACTURE, AIState.NEGATIVE: Verdict.NO_FRACTURE}


def require_agreement(actor: User, study: Study, judgement: Judgement) -> None:
    """Raise ``Invalid`` where a judgement claims to confirm what the model did not say to the actor."""
    if not judgement.agreed_with_model:
        return
    if CONFIRMS.get(state_shown(actor, study)) != judgement.verdict:
        sentence = _("the model did not say this to you, so it cannot be confirmed. Choose the verdict yourself.")
        raise Invalid(
            _("Not signed: %(first)s Everything that you entered is kept.") % {"first": sentence},
            code="judgement",
            fields={"agreed_with_model": sentence},
        )


def state_shown(actor: User, study: Study) -> AIState:
    """Return the AI's state of a study by what the actor was shown in this round; unknown where an image is missing."""
    rows = Disclosure.objects.filter(
        study=study, reader=actor, round=study.round, prediction__model_version__task=Task.FRACTURE
    )
    said = {
        row.prediction.radiograph_id: row.prediction.state
        for row in rows.select_related("prediction").order_by("at", "id")
    }
    shown = StudyImage.objects.filter(study=study).values_list("radiograph_id", flat=True)
    return state_of(said.get(key, "") for key in shown)
