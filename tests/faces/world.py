"""One small world in which every row of the permission matrix can be asked: a site with everybody, and a stranger."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.test import override_settings
from PIL import Image

from bonefrac.accounts import people
from bonefrac.accounts.models import Membership, Role
from bonefrac.db import new_id
from bonefrac.errors import DomainError
from inference import jobs
from inference.models import ModelVersion
from studies import datasets, discrepancies, intake, notices, reviews, worklist
from studies.datasets import Criteria
from studies.dimse import devices
from studies.intake import resumable
from studies.intake.resumable import Announced
from studies.models import CriticalFinding, Divergence, IncomingFile
from studies.states import FileStatus, NoticeKind
from tests import factories_studies as make
from tests.outcomes.passing import let_pass

PERSONAS = (
    "anonymous", "uploader", "other_uploader", "radiologist", "lead", "admin", "auditor", "engineer", "stranger",
)  # fmt: skip


@dataclass
class World:
    """Who is there, and what each word of the matrix's third column stands for."""

    site: Any
    people: dict[str, Any]
    objects: dict[str, Any] = field(default_factory=dict)


def build(*, has_predictions: bool = True) -> World:
    site, elsewhere = make.site(), make.site()
    cast = {name: make.person(site, Role(name)) for name in ("uploader", "radiologist", "lead", "admin", "auditor")}
    cast["other_uploader"] = make.person(site, Role.UPLOADER)
    cast["engineer"] = make.person(engineer=True)
    cast["stranger"] = make.person(elsewhere, *Role)
    world = World(site, cast)
    world.objects |= _paper(world)
    model = make.model()
    world.objects |= _studies(world, model, has_predictions=has_predictions) | _models(model)
    return world


def _studies(world: World, model: ModelVersion, *, has_predictions: bool) -> dict[str, Any]:
    site, cast = world.site, world.people
    awaiting = make.study(site, uploader=cast["uploader"])
    if has_predictions:
        make.predicted(awaiting, model, "positive")
    reviewed = make.study(site, uploader=cast["uploader"])
    review = make.signed(cast["radiologist"], reviewed, "no_fracture")
    voided = make.study(site, uploader=cast["uploader"])
    reviews.void(cast["lead"], voided.pk, reason="Wrong patient.")
    troubled = make.study(site, uploader=cast["uploader"])
    problem = reviews.report_problem(cast["radiologist"], troubled.pk, sentence="The side is wrong.")
    two_readers = make.site(required=2)
    for name, role in (("radiologist", Role.RADIOLOGIST), ("lead", Role.LEAD), ("admin", Role.ADMIN)):
        people.grant(None, person=cast[name], site=two_readers, role=role)
    for name, role in (("uploader", Role.UPLOADER), ("other_uploader", Role.UPLOADER), ("auditor", Role.AUDITOR)):
        people.grant(None, person=cast[name], site=two_readers, role=role)
    disputed = make.study(two_readers, uploader=cast["uploader"])
    for verdict in ("fracture", "no_fracture"):
        make.signed(make.reader(two_readers), disputed, verdict)
    pair, target = (make.study(site, uploader=cast["uploader"], images=number) for number in (2, 1))
    (notice,) = notices.tell(
        [cast["radiologist"].pk], pair, kind=NoticeKind.IMAGE_ADDED, sentence="An image came later."
    )
    of_readings = _of_readings(world, model)
    discrepancies.ask(pair, [("side", "left", "right")])
    with override_settings(UNDO_SECONDS=0):
        dataset = datasets.freeze(cast["admin"], site=site, name=f"Dataset {new_id()}", criteria=Criteria())
    return {
        "awaiting": awaiting, "reviewed": reviewed, "void": voided, "disputed": disputed, "review": review,
        "pair": pair, "target": target, "notice": notice, "discrepancy": pair.discrepancies.get(),
        "problem": problem, "dataset": dataset, "image": awaiting.images.get(), **of_readings,
    }  # fmt: skip


def _of_readings(world: World, model: ModelVersion) -> dict[str, Any]:
    """A critical finding whose time of undoing is over, and a reading that differs from the model."""
    study = make.study(world.site, uploader=world.people["uploader"])
    make.predicted(study, model, "negative")
    make.signed(make.reader(world.site), study, "fracture", is_critical=True)
    let_pass(study, minutes=1)
    return {"critical": CriticalFinding.objects.get(study=study), "divergence": Divergence.objects.get(study=study)}


def _models(model: ModelVersion) -> dict[str, Any]:
    pixels = make.radiograph(make.site())
    job = jobs.start(jobs.request(pixels, model).pk)
    jobs.fail(job, code="bug", detail="told so by a test")
    other = make.candidate()
    return {"active": model, "job": job, "other": other, "gate": make.gate_verdict(other, model)}


def _paper(world: World) -> dict[str, Any]:
    membership = Membership.objects.get(user=world.people["radiologist"], site=world.site)
    sender = world.people["uploader"]
    device = devices.add(None, site=world.site, person=sender, terms=devices.Terms(f"MATRIX{str(new_id())[-8:]}"))
    return {
        "device": device,
        "upload": resumable.begin(sender, site=world.site, announced=Announced("a.png", 100, intake.Details())),
        "held": _held(world),
        "membership": membership,
        "person": world.people["radiologist"],
        "site": world.site,
    }


def _held(world: World) -> IncomingFile:
    """The same pixels under two patients: the second file waits for a lead."""
    picture = io.BytesIO()
    Image.fromarray(np.random.default_rng(7).integers(0, 256, (40, 40), dtype=np.uint8)).save(picture, "PNG")
    for code in ("4711", "4712"):
        (file,) = intake.receive(
            world.people["uploader"],
            site=world.site,
            files=[intake.Handed.of_bytes("wrist.png", picture.getvalue())],
            details=intake.Details(patient_code=code),
        )
        intake.judge(file.pk)
    file.refresh_from_db()
    assert file.status == FileStatus.HELD, (file.status, file.code, file.sentence)
    return file


def claim(world: World, persona: str, name: str) -> None:
    """Let a persona hold a study where the domain lets them."""
    if persona in world.people:
        with contextlib.suppress(DomainError):
            worklist.claim(world.people[persona], world.objects[name].pk)
