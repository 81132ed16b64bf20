"""Files in any order, at any face, judged in any order and interrupted: the same studies, and none is lost."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bonefrac.accounts import pseudonyms
from bonefrac.accounts.models import Role
from studies import intake
from studies.dicomweb import storing
from studies.dicomweb.multipart import Part
from studies.intake import Details, Handed, judging
from studies.models import IncomingFile, Study, StudyImage
from studies.states import FileStatus
from tests import factories_intake as files
from tests import factories_studies as make

pytestmark = pytest.mark.django_db

ROOT = "1.2.826.0.1.3680043.10.1."


def instance(study, picture, patient, *, number=0, **elements):
    """An instance of a numbered study that shows a numbered picture; another number is another instance of it."""
    made = files.dataset(files.values(12, seed=1000 + picture), PatientID=patient, **elements)
    made.StudyInstanceUID = f"{ROOT}{study}"
    made.SOPInstanceUID = f"{ROOT}{study}.{picture}.{number}"
    return files.dicom(made)


#: What is handed in: two studies of one patient, one of another, copies, an unknown patient, and what is broken.
POOL = {
    "one, first": instance(1, 1, "A", ImageLaterality="L"),
    "one, second": instance(1, 2, "A"),
    "one, first again under another identity": instance(1, 1, "A", number=1),
    "one, third, patient unknown": instance(1, 3, "", PatientSex="F"),
    "two": instance(2, 4, "A", PatientAge="034Y"),
    "two, again, patient unknown": instance(2, 4, "", number=1),
    "three": instance(3, 5, "B"),
    "three, another picture under the same identity": instance(3, 6, "B").replace(b".3.6.0", b".3.5.0"),
    "cut": instance(4, 7, "C")[:900],
    "no picture": b"<html>no picture</html>",
}


def through_the_page(person, site, names):
    handed = [Handed.of_bytes(name, POOL[name]) for name in names]
    return [row.pk for row in intake.receive(person, site=site, files=handed, details=Details())]


def one_by_one(person, site, names):
    return [key for name in names for key in through_the_page(person, site, [name])]


def in_a_zip(person, site, names):
    packed = files.zipped([(f"folder {number}/{name}", POOL[name]) for number, name in enumerate(names)])
    (row,) = intake.receive(person, site=site, files=[Handed.of_bytes("all.zip", packed)], details=Details())
    intake.judge(row.pk)
    return list(IncomingFile.objects.filter(batch=row.batch, status=FileStatus.RECEIVED).values_list("pk", flat=True))


def by_stow(person, site, names):
    before = set(IncomingFile.objects.filter(site=site).values_list("pk", flat=True))
    parts = (Part("application/dicom", iter([POOL[name]])) for name in names)
    storing.store(person, site=site, parts=parts)
    return [key for key in IncomingFile.objects.filter(site=site).values_list("pk", flat=True) if key not in before]


FACES = (through_the_page, one_by_one, in_a_zip, by_stow)


def judged(chance, keys):
    """Judge files in any order, some rung twice, some by a worker who dies first."""
    for key in chance.draw(st.permutations(keys)):
        what = chance.draw(st.sampled_from(["judge", "judge", "rung twice", "died once"]))
        if what == "died once" and (file := judging.start(key)):
            judging.lapse(file)
        intake.judge(key)
        if what == "rung twice":
            intake.judge(key)


def what_is_here(site):
    """Return of each study how many pictures it shows and what is known of it."""
    return {
        study.study_uid: (study.images.count(), study.patient_key, study.side, study.sex, study.age_months)
        for study in Study.objects.filter(site=site)
    }


def what_should_be(site):
    """Return the same of the pool; of two rivals it does not matter which one is here."""
    one, two, three = (pseudonyms.uid(site, f"{ROOT}{number}") for number in (1, 2, 3))
    first, second = (pseudonyms.patient_key(site, issuer="", patient_id=code) for code in ("A", "B"))
    return {
        one: (3, first, "left", "F", None),
        two: (1, first, "unknown", "unknown", 408),
        three: (1, second, "unknown", "unknown", None),
    }


@given(chance=st.data())
@settings(
    max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_order_at_any_face_gives_the_same_studies_and_loses_nothing(chance):
    site = make.site()
    person = make.person(site, Role.UPLOADER)
    order = chance.draw(st.permutations(sorted(POOL)))
    cuts = sorted(chance.draw(st.sets(st.integers(1, len(order) - 1), max_size=3)))
    for first, last in zip([0, *cuts], [*cuts, len(order)], strict=True):
        face = chance.draw(st.sampled_from(FACES))
        judged(chance, face(person, site, order[first:last]))
    rows = IncomingFile.objects.filter(site=site).exclude(kind="zip")
    assert not rows.filter(judged_at__isnull=True).exists()
    became = Counter(rows.values_list("status", flat=True))
    assert became == {"ACCEPTED": 5, "DUPLICATE": 2, "REFUSED": 3}
    assert {row.study_id for row in rows.filter(status__in=["ACCEPTED", "DUPLICATE"])} == set(
        Study.objects.filter(site=site).values_list("pk", flat=True)
    )
    assert StudyImage.everything.filter(study__site=site).count() == 5
    assert what_is_here(site) == what_should_be(site)
