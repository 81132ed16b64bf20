"""Builds sites, people, studies and predictions for tests of people's side.

Predictions come about by the verbs of ``inference.jobs``, readings by those of ``studies.reviews``; a study is put
together as intake leaves it.
"""

from __future__ import annotations

import io
import itertools
import json
from datetime import timedelta

import numpy as np
from django.utils import timezone
from PIL import Image

from bonefrac.accounts import people
from bonefrac.accounts.models import ReadingMode, Role, Site, User
from bonefrac.accounts.people import SiteTerms
from bonefrac.accounts.pseudonyms import patient_key, pixel_key
from bonefrac.stores import MAPS
from inference import jobs, radiographs
from inference.answers import Answer
from inference.models import GateVerdict, ModelVersion, Prediction, Radiograph
from inference.states import ModelStatus, PredictionState, Task
from studies import reviews, worklist
from studies.models import Review, Study, StudyImage
from studies.reviews import Box, Judgement, Point
from studies.states import ImageVerdict, StudyStatus
from studies.typed import Typed
from tests import tiny
from training.frames import decode_png

_numbers = itertools.count(1)
ROWS, COLUMNS = 24, 32


def site(*, mode: str = ReadingMode.ASSISTED, required: int = 1, ceiling: int = 120) -> Site:
    terms = SiteTerms(
        name=f"Site {next(_numbers)}", reading_mode=ReadingMode(mode), readings_required=required,
        wait_ceiling_minutes=ceiling, time_zone="UTC",
    )  # fmt: skip
    return people.make_site(None, terms=terms)


def person(at: Site | None = None, *roles: Role, engineer: bool = False) -> User:
    number = next(_numbers)
    made = User.objects.create_user(f"person-{number}", display_name=f"Person {number}", is_engineer=engineer)
    for role in roles:
        people.grant(None, person=made, site=at, role=role)
    return made


def reader(at: Site) -> User:
    return person(at, Role.RADIOLOGIST)


def lead(at: Site) -> User:
    return person(at, Role.LEAD)


