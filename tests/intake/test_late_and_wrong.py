"""Files that come late, twice, in another order, under another patient or for a study that is void: none is lost."""

from __future__ import annotations

import io
import itertools
from datetime import timedelta

import pytest
from django.utils import timezone
from pydicom import dcmread

from bonefrac.accounts.models import IdentityPolicy, Role
from bonefrac.accounts.pseudonyms import patient_key
from bonefrac.db import new_id
from bonefrac.errors import Conflict
from bonefrac.stores import ORIGINALS
from inference import registry
from inference.models import PredictionJob
from studies import intake, rearranging, reviews
from studies.intake import Details, originals
from studies.intake.holding import sides_of
from studies.models import Identity, Study, StudyImage
from tests import factories_intake as files
from tests import factories_studies as make
from tests import tiny

WHY = "Wrong patient on the cassette."


def of_one_study(number, **elements):
    """Instances of one study."""
    uid = files.dataset().StudyInstanceUID
    return [files.dicom(files.dataset(StudyInstanceUID=uid, **elements)) for _ in range(number)]


def sent(uploader, site, content, **options):
    return files.hand_in(uploader, site, content, **options)[0]


# --- Void studies ------------------------------------------------------------------------------------------------


@pytest.fixture
def voided(uploader, site, lead):
    """A study that was voided, and what came for it later."""
    first, late = of_one_study(2, PatientID="A")
    study = sent(uploader, site, first).study
    reviews.void(lead, study.pk, reason=WHY)
    return study, sent(uploader, site, late)


def test_an_image_for_a_void_study_is_held_and_comes_in_where_a_lead_restores_it(voided, lead):
    study, held = voided
    assert (held.status, held.code) == ("HELD", "void_study")
    assert "its study has been voided" in held.sentence
    sides = sides_of(lead, held.pk)
    assert (sides.study, len(sides.images), sides.is_in_the_way) == (study, 1, True)
    reviews.restore(lead, study.pk)
    assert sides_of(lead, held.pk).is_in_the_way is False
    released = intake.release_held(lead, held.pk)
    assert (released.status, released.study) == ("ACCEPTED", study)
    assert study.images.count() == 2


def test_an_image_for_a_void_study_may_be_a_study_of_its_own_and_what_follows_goes_there(voided, uploader, site, lead):
    study, held = voided
    with pytest.raises(Conflict):
        intake.link_held(lead, held.pk)
    released = intake.release_held(lead, held.pk)
    assert released.study != study
    assert released.study.patient_key == study.patient_key
    uid = files.dataset().StudyInstanceUID
    assert uid != study.study_uid
    study.refresh_from_db()
    assert (study.status, study.images.count()) == ("VOID", 1)


def test_what_comes_for_a_study_whose_images_were_all_moved_away_is_held(uploader, site, lead):
    first, late = of_one_study(2)
    (row,) = files.hand_in(uploader, site, first)
    target = make.study(site)
    rearranging.move_images(lead, row.study.pk, images=[row.study_image.pk], to=target.pk, reason=WHY)
    held = sent(uploader, site, late)
    assert (held.status, held.code, sides_of(lead, held.pk).images) == ("HELD", "void_study", ())
    assert intake.release_held(lead, held.pk).study.images.count() == 1


# --- Two patients ------------------------------------------------------------------------------------------------


def test_a_picture_that_is_held_twice_and_let_in_twice_is_one_image(uploader, site, lead):
    picture = files.png()
    send = lambda code: sent(uploader, site, picture, details=Details(patient_code=code))  # noqa: E731
    send("A")
    held = [send("B"), send("B")]
    assert [file.status for file in held] == ["HELD", "HELD"]
    released = [intake.release_held(lead, file.pk) for file in held]
    assert [file.status for file in released] == ["ACCEPTED", "DUPLICATE"]
    assert released[0].study_image == released[1].study_image
    assert StudyImage.objects.count() == 2


@pytest.mark.parametrize("order", list(itertools.permutations(["", "A", "B"])), ids=lambda order: "".join(order) or "0")
def test_one_picture_under_two_patients_is_a_conflict_in_whatever_order_it_comes(uploader, site, order):
    picture = files.png()
    rows = [sent(uploader, site, picture, details=Details(patient_code=code)) for code in order]
    assert sorted(row.status for row in rows) == ["ACCEPTED", "DUPLICATE", "HELD"]
    first_named = next(code for code in order if code)
    assert Study.objects.get().patient_key == patient_key(site, issuer="", patient_id=first_named)


