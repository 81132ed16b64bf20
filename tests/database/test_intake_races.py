"""Workers who judge at the same moment: one picture is one image, one study is one row, nobody waits for ever."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from bonefrac.accounts.models import Role
from bonefrac.stores import INCOMING
from inference.models import Radiograph
from studies import intake, rearranging
from studies.decoding.parent import decoder
from studies.intake import Details, judging
from studies.models import Study, StudyImage
from tests import factories_intake as files
from tests import factories_studies as make
from tests.database.test_studies_races import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site():
    return make.site()


@pytest.fixture
def uploader(site):
    return make.person(site, Role.UPLOADER)


def judged(row):
    """Return a deed that judges a file which is decoded already: only the joining races."""
    file = judging.start(row.pk)
    decoded = decoder().decode(INCOMING.path(file.sha256), max_pixels=10**6, preprocessings=[])
    return lambda: judging.admit(file, decoded)


def status_of(rows):
    for row in rows:
        row.refresh_from_db()
    return sorted(row.status for row in rows)


@pytest.mark.parametrize("_turn", range(3))
def test_five_workers_judge_one_picture_and_it_is_one_image(uploader, site, _turn):
    rows = files.hand_in(uploader, site, *[files.png(files.values(seed=7))] * 5, judged=False)
    together([judged(row) for row in rows])
    assert status_of(rows) == ["ACCEPTED", *["DUPLICATE"] * 4]
    assert (StudyImage.objects.count(), Radiograph.objects.count()) == (1, 1)


def test_five_workers_judge_images_of_one_study_and_it_is_one_study(uploader, site):
    uid = files.dataset().StudyInstanceUID
    made = [files.dicom(files.dataset(StudyInstanceUID=uid)) for _ in range(5)]
    rows = files.hand_in(uploader, site, *made, judged=False, expected_files=5)
    together([judged(row) for row in rows])
    assert status_of(rows) == ["ACCEPTED"] * 5
    study = Study.objects.get()
    assert study.images.count() == 5
    assert study.ready_at <= timezone.now()


def test_a_picture_that_comes_again_while_a_lead_moves_it_is_linked_to_where_it_is(uploader, site):
    lead, target = make.lead(site), make.study(site)
    content = files.png()
    (first,) = files.hand_in(uploader, site, content)
    (again,) = files.hand_in(uploader, site, content, judged=False)
    deed = judged(again)
    together([
        lambda: rearranging.move_images(
            lead, first.study.pk, images=[first.study_image.pk], to=target.pk, reason="Wrong."
        ).pk,
        deed,
    ])  # fmt: skip
    again.refresh_from_db()
    assert (again.status, again.study, again.study_image) == ("DUPLICATE", target, target.images.last())


def test_three_leads_let_one_held_file_in_and_one_does(uploader, site):
    picture = files.png()
    files.hand_in(uploader, site, picture, details=Details(patient_code="A"))
    (held,) = files.hand_in(uploader, site, picture, details=Details(patient_code="B"))
    leads = [make.lead(site) for _ in range(3)]
    came = together([lambda lead=lead: intake.release_held(lead, held.pk).status for lead in leads])
    assert sorted(came) == ["ACCEPTED", "wrong_state", "wrong_state"]
    assert StudyImage.objects.count() == 2


def test_two_leads_let_two_copies_in_at_once_and_it_is_one_image(uploader, site):
    picture = files.png()
    files.hand_in(uploader, site, picture, details=Details(patient_code="A"))
    held = [files.hand_in(uploader, site, picture, details=Details(patient_code="B"))[0] for _ in range(2)]
    leads = [make.lead(site) for _ in range(2)]
    came = together(
        [
            lambda lead=lead, file=file: intake.release_held(lead, file.pk).status
            for lead, file in zip(leads, held, strict=True)
        ]
    )
    assert sorted(came) == ["ACCEPTED", "DUPLICATE"]
    assert StudyImage.objects.count() == 2


def aside(deed):
    """Do a deed on a connection of its own while this one goes on; it is waited for by ``join``."""

    def one():
        try:
            deed()
        finally:
            connection.close()

    thread = threading.Thread(target=one)
    thread.start()
    return thread


def test_a_complete_batch_does_not_wait_for_a_study_that_somebody_changes(uploader, site):
    rows = files.hand_in(uploader, site, files.dicom(), files.dicom(), judged=False, expected_files=2)
    intake.judge(rows[0].pk)
    rows[0].refresh_from_db()
    deed = judged(rows[1])
    with transaction.atomic():
        Study.objects.select_for_update(no_key=True).get(pk=rows[0].study_id)
        worker = aside(deed)
        worker.join(10)
        assert not worker.is_alive()
    rows[1].refresh_from_db()
    ready = {study.pk: study.ready_at <= timezone.now() for study in Study.objects.all()}
    assert ready == {rows[0].study_id: False, rows[1].study_id: True}


def test_a_file_whose_database_goes_away_while_it_joins_is_judged_again_and_is_not_to_blame(uploader, site):
    (row,) = files.hand_in(uploader, site, files.png(), judged=False)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE studies_studyimage IN ACCESS EXCLUSIVE MODE")
        worker = aside(lambda: intake.judge(row.pk))
        while not _ended_who_waits(cursor):
            threading.Event().wait(0.05)
        worker.join(20)
    row.refresh_from_db()
    assert (row.status, row.deaths, Study.objects.count()) == ("RECEIVED", 0, 0)
    intake.judge(row.pk)
    assert status_of([row]) == ["ACCEPTED"]
    assert StudyImage.objects.count() == 1


def _ended_who_waits(cursor):
    """End the connections that wait for a lock on this database; return how many they were."""
    cursor.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_locks "
        "WHERE NOT granted AND relation = 'studies_studyimage'::regclass"
    )
    return cursor.fetchone()[0]
