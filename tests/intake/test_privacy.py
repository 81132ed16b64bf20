"""Nothing that identifies a person gets past the door, by text, header, picture metadata or file name."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.conf import settings as project
from django.db import connection
from django.utils import timezone
from PIL import Image
from pydicom.dataset import Dataset

from bonefrac.errors import Invalid
from bonefrac.stores import FRAMES, ORIGINALS, RENDITIONS
from studies import intake
from studies.dicom import compose
from studies.intake import Details, names
from studies.intake.screening import trace_of
from studies.models import IncomingFile, StudyImage
from tests import factories_intake as files

CANARY = "KANARIENVOGEL"


@pytest.mark.parametrize(
    "text",
    [
        "fell 2026-11-21", "DOB 3.4.1961", "seen 12 March 1999", "MRN: 42", "call +49 170 1234567", "a.b@example.org",
        "Mr Smith fell", "Frau Meier", "Name: Li", "case 1234567", "Patient: X", "Dr. House asks",
    ],
)  # fmt: skip
def test_finds_what_may_identify(text):
    assert trace_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "fell on outstretched hand", "L5/S1 pain for 2-3 weeks", "fracture of the 5th metatarsal?", "3/4 view",
        "34 y, fell 2 m", "drove into a wall at 30 km/h", "patient fell", "pain since 3 days, swelling 4 x 5 cm",
    ],
)  # fmt: skip
def test_lets_clinical_words_pass(text):
    assert not trace_of(text)


def test_a_question_with_an_identifier_is_refused_and_nothing_is_taken_in(uploader, site):
    with pytest.raises(Invalid) as refusal:
        files.hand_in(uploader, site, files.png(), details=Details(question="Mr Smith fell"))
    assert "a title with a name" in refusal.value.fields["question"]
    assert not IncomingFile.objects.exists()
    (file,) = files.hand_in(uploader, site, files.png(), details=Details(question="fell from a horse"))
    assert file.study.question == "fell from a horse"


def dump():
    """Everything that the database holds, as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [row[0] for row in cursor.fetchall()]
        text = []
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            text.extend(row[0] for row in cursor.fetchall())
    return "\n".join(text)


def stored(store):
    return (
        b"".join(path.read_bytes() for path in store.root.rglob("*") if path.is_file()) if store.root.exists() else b""
    )


def personal_dicom():
    made = files.dataset()
    for name in ("PatientName", "PatientID", "OtherPatientNames", "ReferringPhysicianName", "AccessionNumber",
                 "InstitutionName", "StudyDescription", "PatientComments", "ImageComments", "OperatorsName",
                 "StationName", "DerivationDescription"):  # fmt: skip
        setattr(made, name, CANARY[:16])
    made.BodyPartExamined = CANARY
    made.PatientBirthDate = "19610403"
    item = Dataset()
    item.CodeMeaning = CANARY
    made.RequestAttributesSequence = [item]
    block = made.private_block(0x0099, CANARY, create=True)
    block.add_new(0x01, "LO", CANARY)
    return files.dicom(made)


def personal_jpeg():
    exif = Image.Exif()
    exif[0x010E] = CANARY
    return files.jpeg(exif=exif, comment=CANARY.encode())


def test_no_canary_is_found_beyond_the_originals(uploader, site):
    contents = [(f"{CANARY}.dcm", personal_dicom()), (f"{CANARY}.jpg", personal_jpeg())]
    rows = files.hand_in(uploader, site, *contents, details=Details(patient_code=CANARY))
    assert [row.status for row in rows] == ["ACCEPTED", "ACCEPTED"]
    held = dump()
    assert CANARY not in held
    assert "19610403" not in held
    for store in (FRAMES, RENDITIONS):
        assert stored(store)
        assert CANARY.encode() not in stored(store)
    for image in StudyImage.objects.select_related("study__site", "radiograph"):
        assert CANARY.encode() not in compose.instance(image)
    assert CANARY.encode() in stored(ORIGINALS)


def test_a_name_is_the_senders_alone_and_goes_after_its_days(uploader, site):
    (file,) = files.hand_in(uploader, site, ("wrist of my aunt.png", files.png()))
    assert names.opened(file.name) == "wrist of my aunt.png"
    intake.sweep()
    file.refresh_from_db()
    assert file.name
    past = timezone.now() - timedelta(days=project.FILE_NAME_DAYS, seconds=1)
    IncomingFile.objects.filter(pk=file.pk).update(received_at=past)
    intake.sweep()
    file.refresh_from_db()
    assert file.name is None


def test_incoming_bytes_are_gone_once_judged(uploader, site):
    from bonefrac.stores import INCOMING

    (waiting,) = files.hand_in(uploader, site, files.png(), judged=False)
    assert INCOMING.path(waiting.sha256).exists()
    intake.judge(waiting.pk)
    assert not INCOMING.path(waiting.sha256).exists()
    assert io.BytesIO(ORIGINALS.read(waiting.sha256)).read(4) == b"\x89PNG"
