"""The states of machines: prediction jobs, model versions, and what a prediction may say."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from bonefrac.transitions import TransitionTable


class JobStatus(models.TextChoices):
    """Where a prediction job stands."""

    QUEUED = "QUEUED", _("waiting")
    RUNNING = "RUNNING", _("running")
    SUCCEEDED = "SUCCEEDED", _("done")
    FAILED = "FAILED", _("failed")
    CANCELLED = "CANCELLED", _("cancelled")


class JobEvent(models.TextChoices):
    """What may happen to a prediction job."""

    START = "start"
    SUCCEED = "succeed"
    FAIL = "fail"
    PUT_BACK = "put_back"
    LAPSE = "lapse"
    CANCEL = "cancel"


LIVE = (JobStatus.QUEUED, JobStatus.RUNNING)

JOB_TRANSITIONS: TransitionTable[JobStatus, JobEvent] = TransitionTable(
    "prediction job",
    {
        (JobStatus.QUEUED, JobEvent.START): (JobStatus.RUNNING,),
        (JobStatus.QUEUED, JobEvent.CANCEL): (JobStatus.CANCELLED,),
        (JobStatus.RUNNING, JobEvent.SUCCEED): (JobStatus.SUCCEEDED,),
        (JobStatus.RUNNING, JobEvent.FAIL): (JobStatus.FAILED,),
        (JobStatus.RUNNING, JobEvent.PUT_BACK): (JobStatus.QUEUED,),
        (JobStatus.RUNNING, JobEvent.LAPSE): (JobStatus.QUEUED, JobStatus.FAILED),
        (JobStatus.RUNNING, JobEvent.CANCEL): (JobStatus.CANCELLED,),
    },
)


class ModelStatus(models.TextChoices):
    """Where a model version stands in its life."""

    CANDIDATE = "CANDIDATE", _("candidate")
    SHADOW = "SHADOW", _("shadow")
    ACTIVE = "ACTIVE", _("active")
    RETIRED = "RETIRED", _("retired")
    REJECTED = "REJECTED", _("rejected")


class ModelEvent(models.TextChoices):
    """What may happen to a model version."""

    SHADOW = "shadow"
    END_SHADOW = "end_shadow"
    PROMOTE = "promote"
    RETIRE = "retire"
    REJECT = "reject"


MODEL_TRANSITIONS: TransitionTable[ModelStatus, ModelEvent] = TransitionTable(
    "model version",
    {
        (ModelStatus.CANDIDATE, ModelEvent.SHADOW): (ModelStatus.SHADOW,),
        (ModelStatus.CANDIDATE, ModelEvent.PROMOTE): (ModelStatus.ACTIVE,),
        (ModelStatus.CANDIDATE, ModelEvent.REJECT): (ModelStatus.REJECTED,),
        (ModelStatus.SHADOW, ModelEvent.PROMOTE): (ModelStatus.ACTIVE,),
        (ModelStatus.SHADOW, ModelEvent.END_SHADOW): (ModelStatus.CANDIDATE,),
        (ModelStatus.SHADOW, ModelEvent.REJECT): (ModelStatus.REJECTED,),
        (ModelStatus.ACTIVE, ModelEvent.RETIRE): (ModelStatus.RETIRED,),
        (ModelStatus.RETIRED, ModelEvent.PROMOTE): (ModelStatus.ACTIVE,),
    },
)


class Task(models.TextChoices):
    """What a model answers."""

    FRACTURE = "fracture", _("fracture")
    BODY_PART = "body_part", _("body part")
    FRACTURE_TYPE = "fracture_type", _("fracture type")


class Verdict(models.TextChoices):
    """How the gate before promotion answered; only ``PASS`` is a pass."""

    PASS = "pass", _("pass")
    FAIL = "fail", _("fail")
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence", _("not enough evidence")


class UsePurpose(models.TextChoices):
    """What a test set was looked at for."""

    REPORT = "report", _("the report of a model that was registered")
    GATE = "gate", _("the gate before a promotion")


class MapKind(models.TextChoices):
    """What draws a model's map, and so what the map may be called."""

    HEAD = "head", _("where the model suspects a fracture")
    ACTIVATION = "activation", _("where the model looked")
    NONE = "none", _("no map")


class PredictionState(models.TextChoices):
    """What a model says of one radiograph, in the words that every face uses."""

    POSITIVE = "positive", _("fracture suspected")
    DOUBT = "doubt", _("unsure")
    NEGATIVE = "negative", _("nothing suspected")
    #: Of tasks with more than two classes: the answer is the class with the highest probability, never a verdict.
    CLASSIFIED = "classified", _("classified")
    NOT_ASSESSED = "not_assessed", _("not assessed")