def test_a_study_corrected_at_the_modality_is_let_in_and_the_wrong_one_merged_into_it(uploader, site, lead):
    wrong, right = of_one_study(2, PatientID="A"), []
    for content in wrong:
        made = dcmread(io.BytesIO(content))
        made.PatientID = "B"
        right.append(files.saved_dataset(made))
    first = files.hand_in(uploader, site, *wrong)
    held = files.hand_in(uploader, site, *right)
    assert {row.code for row in held} == {"two_patients"}
    released = [intake.release_held(lead, row.pk) for row in held]
    (corrected,) = {row.study for row in released}
    assert corrected.patient_key == patient_key(site, issuer="", patient_id="B")
    rearranging.merge(lead, first[0].study.pk, into=corrected.pk, reason="Corrected.", other_patient=True)
    assert (corrected.images.count(), StudyImage.objects.count()) == (2, 2)
    again = files.hand_in(uploader, site, *right, *wrong)
    assert {(row.status, row.study) for row in again} == {("DUPLICATE", corrected)}


def test_what_a_lead_gave_to_its_right_patient_is_not_asked_again_when_it_is_sent_again(uploader, site, lead):
    (content,) = of_one_study(1, PatientID="A")
    wrong, right = sent(uploader, site, content), make.study(site, patient="B")
    ask = {"images": [wrong.study_image.pk], "to": right.pk, "reason": WHY, "other_patient": True}
    rearranging.move_images(lead, wrong.study.pk, **ask)
    again = sent(uploader, site, content)
    assert (again.status, again.study) == ("DUPLICATE", right)


def test_what_comes_for_a_study_that_was_merged_under_another_patient_is_held_beside_it(uploader, site, lead):
    first, late = of_one_study(2, PatientID="A")
    row, target = sent(uploader, site, first), make.study(site, patient="B")
    rearranging.merge(lead, row.study.pk, into=target.pk, reason=WHY, other_patient=True)
    held = sent(uploader, site, late)
    assert (held.code, sides_of(lead, held.pk).study) == ("other_patient", target)
    assert intake.link_held(lead, held.pk).study == target
    assert target.images.count() == 3


def test_a_late_image_is_read_by_the_machine_and_rung_for_its_rank(uploader, site, tmp_path):
    registry.promote(None, registry.register(None, tiny.write(tmp_path / "artifact")))
    rows = [sent(uploader, site, content) for content in of_one_study(2)]
    asked = set(PredictionJob.objects.values_list("radiograph", flat=True))
    assert asked == {row.study_image.radiograph_id for row in rows}


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [("A1", " A1 ", True), ("A1", "a1", False), ("0042", "42", False), ("A1", "A1\0", True)],
)
def test_a_patients_id_counts_but_for_its_margins(uploader, site, one, other, are_same):
    uid = files.dataset().StudyInstanceUID
    rows = [
        sent(uploader, site, files.dicom(files.dataset(StudyInstanceUID=uid, PatientID=code))) for code in (one, other)
    ]
    assert rows[1].status == ("ACCEPTED" if are_same else "HELD")


# --- Studies without an identity ---------------------------------------------------------------------------------


def test_instances_without_a_study_uid_are_a_study_for_each_patient_of_their_upload(uploader, site):
    made = [
        files.dataset(PatientID=patient, AccessionNumber=accession)
        for patient, accession in (("A", "1"), ("A", "1"), ("A", "2"), ("B", ""), ("", ""))
    ]
    for dataset in made:
        del dataset.StudyInstanceUID
    rows = files.hand_in(uploader, site, *map(files.dicom, made))
    assert {row.status for row in rows} == {"ACCEPTED"}
    assert sorted(study.images.count() for study in Study.objects.all()) == [1, 1, 1, 2]
    assert rows[0].study == rows[1].study


