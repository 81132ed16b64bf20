"""The demo's studies: drawn radiographs that go through the front door and show every state, and folders for a try-out.

Every picture is drawn by ``training.synthetic`` or taken from the folder that a person names; nothing is put into the
tables but by the verbs that everybody else uses.
"""

from __future__ import annotations

import io
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from PIL import Image

from bonefrac.accounts import demo
from bonefrac.accounts.models import Site
from bonefrac.db import new_id
from studies import intake, reviews, worklist
from studies.intake import Details, Grouping, Handed
from studies.models import IncomingFile, Study
from studies.reviews import Box, Judgement
from studies.states import Confidence, Verdict
from training import synthetic
from training.synthetic import Part, SyntheticRadiograph

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

_NAMESPACE: Final = uuid.UUID("5b0d6f5e-6c0e-5d6e-9a43-0f3f2b7f1a11")
_SIZE: Final = (900, 750)
_PICTURES: Final = (".jpg", ".jpeg", ".png", ".dcm", ".dicom")
_YEAR: Final = 12
_PATIENCE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Scene:
    """One demo upload: what is drawn, what is entered, what a demo reader then signs, and what becomes of it."""

    key: str
    part: Part = "hand"
    fractured: tuple[bool, ...] = (False,)
    details: Details = field(default_factory=Details)
    at: str = demo.HOSPITAL
    signed: Verdict | None = None
    form: str = "png"
    end: Literal["", "void", "problem", "dispute"] = ""


SCENES: Final = (
    Scene("urgent hand", "hand", (True,), Details("D-1001", 34 * _YEAR, "F", "hand", "left", "Fell on the outstretched "
          "hand, pain over the radius.", True)),
    Scene("two views", "leg", (True, False), Details("D-1002", 61 * _YEAR, "M", "leg", "right", "Twisted the ankle, "
          "cannot bear weight. Fracture?")),
    Scene("quiet hand", "hand", (False,), Details("D-1003", 27 * _YEAR, "M", "hand", "right", "Hit by a ball.")),
    Scene("child", "leg", (False,), Details("D-1004", 7 * _YEAR, "F", "leg", "left", "Jumped from a wall, limps.")),
    Scene("old hip", "hip", (True,), Details("D-1005", 1080, "F", "hip", "left", "Fall at home, shortened leg.", True)),
    Scene("shoulder", "shoulder", (False,), Details("D-1006", 45 * _YEAR, "M", "shoulder", "right", "Fell off a bike")),
    Scene("nothing known", "hand", (False,)),
    Scene("other part", "shoulder", (False,), Details("D-1008", 52 * _YEAR, "F", "spine", "unpaired", "Back pain after "
          "lifting.")),
    Scene("twelve bits", "hand", (True,), Details("D-1009", 19 * _YEAR, "M", "hand", "left", "Punched a wall."),
          form="png16"),
    Scene("one component", "leg", (False,), Details("D-1010", 38 * _YEAR, "F", "leg", "left", "Kicked at football."),
          form="jpeg"),
    Scene("signed fracture", "hand", (True,), Details("D-1011", 70 * _YEAR, "F", "hand", "right", "Slipped on ice."),
          signed=Verdict.FRACTURE),
    Scene("signed none", "leg", (False,), Details("D-1012", 23 * _YEAR, "M", "leg", "right", "Knee twisted."),
          signed=Verdict.NO_FRACTURE),
    Scene("blind hand", "hand", (True,), Details("C-2001", 41 * _YEAR, "F", "hand", "left", "Door closed on hand."),
          at=demo.CLINIC),
    Scene("blind leg", "leg", (False,), Details("C-2002", 66 * _YEAR, "M", "leg", "left", "Fell down stairs."),
          at=demo.CLINIC),
    Scene("disputed hand", "hand", (True,), Details("C-2003", 30 * _YEAR, "M", "hand", "right", "Crushed by a crate."),
          at=demo.CLINIC, end="dispute"),
    Scene("wrong side", "leg", (False,), Details("D-1013", 58 * _YEAR, "F", "leg", "left", "Pain of the knee."),
          end="problem"),
    Scene("wrong patient", "hand", (False,), Details("D-1014", 44 * _YEAR, "M", "hand", "right", "Sprain."),
          end="void"),
)  # fmt: skip


def seed(say: Callable[[str], None]) -> None:
    """Make what is absent of the demo: people, studies in every state, files with problems.

    Raises:
        Forbidden: The platform does not run as a demonstration.
    """
    people = demo.seed_people()
    sites = {name: Site.objects.get(name=name) for name in (demo.HOSPITAL, demo.CLINIC)}
    for number, scene in enumerate(SCENES):
        if _seed_scene(people, sites[scene.at], scene, number):
            say(f"seeded: {scene.key}")
    _seed_problems(people["uploader"], sites[demo.HOSPITAL])


def load_folder(
    actor: User, site: Site, folder: Path, *, limit: int, say: Callable[[str], None]
) -> dict[str, int]:  # fmt: skip
    """Hand in the pictures below a folder, a study per picture, and return how many got which status so far.

    Raises:
        Forbidden, Invalid, Unavailable: As ``intake.receive``.
    """
    counts: dict[str, int] = {}
    batch = new_id()
    for number, path in enumerate(_pictures_in(folder)):
        if limit and number >= limit:
            break
        handed = Handed(path.name, partial(_read, path), path.stat().st_size)
        (row,) = intake.receive(
            actor, site=site, files=[handed], details=Details(), batch=batch, grouping=Grouping.STUDY_PER_FILE
        )
        counts[row.status] = counts.get(row.status, 0) + 1
        if (number + 1) % 100 == 0:
            say(f"{number + 1} files handed in")
    return counts