def radiograph(at: Site) -> Radiograph:
    pixels = np.random.default_rng(next(_numbers)).integers(0, 256, (ROWS, COLUMNS), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    described = radiographs.describe(decode_png(content.getvalue()))
    key = pixel_key(at, described.pixel_digest)
    made, _is_new = radiographs.store(described, pixel_key=key, facts={}, files={})
    return made


def study(
    at: Site, *, uploader: User | None = None, images: int = 1, waited: int = 0, patient: str = "", **values
) -> Study:
    now = timezone.now()
    made = Study.objects.create(
        site=at,
        uploader=uploader or person(at, Role.UPLOADER),
        study_uid=f"2.25.{next(_numbers)}",
        patient_key=patient_key(at, issuer="", patient_id=patient) if patient else None,
        readings_required=at.readings_required,
        received_at=now - timedelta(minutes=waited),
        **{"ready_at": now - timedelta(minutes=waited), **values},
    )
    for position in range(images):
        image(made, position)
    return made


def image(of: Study, position: int = 0, *, shows: Radiograph | None = None) -> StudyImage:
    return StudyImage.objects.create(
        study=of, radiograph=shows or radiograph(of.site), position=position, view=["AP", "LL"][position % 2],
        sop_instance_uid=f"2.25.{next(_numbers)}", sop_class_uid="1.2.840.10008.5.1.4.1.1.1.1", original_kind="png",
    )  # fmt: skip


def model(task: Task = Task.FRACTURE, **values) -> ModelVersion:
    """A model in service whose map has its licence, unless told otherwise."""
    number = next(_numbers)
    ModelVersion.objects.filter(task=task, status=ModelStatus.ACTIVE).update(status=ModelStatus.RETIRED)
    values.setdefault("report", tiny.report(values.get("map_kind", "activation")))
    points, name = ({"lower": 0.2, "upper": 0.7}, "tiny") if task == Task.FRACTURE else (None, f"tiny-{task}")
    return ModelVersion.objects.create(
        task=task, name=name, version=number, artifact_sha256=f"{number:064x}", artifact_path="nowhere",
        status=ModelStatus.ACTIVE, preprocessing={}, preprocessing_digest="", temperature=1.0,
        operating_points=points, scope={}, card="", activated_at=timezone.now(), **values,
    )  # fmt: skip


def candidate(task: Task = Task.FRACTURE) -> ModelVersion:
    """A registered version that does not serve, beside the one that does."""
    serving = ModelVersion.objects.filter(task=task, status=ModelStatus.ACTIVE).first()
    made = model(task)
    ModelVersion.objects.filter(pk=made.pk).update(status=ModelStatus.CANDIDATE, activated_at=None)
    if serving is not None:
        ModelVersion.objects.filter(pk=serving.pk).update(status=ModelStatus.ACTIVE)
    made.refresh_from_db()
    return made


def gate_verdict(of: ModelVersion, against: ModelVersion | None = None, verdict: str = "pass") -> GateVerdict:
    """What the gate could have answered about a model: its report has no check."""
    report = {"sentence": "Told so by a test.", "checks": [], "images": 400, "groups": 390, "margin": 0.05}
    return GateVerdict.objects.create(
        candidate=of, active=against, verdict=verdict, report=report, items_digest="0" * 64, images=400, positives=310
    )


def predict(
    shows: Radiograph, by: ModelVersion, state: str = "positive", probability: float = 0.83, caution: str = ""
) -> Prediction:
    job = jobs.start(jobs.request(shows, by).pk)
    if state == PredictionState.NOT_ASSESSED:
        return jobs.succeed(job, Answer(PredictionState(state), 5.0, reason_code="chest", reason="chest radiograph"))
    content = io.BytesIO()
    Image.fromarray(np.full((7, 7), 128, np.uint8)).save(content, "PNG")
    answer = Answer(
        PredictionState(state), 5.0, logit=1.0, probability=probability, heat_map=MAPS.put(content.getvalue()),
        content_box=(0.0, 0.0, 1.0, 1.0), regions=[(0.1, 0.1, 0.5, 0.5)], caution=caution,
    )  # fmt: skip
    return jobs.succeed(job, answer)


def classified(of: Study, by: ModelVersion, *shares: tuple[str, float], caution: str = "") -> list[Prediction]:
    """Let a model that names classes say the same of every image of a study, the most probable class first."""
    answer = Answer(
        PredictionState.CLASSIFIED, 5.0, logit=2.0, probability=shares[0][1], label=shares[0][0],
        probabilities=list(shares), caution=caution,
    )  # fmt: skip
    images = of.images.select_related("radiograph").order_by("position")
    return [jobs.succeed(jobs.start(jobs.request(row.radiograph, by).pk), answer) for row in images]


def predicted(of: Study, by: ModelVersion, *states: str, caution: str = "") -> list[Prediction]:
    shown = [row.radiograph for row in of.images.order_by("position")]
    return [predict(pixels, by, state, caution=caution) for pixels, state in zip(shown, states, strict=True)]


def judgement(verdict: str = "fracture", **values) -> Judgement:
    if verdict == "not_assessable":
        values.setdefault("not_assessable_reason", "quality")
    return Judgement(verdict=verdict, **values)


def typed(**values) -> Typed:
    """What stands in a reading form."""
    return Typed(**values)


def shown(of: Study) -> str:
    """What the reading page sends once every image was drawn at full depth."""
    return json.dumps([str(row.pk) for row in of.images.all()])


def point(on: StudyImage, x: float = 4, y: float = 5, **values) -> Point:
    return Point(image=on.pk, x=x, y=y, **values)


def box(on: StudyImage, x: float = 2, y: float = 3, width: float = 10, height: float = 8, **values) -> Box:
    return Box(image=on.pk, x=x, y=y, width=width, height=height, **values)


def signed(by: User, of: Study, verdict: str = "fracture", **values) -> Review:
    worklist.claim(by, of.pk)
    of.refresh_from_db()
    review = reviews.sign(by, of.pk, judgement=judgement(verdict, **values), revision=of.revision)
    of.refresh_from_db()
    return review


def disputed(at: Site) -> tuple[Study, User, User]:
    """A study of a site with two readings, whose two readers differ."""
    made, first, second = study(at), reader(at), reader(at)
    signed(first, made, "fracture")
    signed(second, made, "no_fracture")
    assert made.status == StudyStatus.DISPUTED
    return made, first, second


def marks(of: Study, *verdicts: str) -> dict:
    return {row.pk: ImageVerdict(value) for row, value in zip(of.images.all(), verdicts, strict=False)}
