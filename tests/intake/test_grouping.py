"""Where judged images go: studies, duplicates, conflicts of patients, late images, and when a study is listed."""

from __future__ import annotations

import pytest
from django.utils import timezone

from bonefrac.accounts.models import Role
from bonefrac.accounts.pseudonyms import patient_key
from bonefrac.db import new_id
from bonefrac.errors import Conflict, Forbidden, NotFound
from inference.models import Radiograph
from studies import intake
from studies.intake import Details, Grouping
from studies.models import Study, StudyImage
from tests import factories_intake as files
from tests import factories_studies as make


def test_pictures_of_one_upload_are_one_study_in_their_order(uploader, site):
    rows = files.hand_in(uploader, site, files.png(), files.jpeg(), expected_files=2)
    study = Study.objects.get()
    assert [image.position for image in study.images.all()] == [0, 1]
    assert {row.study for row in rows} == {study}
    assert study.ready_at <= timezone.now()


def test_pictures_may_be_a_study_each(uploader, site):
    files.hand_in(uploader, site, files.png(), files.png(), grouping=Grouping.STUDY_PER_FILE)
    assert Study.objects.count() == 2


def test_dicom_files_are_grouped_by_their_study(uploader, site):
    first, second, other = files.dataset(), files.dataset(), files.dataset()
    second.StudyInstanceUID = first.StudyInstanceUID
    files.hand_in(uploader, site, *(files.dicom(made) for made in (first, second, other)))
    assert sorted(study.images.count() for study in Study.objects.all()) == [1, 2]
    assert not Study.objects.filter(study_uid=first.StudyInstanceUID).exists()


def test_a_study_waits_for_quiet_until_its_batch_is_complete(uploader, site):
    batch = new_id()
    files.hand_in(uploader, site, files.png(), batch=batch, expected_files=2)
    assert Study.objects.get().ready_at > timezone.now()
    files.hand_in(uploader, site, b"no picture", batch=batch, expected_files=2)
    assert Study.objects.get().ready_at <= timezone.now()


def test_what_the_person_enters_goes_before_the_header_which_fills_the_rest(uploader, site):
    made = files.dataset(
        PatientID="A1",
        PatientSex="F",
        PatientAge="034Y",
        BodyPartExamined="WRIST",
        ImageLaterality="L",
        ViewPosition="AP",
    )
    files.hand_in(uploader, site, files.dicom(made), details=Details(body_part="elbow", question="fell", urgent=True))
    study = Study.objects.get()
    assert (study.body_part, study.side, study.sex, study.age_months) == ("elbow", "left", "F", 408)
    assert (study.question, study.urgent, study.rank) == ("fell", True, 0)
    assert study.patient_key == patient_key(site, issuer="", patient_id="A1")
    assert (study.images.get().view, study.images.get().side) == ("AP", "left")
    assert study.images.get().radiograph.facts == {
        "modality": "CR", "body_part": "elbow", "age_band": "34", "is_colour_photo": False,
    }  # fmt: skip


def test_ages_over_ninety_are_one(uploader, site):
    files.hand_in(uploader, site, files.dicom(files.dataset(PatientAge="097Y")))
    assert Study.objects.get().age_months == 1080


def test_the_same_picture_again_is_linked_to_the_first_whatever_its_file(uploader, site):
    pixels = files.values()
    first, again, other_format = files.hand_in(
        uploader, site, files.png(pixels), files.png(pixels), files.png(pixels, optimize=True, compress_level=1)
    )
    assert (first.status, again.status, other_format.status) == ("ACCEPTED", "DUPLICATE", "DUPLICATE")
    assert again.study_image == first.study_image
    assert StudyImage.objects.count() == Radiograph.objects.count() == 1


def test_equal_values_of_the_other_photometric_interpretation_are_another_picture(uploader, site):
    pixels = files.values(12)
    rows = files.hand_in(
        uploader, site, *(
            files.dicom(files.dataset(pixels, PhotometricInterpretation=name))
            for name in ("MONOCHROME1", "MONOCHROME2")
        )
    )  # fmt: skip
    assert [row.status for row in rows] == ["ACCEPTED", "ACCEPTED"]