def _read(path: Path) -> tuple[bytes, ...]:
    return (path.read_bytes(),)


def _pictures_in(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _PICTURES and path.is_file())


def _seed_scene(people: dict[str, User], site: Site, scene: Scene, number: int) -> bool:
    batch = uuid.uuid5(_NAMESPACE, f"{site.pk}:{scene.key}")
    if IncomingFile.objects.filter(batch=batch).exists():
        return False
    drawn = _drawn(scene, number)
    handed = [_handed(one, scene, index) for index, one in enumerate(drawn)]
    _hand_in(people["uploader"], site, handed, scene.details, batch)
    study = Study.objects.filter(incoming_files__batch=batch).first()
    if scene.signed and study is not None:
        _sign(people["radiologist"], study, scene.signed, drawn)
    if scene.end and study is not None:
        _end(people, study, scene, drawn)
    return True


def _drawn(scene: Scene, number: int) -> list[SyntheticRadiograph]:
    """Return the scene's pictures; the marker in each is the side that is entered."""
    pictures = []
    for index, fractured in enumerate(scene.fractured):
        seeds = range(1000 + 100 * number + 50 * index, 1000 + 100 * number + 50 * (index + 1))
        bits = 12 if scene.form == "png16" else 8
        tries = (
            synthetic.radiograph(seed, fractured=fractured, part=scene.part, size=_SIZE, bits=bits) for seed in seeds
        )
        pictures.append(next(one for one in tries if scene.details.side in {one.side, "unknown", "unpaired"}))
    return pictures


def _end(people: dict[str, User], study: Study, scene: Scene, drawn: list[SyntheticRadiograph]) -> None:
    if scene.end == "void":
        reviews.void(people["lead"], study.pk, reason="Another patient's radiograph.")
    elif scene.end == "problem":
        reviews.report_problem(people["radiologist"], study.pk, sentence="The marker and the entered side differ.")
    else:
        for reader, verdict in (("radiologist", Verdict.FRACTURE), ("radiologist2", Verdict.NO_FRACTURE)):
            for _look in ("blind", "assisted"):
                _sign(people[reader], study, verdict, drawn)


def _hand_in(actor: User, site: Site, handed: list[Handed], details: Details, batch: uuid.UUID) -> None:
    rows = intake.receive(
        actor, site=site, files=handed, details=details, batch=batch, expected_files=len(handed)
    )  # fmt: skip
    for row in rows:
        intake.judge(row.pk)
    _await_verdicts(batch)


def _await_verdicts(batch: uuid.UUID) -> None:
    """Wait for files that a worker took first: what is signed next needs their study."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and IncomingFile.objects.filter(batch=batch, judged_at__isnull=True).exists():
        time.sleep(0.1)


def _handed(drawn: SyntheticRadiograph, scene: Scene, index: int) -> Handed:
    pixels = drawn.pixels if drawn.pixels.dtype == np.uint8 else drawn.pixels.astype(np.uint16) << 4
    kind, ending = ("JPEG", "jpg") if scene.form == "jpeg" else ("PNG", "png")
    return Handed.of_bytes(f"{scene.key.replace(' ', '-')}-{index + 1}.{ending}", _saved(Image.fromarray(pixels), kind))


def _saved(image: Image.Image, kind: str) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **({"quality": 92} if kind == "JPEG" else {}))
    return content.getvalue()


def _sign(reader: User, study: Study, verdict: Verdict, drawn: list[SyntheticRadiograph]) -> None:
    worklist.claim(reader, study.pk)
    boxes = [
        Box(image.pk, one.box[0] * columns, one.box[1] * rows, (one.box[2] - one.box[0]) * columns,
            (one.box[3] - one.box[1]) * rows, confidence=Confidence.DEFINITE)
        for image, one in zip(study.images.all(), drawn, strict=True)
        for rows, columns in [one.pixels.shape]
        if one.box and verdict == Verdict.FRACTURE
    ]  # fmt: skip
    judgement = Judgement(str(verdict), confidence=Confidence.DEFINITE, boxes=boxes)
    study.refresh_from_db()
    reviews.sign(reader, study.pk, judgement=judgement, revision=study.revision)


def _seed_problems(uploader: User, site: Site) -> None:
    """Hand in what is refused, what is here already, and what is here under another patient."""
    batch = uuid.uuid5(_NAMESPACE, f"{site.pk}:problems")
    if IncomingFile.objects.filter(batch=batch).exists():
        return
    hand = next(scene for scene in SCENES if scene.key == "quiet hand")
    number = SCENES.index(hand)
    again = _handed(_drawn(hand, number)[0], hand, 0)
    content = b"".join(again.chunks())
    photo = np.zeros((300, 400, 3), np.uint8)
    photo[..., 0], photo[..., 2] = np.linspace(30, 220, 400).astype(np.uint8), 90
    files = [
        again,
        Handed.of_bytes("holiday.jpg", _saved(Image.fromarray(photo), "JPEG")),
        Handed.of_bytes("half-a-file.png", content[: len(content) // 2]),
        Handed.of_bytes("report.jpg", b"Report: nothing to see."),
        Handed.of_bytes("empty.dcm", b""),
    ]
    _hand_in(uploader, site, files, hand.details, batch)
    other = replace(hand.details, patient_code="D-9999")
    _hand_in(uploader, site, [again], other, uuid.uuid5(_NAMESPACE, f"{site.pk}:held"))
