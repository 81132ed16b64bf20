"""What models that name classes say of an image, in words: the bone part, and the type of a fracture.

Pure: who may be told, and that they were, is decided and recorded in ``studies.selectors.ai``. What people stated of a
study stays what it is; where the machine reads another part, a note says so.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inference.selectors import Outlook, OutlookState
from inference.states import Task
from studies.states import BodyPart

#: Where nothing is suspected, a type would only mislead.
_TYPED = (OutlookState.POSITIVE, OutlookState.DOUBT, OutlookState.NO_MODEL)
_TASKS = {Task.BODY_PART: gettext_lazy("bone part"), Task.FRACTURE_TYPE: gettext_lazy("fracture type")}
_TYPES = {
    "avulsion": gettext_lazy("avulsion"),
    "comminuted": gettext_lazy("comminuted"),
    "greenstick": gettext_lazy("greenstick"),
    "hairline": gettext_lazy("hairline"),
    "impacted": gettext_lazy("impacted"),
    "longitudinal": gettext_lazy("longitudinal"),
    "oblique": gettext_lazy("oblique"),
    "pathological": gettext_lazy("pathological"),
    "spiral": gettext_lazy("spiral"),
    "transverse": gettext_lazy("transverse"),
}


@dataclass(frozen=True, slots=True)
class Share:
    """One class and its calibrated probability."""

    class_name: str
    word: str
    probability: float


@dataclass(frozen=True, slots=True)
class ClassesAI:
    """What one model that names classes says of one image.

    Attributes:
        task: As in a registry.
        name: Of the task, in words.
        state: Where it stands; ``not_shown`` where it is kept back because nothing is suspected.
        sentence: The class in words, or why there is none.
        model_version: Who spoke.
        class_name: The most probable class, as the model calls it; empty where there is none.
        score: Its calibrated probability.
        shares: Every class, the most probable first.
        caution: What to know beside the score.
        note: Where it differs from what people stated.
        prediction: The row that was shown.
    """

    task: str
    name: str
    state: str
    sentence: str
    model_version: str = ""
    class_name: str = ""
    score: float | None = None
    shares: tuple[Share, ...] = ()
    caution: str = ""
    note: str = ""
    prediction: uuid.UUID | None = None

    @property
    def is_pending(self) -> bool:
        """Whether it is still on its way."""
        return self.state == OutlookState.PENDING


def classes_of_image(said: Mapping[Task, Outlook], *, fracture: OutlookState, stated: str) -> tuple[ClassesAI, ...]:
    """Return what each model that names classes says of an image.

    Args:
        said: The outlook by task, of the tasks that have a model in service.
        fracture: Where the fracture prediction of the same image stands: it decides whether a type is told.
        stated: The study's body part, as people or the header said.
    """
    return tuple(
        _kept_back(task) if task == Task.FRACTURE_TYPE and fracture not in _TYPED else _spoken(task, outlook, stated)
        for task, outlook in said.items()
    )


def word_of(task: Task, label: str) -> str:
    """Return a class in words; as the model calls it where it is none of ours."""
    if task == Task.BODY_PART and label in BodyPart.values:
        return str(BodyPart(label).label)
    return str(_TYPES.get(label, label))


def _kept_back(task: Task) -> ClassesAI:
    sentence = _("not shown: it is told only where a fracture is suspected")
    return ClassesAI(task=str(task), name=str(_TASKS[task]), state="not_shown", sentence=sentence)


def _spoken(task: Task, outlook: Outlook, stated: str) -> ClassesAI:
    row = outlook.prediction
    if row is None or not row.label:
        sentence = _("not assessed: %(reason)s") % {"reason": outlook.reason}
        version, key = str(outlook.model_version or ""), row.pk if row else None
        return ClassesAI(str(task), str(_TASKS[task]), str(outlook.state), sentence, version, prediction=key)
    return ClassesAI(
        task=str(task),
        name=str(_TASKS[task]),
        state=str(outlook.state),
        sentence=word_of(task, row.label),
        model_version=str(outlook.model_version or ""),
        class_name=row.label,
        score=outlook.probability,
        shares=tuple(Share(label, word_of(task, label), value) for label, value in row.probabilities),
        caution=row.caution,
        note=_difference(row.label, stated) if task == Task.BODY_PART else "",
        prediction=row.pk,
    )


def _difference(read: str, stated: str) -> str:
    """Return a note where the machine reads another part than was stated; nothing stated is no difference."""
    if stated in (read, BodyPart.UNKNOWN, BodyPart.OTHER):
        return ""
    words = {"read": _short(read), "stated": _short(stated)}
    return _("AI reads: %(read)s; stated: %(stated)s") % words


def _short(part: str) -> str:
    return word_of(Task.BODY_PART, part).partition(",")[0]