def test_a_study_uid_that_is_none_groups_all_the_same_and_two_sites_never_meet(uploader, site):
    elsewhere = make.site()
    stranger = make.person(elsewhere, Role.UPLOADER)
    with pytest.warns(UserWarning, match="Invalid value for VR UI"):
        made = [files.dicom(files.dataset(StudyInstanceUID="not.a.uid")) for _ in range(2)]
    here = files.hand_in(uploader, site, *made)
    there = files.hand_in(stranger, elsewhere, *made)
    assert len({row.study for row in here}) == len({row.study for row in there}) == 1
    assert here[0].study.study_uid != there[0].study.study_uid
    assert {row.status for row in [*here, *there]} == {"ACCEPTED"}


# --- When a study is listed --------------------------------------------------------------------------------------


def test_images_that_trickle_in_for_ever_do_not_keep_their_study_from_the_list(uploader, site, settings):
    first, second, third = of_one_study(3)
    study = sent(uploader, site, first).study
    longest = timedelta(seconds=settings.QUIET_SECONDS * settings.QUIET_TIMES_AT_MOST)
    Study.objects.update(received_at=timezone.now() - longest + timedelta(seconds=5))
    sent(uploader, site, second)
    study.refresh_from_db()
    assert study.ready_at == study.received_at + longest
    assert study.revision == 1
    Study.objects.update(ready_at=timezone.now())
    sent(uploader, site, third)
    study.refresh_from_db()
    assert study.revision == 2


def test_a_study_that_came_while_the_clock_was_ahead_is_listed_once_it_is_right(uploader, site, settings):
    hidden, waiting = (sent(uploader, site, files.dicom()).study for _ in range(2))
    Study.objects.filter(pk=hidden.pk).update(ready_at=timezone.now() + timedelta(hours=2))
    intake.sweep()
    hidden.refresh_from_db(), waiting.refresh_from_db()
    assert hidden.ready_at <= timezone.now() < waiting.ready_at


def test_a_batch_of_which_one_file_is_held_is_complete_and_what_is_let_in_later_is_late(uploader, site, lead):
    picture, batch = files.png(), new_id()
    sent(uploader, site, picture, details=Details(patient_code="A"))
    rows = files.hand_in(
        uploader, site, files.png(), picture, batch=batch, expected_files=2, details=Details(patient_code="B")
    )
    assert [row.status for row in rows] == ["ACCEPTED", "HELD"]
    study = rows[0].study
    assert study.ready_at <= timezone.now()
    make.signed(make.reader(site), study, "no_fracture")
    released = intake.release_held(lead, rows[1].pk)
    study.refresh_from_db()
    assert (released.study, study.status, study.round) == (study, "AWAITING", 2)


# --- What goes with an image -------------------------------------------------------------------------------------


def test_the_original_of_a_picture_that_a_merge_left_behind_is_dropped_on_its_day(uploader, site, lead):
    first = sent(uploader, site, files.png())
    target = make.study(site)
    make.image(target, 1, shows=first.study_image.radiograph)
    rearranging.merge(lead, first.study.pk, into=target.pk, reason=WHY)
    left = StudyImage.everything.get(pk=first.study_image.pk)
    assert left.withdrawn_at
    assert ORIGINALS.path(left.original).exists()
    StudyImage.everything.update(added_at=timezone.now() - timedelta(days=site.originals_days + 1))
    originals.sweep()
    assert not ORIGINALS.path(left.original).exists()


def test_an_identity_goes_with_the_same_patient_and_never_with_another(uploader, lead, site):
    site.identity_policy = IdentityPolicy.CLINICAL
    site.save()
    rows = files.hand_in(uploader, site, *of_one_study(3, PatientID="A", PatientName="Roe^Jane"))
    study = rows[0].study
    assert Identity.objects.filter(study=study).exists()
    keys = [row.study_image.pk for row in rows]
    same = rearranging.split(lead, study.pk, images=keys[:1], reason=WHY)
    other = rearranging.split(
        lead, study.pk, images=keys[1:2], reason=WHY, patient=rearranging.Patient.OTHER, patient_code="B"
    )
    assert Identity.objects.filter(study=same).exists()
    assert not Identity.objects.filter(study=other).exists()
    empty = make.study(site)
    rearranging.merge(lead, same.pk, into=empty.pk, reason=WHY)
    assert Identity.objects.filter(study=empty).exists()
