"""What the database itself refuses on people's side: one test per constraint and trigger."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from bonefrac.accounts.models import Role
from bonefrac.db import violated
from studies import datasets, reviews
from studies.models import Finding, ImageReading, Problem, Review, Study, StudyImage
from studies.selectors import ai_of_study
from tests import factories_studies as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("undo_is_over")]

APPEND_ONLY = [
    "studies_review", "studies_imagereading", "studies_finding", "studies_disclosure", "studies_decision",
    "studies_dataset", "studies_datasetitem", "studies_splitgroup", "studies_splitmembership",
]  # fmt: skip


def refused_by(change) -> str:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        change()
    return violated(refused.value)


def evidence():
    """One row at least in every append-only table that reading makes."""
    site = make.site()
    study, reader = make.study(site, patient="p"), make.reader(site)
    make.predicted(study, make.model(), "positive")
    ai_of_study(reader, study)
    make.signed(reader, study, boxes=[make.box(study.images.get())])
    datasets.freeze(make.person(site, Role.ADMIN), site=site, name="first", criteria=datasets.Criteria())
    reviews.reopen(make.lead(site), study.pk, reason="again")
    return study


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_evidence_is_only_ever_added_also_by_raw_sql(table):
    evidence()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone()[0] > 0
    for statement in (f"UPDATE {table} SET id = uuidv7()", f"DELETE FROM {table}"):
        with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        assert violated(refused.value) == f"{table}_append_only"


def test_erasing_blanks_the_note_and_nothing_else():
    evidence()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL bonefrac.erasing = 'on'")
        cursor.execute("UPDATE studies_review SET note = ''")
    statements = "SET LOCAL bonefrac.erasing = 'on'; UPDATE studies_review SET verdict = 'no_fracture'"
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statements)


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"status": "CLOSED"}, "study_status"),
        ({"body_part": "tail"}, "study_body_part"),
        ({"side": "up"}, "study_side"),
        ({"sex": "X"}, "study_sex"),
        ({"rank": 9}, "study_rank"),
        ({"readings_required": 4}, "study_readings_required"),
        ({"age_months": 1081}, "study_age"),
        ({"claimed_until": timezone.now()}, "claim_whole"),
    ],
)
def test_a_study_holds_only_what_its_columns_name(values, constraint):
    study = make.study(make.site())
    assert refused_by(lambda: Study.objects.filter(pk=study.pk).update(**values)) == constraint
    holder = make.reader(study.site)
    assert Study.objects.filter(pk=study.pk).update(claimed_by=holder, claimed_until=timezone.now()) == 1


def test_a_claim_needs_an_end():
    study = make.study(make.site())
    holder = make.reader(study.site)
    assert refused_by(lambda: Study.objects.filter(pk=study.pk).update(claimed_by=holder)) == "claim_whole"


def test_a_study_uid_is_known_once_per_site():
    study, other = make.study(make.site()), make.site()
    uid = study.study_uid
    clash = Study(
        site=study.site, uploader=study.uploader, study_uid=uid, ready_at=timezone.now(), received_at=timezone.now()
    )
    assert refused_by(lambda: clash.save(force_insert=True)) == "study_once_per_site"
    clash.site = other
    clash.save(force_insert=True)


def test_an_image_is_in_a_study_once():
    study = make.study(make.site())
    image = study.images.get()
    assert refused_by(lambda: make.image(study, 1, shows=image.radiograph)) == "radiograph_once_per_study"
    same_uid = StudyImage(
        study=study, radiograph=make.radiograph(study.site), position=1, sop_instance_uid=image.sop_instance_uid,
        sop_class_uid="1.2", original_kind="png",
    )  # fmt: skip
    assert refused_by(lambda: same_uid.save(force_insert=True)) == "image_once_per_study"
    same_uid.sop_instance_uid, same_uid.side = "2.25.9", "up"
    assert refused_by(lambda: same_uid.save(force_insert=True)) == "image_side"


def review_of(study, reader, **values):
    fields = {"mode": "blind", "round": 1, "verdict": "fracture", "opened_at": timezone.now()}
    return Review.objects.create(study=study, reader=reader, **(fields | values))


def test_one_root_review_and_one_successor():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    root = review_of(study, reader)
    assert refused_by(lambda: review_of(study, reader)) == "one_root_review"
    review_of(study, reader, supersedes=root)
    assert refused_by(lambda: review_of(study, reader, supersedes=root)) == "studies_review_supersedes_id_key"
    review_of(study, reader, mode="assisted")
    review_of(study, reader, round=2)
    review_of(study, reader, kind="adjudication")


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"kind": "glance"}, "review_kind"),
        ({"mode": "half"}, "review_mode"),
        ({"verdict": "normal"}, "review_verdict"),
        ({"verdict": "not_assessable"}, "reason_iff_not_assessable"),
        ({"not_assessable_reason": "quality"}, "reason_iff_not_assessable"),
    ],
)
def test_a_review_holds_only_what_its_columns_name(values, constraint):
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    assert refused_by(lambda: review_of(study, reader, **values)) == constraint
    assert review_of(study, reader)


def test_an_image_is_read_once_in_a_review_and_a_box_has_area():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    review, image = review_of(study, reader), study.images.get()
    reading = ImageReading.objects.create(review=review, study_image=image, verdict="fracture_visible")
    again = ImageReading(review=review, study_image=image, verdict="no_fracture")
    assert refused_by(lambda: again.save(force_insert=True)) == "one_reading_per_image"
    assert (
        refused_by(lambda: ImageReading.objects.create(review=review, study_image=image, verdict="maybe"))
        == "image_reading_verdict"
    )
    for wrong in ({"width": 0}, {"x": -1}, {"height": -2}):
        values = {"x": 1, "y": 1, "width": 2, "height": 2} | wrong
        assert refused_by(lambda v=values: Finding.objects.create(image_reading=reading, **v)) == "finding_box_has_area"


def test_a_problem_is_settled_by_somebody_at_some_time():
    study = make.study(make.site())
    problem = Problem.objects.create(study=study, reporter=study.uploader, sentence="wrong side")
    half = Problem.objects.filter(pk=problem.pk)
    assert refused_by(lambda: half.update(settled_at=timezone.now())) == "problem_settled_whole"
    assert half.update(settled_at=timezone.now() + timedelta(0), settled_by=study.uploader) == 1


def test_a_decision_has_a_reason():
    study = make.study(make.site())
    lead = make.lead(study.site)
    decide = study.decisions.create
    assert refused_by(lambda: decide(lead=lead, event="reopen", round=1, reason="")) == "decision_has_reason"
    assert refused_by(lambda: decide(lead=lead, event="shred", round=1, reason="x")) == "decision_event"