def test_two_people_of_a_site_upload_the_same_and_neither_learns_of_another_site(uploader, site):
    content, colleague = files.png(), make.person(site, Role.UPLOADER)
    elsewhere = make.site()
    stranger = make.person(elsewhere, Role.UPLOADER)
    (first,) = files.hand_in(uploader, site, content)
    (second,) = files.hand_in(colleague, site, content)
    (third,) = files.hand_in(stranger, elsewhere, content)
    assert (first.status, second.status, third.status) == ("ACCEPTED", "DUPLICATE", "ACCEPTED")
    assert Radiograph.objects.count() == 2


@pytest.fixture
def held(uploader, site):
    content = files.png()
    files.hand_in(uploader, site, content, details=Details(patient_code="one"))
    (file,) = files.hand_in(uploader, site, content, details=Details(patient_code="two"))
    return file


def test_the_same_pixels_under_two_patients_wait_for_a_lead(held, uploader, lead, site):
    assert (held.status, held.code) == ("HELD", "two_patients")
    assert "A lead of the site decides." in held.sentence
    assert Study.objects.count() == 1
    with pytest.raises(Forbidden):
        intake.release_held(uploader, held.pk)
    with pytest.raises(NotFound):
        intake.release_held(make.lead(make.site()), held.pk)
    intake.release_held(lead, held.pk)
    held.refresh_from_db()
    assert held.status == "ACCEPTED"
    assert held.study.patient_key == patient_key(site, issuer="", patient_id="two")
    assert Radiograph.objects.count() == 1
    with pytest.raises(Conflict):
        intake.refuse_held(lead, held.pk)


def test_a_lead_refuses_what_is_held_and_its_bytes_go(held, lead):
    from bonefrac.stores import INCOMING

    assert INCOMING.path(held.sha256).exists()
    intake.refuse_held(lead, held.pk)
    held.refresh_from_db()
    assert (held.status, held.code) == ("REFUSED", "refused_by_lead")
    assert not INCOMING.path(held.sha256).exists()


def test_a_late_image_warns_the_reader_and_reopens_what_was_signed(uploader, site):
    first, late = files.dataset(), files.dataset()
    late.StudyInstanceUID = first.StudyInstanceUID
    files.hand_in(uploader, site, files.dicom(first), expected_files=1)
    study = Study.objects.get()
    make.signed(make.reader(site), study, "no_fracture")
    assert (study.status, study.round) == ("REVIEWED", 1)
    revision = study.revision
    files.hand_in(uploader, site, files.dicom(late), expected_files=1)
    study.refresh_from_db()
    assert (study.status, study.round, study.images.count()) == ("AWAITING", 2, 2)
    assert study.revision > revision


def test_the_same_identity_with_other_pixels_is_refused(uploader, site):
    first, second = files.dataset(), files.dataset()
    second.StudyInstanceUID, second.SOPInstanceUID = first.StudyInstanceUID, first.SOPInstanceUID
    rows = files.hand_in(uploader, site, files.dicom(first), files.dicom(second))
    assert [row.code for row in rows] == ["", "same_instance"]


def test_a_study_of_another_patient_holds_the_file(uploader, site):
    first, second = files.dataset(PatientID="A"), files.dataset(PatientID="B")
    second.StudyInstanceUID = first.StudyInstanceUID
    rows = files.hand_in(uploader, site, files.dicom(first), files.dicom(second))
    assert [(row.status, row.code) for row in rows] == [("ACCEPTED", ""), ("HELD", "other_patient")]


def test_each_active_model_is_asked(uploader, site, tmp_path):
    from inference import registry
    from inference.models import PredictionJob
    from tests import tiny

    registry.promote(None, registry.register(None, tiny.write(tmp_path / "artifact")))
    (file,) = files.hand_in(uploader, site, files.png())
    assert PredictionJob.objects.get().radiograph == file.study_image.radiograph
    assert file.study_image.radiograph.renditions.count() == 2
