"""Patients in conflict, settled by a lead; late images; what another site never learns; header against entry."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from bonefrac.accounts.models import Role
from bonefrac.errors import Conflict, Forbidden, Invalid
from studies import discrepancies, intake, rearranging, reviews, worklist
from studies.intake import Details, Grouping, folder_key, listing
from studies.intake.holding import sides_of
from studies.models import Discrepancy, IncomingFile, Notice, Study, StudyImage
from tests import factories_intake as files
from tests import factories_studies as make


def same_picture_of(uploader, site, *codes):
    picture = files.png()
    return [files.hand_in(uploader, site, picture, details=Details(patient_code=code))[0] for code in codes]


def one_study_of(uploader, site, *patients, **elements):
    made = [files.dataset(PatientID=patient, **elements) for patient in patients]
    for dataset in made[1:]:
        dataset.StudyInstanceUID = made[0].StudyInstanceUID
    return files.hand_in(uploader, site, *map(files.dicom, made))


def test_a_lead_sees_both_sides_of_one_picture_under_two_patients(uploader, site, lead):
    first, held = same_picture_of(uploader, site, "A", "B")
    sides = sides_of(lead, held.pk)
    assert (sides.study, sides.images, sides.shows_same_picture) == (first.study, (first.study_image,), True)
    assert sides.radiograph == first.study_image.radiograph
    assert sides.pseudonym != f"P-{first.study.patient_key[:8]}"
    with pytest.raises(Forbidden):
        sides_of(uploader, held.pk)


def test_a_released_picture_is_an_image_of_its_own_patient_and_what_comes_again_is_linked_to_it(uploader, site, lead):
    picture = files.png()
    send = lambda code: files.hand_in(uploader, site, picture, details=Details(patient_code=code))[0]  # noqa: E731
    first, held = send("A"), send("B")
    released = intake.release_held(lead, held.pk)
    assert released.study_image.radiograph == first.study_image.radiograph
    assert first.study.patient_key != released.study.patient_key
    for code, image in (("A", first.study_image), ("B", released.study_image)):
        again = send(code)
        assert (again.status, again.study_image) == ("DUPLICATE", image)
    assert StudyImage.objects.count() == 2


def test_a_linked_picture_is_a_duplicate_of_the_first(uploader, site, lead):
    first, held = same_picture_of(uploader, site, "A", "B")
    linked = intake.link_held(lead, held.pk)
    assert (linked.status, linked.study_image) == ("DUPLICATE", first.study_image)
    assert "arrival" not in linked.details
    assert StudyImage.objects.count() == 1
    with pytest.raises(Conflict):
        intake.link_held(lead, held.pk)


def test_a_study_under_two_patients_is_let_in_apart_and_what_comes_later_follows(uploader, site, lead):
    uid = files.dataset().StudyInstanceUID
    first, held = one_study_of(uploader, site, "A", "B", StudyInstanceUID=uid)
    released = intake.release_held(lead, held.pk)
    assert released.study != first.study
    assert released.study.patient_key not in (None, first.study.patient_key)
    third = files.dataset(PatientID="B", StudyInstanceUID=uid)
    (later,) = files.hand_in(uploader, site, files.dicom(third))
    assert (later.status, later.study) == ("ACCEPTED", released.study)


def test_a_picture_whose_patient_is_wrong_joins_the_study_that_is_here(uploader, site, lead):
    first, held = one_study_of(uploader, site, "A", "B")
    joined = intake.link_held(lead, held.pk)
    assert (joined.status, joined.study) == ("ACCEPTED", first.study)
    first.study.refresh_from_db()
    assert first.study.images.count() == 2
    assert joined.study.patient_key == first.study.patient_key


def test_another_site_never_learns_of_a_copy(uploader, site):
    elsewhere = make.site()
    other = make.person(elsewhere, Role.UPLOADER)
    picture = files.png()
    seen = []
    for actor, place in ((uploader, site), (other, elsewhere)):
        (row,) = files.hand_in(actor, place, picture, details=Details(patient_code="A" if place == site else "B"))
        seen.append((row.status, row.code, row.sentence))
    assert seen == [("ACCEPTED", "", "")] * 2
    radiographs = {image.radiograph_id for image in StudyImage.objects.all()}
    assert len(radiographs) == 2


def test_what_comes_for_a_merged_study_goes_where_it_went(uploader, site, lead):
    first, late = files.dataset(), files.dataset()
    late.StudyInstanceUID = first.StudyInstanceUID
    (row,) = files.hand_in(uploader, site, files.dicom(first))
    target = make.study(site)
    rearranging.merge(lead, row.study.pk, into=target.pk, reason="One examination, sent twice.")
    (later,) = files.hand_in(uploader, site, files.dicom(late))
    assert (later.status, later.study) == ("ACCEPTED", target)
    row.refresh_from_db()
    assert row.study == target


def test_a_moved_picture_that_comes_again_is_linked_to_where_it_is(uploader, site, lead):
    first, second = files.dataset(), files.dataset()
    second.StudyInstanceUID = first.StudyInstanceUID
    rows = files.hand_in(uploader, site, files.dicom(first), files.dicom(second))
    target = make.study(site)
    rearranging.move_images(lead, rows[0].study.pk, images=[rows[0].study_image.pk], to=target.pk, reason="Wrong.")
    (again,) = files.hand_in(uploader, site, files.dicom(first))
    assert (again.status, again.study) == ("DUPLICATE", target)


def test_a_late_image_tells_who_holds_the_study_and_starts_a_round_where_somebody_has_read(uploader, lead):
    site = make.site(required=2)
    sender = make.person(site, Role.UPLOADER)
    first, late = files.dataset(), files.dataset()
    late.StudyInstanceUID = first.StudyInstanceUID
    files.hand_in(sender, site, files.dicom(first), expected_files=1)
    study, reader, holder = Study.objects.get(), make.reader(site), make.reader(site)
    make.signed(reader, study, "fracture")
    worklist.claim(holder, study.pk)
    assert (study.status, study.round) == ("AWAITING", 1)
    files.hand_in(sender, site, files.dicom(late), expected_files=1)
    study.refresh_from_db()
    assert (study.status, study.round, study.claimed_by) == ("AWAITING", 2, holder)
    assert set(Notice.objects.values_list("person", "kind")) == {
        (reader.pk, "image_added"), (holder.pk, "image_added")
    }  # fmt: skip
    with pytest.raises(Conflict) as refused:
        reviews.sign(holder, study.pk, judgement=make.judgement(), revision=2)
    assert refused.value.code == "stale"
    assert "an image was added" in refused.value.sentence


def test_pictures_of_a_folder_are_a_study_and_its_name_is_nowhere(uploader, site):
    rows = files.hand_in(uploader, site, *(files.png() for _ in range(3)), grouping=Grouping.FOLDER, judged=False)
    for row, folder in zip(rows, ("Meier Hans/a", "Meier Hans/a/", "Meier Hans/b"), strict=True):
        row.details["folder"] = folder_key(site, folder)
        row.save(update_fields=["details"])
        intake.judge(row.pk)
    assert sorted(study.images.count() for study in Study.objects.all()) == [1, 2]
    assert not any("Meier" in str(row.details) for row in IncomingFile.objects.all())


def test_a_header_that_contradicts_the_entry_is_asked_once_and_answered_once(uploader, site, lead):
    made = [files.dataset(Laterality="L"), files.dataset(Laterality="L")]
    made[1].StudyInstanceUID = made[0].StudyInstanceUID
    files.hand_in(uploader, site, *map(files.dicom, made), details=Details(side="right"))
    asked, study = Discrepancy.objects.get(), Study.objects.get()
    assert (asked.fact, asked.header_value, asked.entered_value, study.side) == ("side", "left", "right", "right")
    assert Notice.objects.get().person == uploader
    with pytest.raises(Forbidden):
        discrepancies.answer(make.reader(site), asked.pk, chosen="left")
    with pytest.raises(Invalid):
        discrepancies.answer(uploader, asked.pk, chosen="both")
    discrepancies.answer(uploader, asked.pk, chosen="right")
    study.refresh_from_db()
    assert (study.side, {image.side for image in study.images.all()}) == ("right", {"right"})
    with pytest.raises(Conflict):
        discrepancies.answer(lead, asked.pk, chosen="left")


@pytest.mark.parametrize(("header", "entered"), [("L", "left"), ("L", "unknown"), (None, "left")])
def test_what_agrees_or_is_unknown_is_not_asked(uploader, site, header, entered):
    elements = {"Laterality": header} if header else {}
    files.hand_in(uploader, site, files.dicom(files.dataset(**elements)), details=Details(side=entered))
    assert Study.objects.get().side == "left"
    assert not Discrepancy.objects.exists()


def test_held_files_are_listed_urgent_first_then_oldest_and_late_ones_are_an_alarm(uploader, site, lead):
    held = [same_picture_of(uploader, site, "A", "B")[1] for _ in range(4)]
    for age, file in enumerate(held):
        IncomingFile.objects.filter(pk=file.pk).update(received_at=timezone.now() - timedelta(minutes=10 - age))
    IncomingFile.objects.filter(pk=held[0].pk).update(received_at=timezone.now() - timedelta(days=2))
    IncomingFile.objects.filter(pk__in=[held[2].pk, held[3].pk]).update(details=held[2].details | {"urgent": True})
    seen, cursor, pages = [], "", 0
    while pages == 0 or cursor:
        page = listing.held_page(lead, cursor=cursor, size=2)
        seen, cursor, pages = [*seen, *page.rows], page.next_cursor, pages + 1
    assert [row.file.pk for row in seen] == [held[2].pk, held[3].pk, held[0].pk, held[1].pk]
    assert [row.is_overdue for row in seen] == [False, False, True, False]
    with pytest.raises(Invalid):
        listing.held_page(lead, cursor="x1")
