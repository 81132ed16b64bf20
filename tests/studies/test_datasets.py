"""Freezing: what is taken, how it is labelled, on which side it lies, and that it never changes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile

import pytest
from django.db import DatabaseError, connection, transaction
from PIL import Image
from pycocotools.coco import COCO

from bonefrac.accounts.models import Role
from bonefrac.audit.models import AuditEvent, Verb
from bonefrac.errors import Conflict, Forbidden, Invalid
from studies import datasets, reviews
from studies.datasets import Criteria
from studies.datasets.freezing import COUNTED, digest_of, select
from studies.datasets.rows import rows_of
from studies.datasets.splits import side_of
from studies.models import DatasetItem, Finding, SplitGroup, SplitMembership
from studies.reviews import Unlocated
from studies.selectors.ai import ai_of_study
from tests import factories_studies as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("undo_is_over")]


@pytest.fixture
def site(db):
    return make.site()


@pytest.fixture
def cast(site):
    return {role: make.person(site, Role(role)) for role in ("uploader", "radiologist", "lead", "admin")}


@pytest.fixture
def study(site, cast):
    return make.study(site, uploader=cast["uploader"], images=2, patient="4711", body_part="hand")


def boxes_on(study, boxes):
    images = list(study.images.order_by("position"))
    return [make.box(images[at], *place) for at, *place in boxes]


def sign(reader, study, verdict="no_fracture", boxes=()):
    return make.signed(reader, study, verdict, boxes=boxes_on(study, boxes))


def freeze(cast, site, name="First", **criteria):
    return datasets.freeze(cast["admin"], site=site, name=name, criteria=Criteria(**criteria))


def exported(cast, dataset, file_format, **options) -> bytes:
    return b"".join(datasets.export(cast["admin"], dataset, file_format=file_format, **options).chunks)


def test_an_unmarked_image_of_a_fracture_study_is_unlocated_never_negative(site, cast, study):
    sign(cast["radiologist"], study, "fracture", boxes=[(0, 4, 5, 10, 12)])
    dataset = freeze(cast, site)
    labels = {row.image: row.image_label for row in rows_of(dataset)}
    first, second = study.images.order_by("position")
    assert labels == {str(first.pk): "fracture", str(second.pk): "unlocated"}
    assert {row.review_state for row in rows_of(dataset)} == {"reviewed_positive"}


def test_only_reviewed_studies_are_taken(site, cast, study):
    make.study(site, uploader=cast["uploader"])
    assert datasets.preview(cast["admin"], site=site, criteria=Criteria())["images"] == 0
    with pytest.raises(Invalid, match="no label to freeze"):
        freeze(cast, site)
    sign(cast["radiologist"], study)
    assert datasets.preview(cast["admin"], site=site, criteria=Criteria())["images"] == 2
    assert datasets.preview(cast["admin"], site=site, criteria=Criteria(body_part="leg"))["images"] == 0


def test_a_study_with_an_open_problem_is_left_out(site, cast, study):
    from studies import reviews

    sign(cast["radiologist"], study)
    reviews.report_problem(cast["radiologist"], study.pk, sentence="The side is wrong.")
    assert datasets.preview(cast["admin"], site=site, criteria=Criteria())["images"] == 0


def test_preview_says_what_freezing_takes_and_writes_nothing(site, cast, study):
    sign(cast["radiologist"], study)
    before = datasets.preview(cast["admin"], site=site, criteria=Criteria())
    assert SplitGroup.objects.count() == 0
    assert freeze(cast, site).counts == before
    assert SplitGroup.objects.count() == 1


@pytest.mark.parametrize("role", ["uploader", "radiologist", "lead"])
def test_only_an_administrator_freezes_and_exports(site, cast, study, role):
    sign(cast["radiologist"], study)
    with pytest.raises(Forbidden):
        datasets.freeze(cast[role], site=site, name="Mine", criteria=Criteria())
    dataset = freeze(cast, site)
    with pytest.raises(Forbidden):
        datasets.export(cast[role], dataset, file_format="csv")
    assert exported(cast, dataset, "csv")


def test_a_name_is_taken_once_and_nothing_is_left_of_the_second(site, cast, study):
    sign(cast["radiologist"], study)
    freeze(cast, site)
    with pytest.raises(Conflict) as refused:
        freeze(cast, site, name="  First ")
    assert refused.value.code == "name_taken"
    assert DatasetItem.objects.count() == 2


def test_a_frozen_dataset_cannot_be_changed_by_raw_sql(site, cast, study):
    sign(cast["radiologist"], study)
    freeze(cast, site)
    for table in ("studies_dataset", "studies_datasetitem", "studies_splitgroup", "studies_splitmembership"):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET id = id"):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)


def test_an_amended_review_changes_the_next_dataset_not_the_first(site, cast, study):
    from studies import reviews

    review = sign(cast["radiologist"], study)
    first = freeze(cast, site)
    study.refresh_from_db()
    reviews.amend(
        cast["radiologist"],
        review.pk,
        judgement=make.judgement("fracture"),
        revision=study.revision,
        reason="Seen.",
    )
    second = freeze(cast, site, name="Second")
    assert {row.study_verdict for row in rows_of(first)} == {"no_fracture"}
    assert {row.study_verdict for row in rows_of(second)} == {"fracture"}
    assert first.digest != second.digest


def test_the_digest_sees_a_box_move(site, cast, study):
    from studies import reviews

    review = sign(cast["radiologist"], study, "fracture", boxes=[(0, 4, 5, 10, 12)])
    first = freeze(cast, site)
    study.refresh_from_db()
    moved = make.judgement("fracture", boxes=boxes_on(study, [(0, 5, 5, 10, 12)]))
    reviews.amend(
        cast["radiologist"], review.pk, judgement=moved, revision=study.revision, reason="A little to the right."
    )
    assert freeze(cast, site, name="Second").digest != first.digest


def test_a_patient_keeps_one_side_whatever_comes_later(site, cast):
    readers = cast["radiologist"]
    for patient in ("a", "b", "a", ""):
        sign(readers, make.study(site, uploader=cast["uploader"], patient=patient))
    first = {row.image: (row.group, row.split) for row in rows_of(freeze(cast, site))}
    assert len({group for group, _ in first.values()}) == 3
    for number in range(6):
        sign(readers, make.study(site, uploader=cast["uploader"], patient=f"new {number}"))
    later = {row.image: (row.group, row.split) for row in rows_of(freeze(cast, site, name="Second"))}
    assert first.items() <= later.items()
    assert all(split == side_of(group) for group, split in later.values())


def test_pixels_that_belong_to_another_group_are_left_out_and_counted(site, cast):
    radiograph = make.radiograph(site)
    for patient in ("a", "b"):
        study = make.study(site, uploader=cast["uploader"], patient=patient, images=0)
        make.image(study, shows=radiograph)
        sign(cast["radiologist"], study)
    dataset = freeze(cast, site)
    assert dataset.counts["images"] == 1
    assert dataset.counts["leak_conflicts"] == 1
    assert SplitMembership.objects.count() == 1
    assert select(site, Criteria()).leak_conflicts == 1


def test_sides_are_shared_as_stated():
    sides = [side_of(f"{number:064x}") for number in range(4000)]
    assert sides.count("train") / 4000 == pytest.approx(0.70, abs=0.03)
    assert sides.count("val") / 4000 == pytest.approx(0.15, abs=0.03)


def test_csv_rows_equal_the_database_and_hold_the_box(site, cast, study):
    sign(cast["radiologist"], study, "fracture", boxes=[(0, 4, 5, 10.5, 12)])
    dataset = freeze(cast, site)
    rows = list(csv.DictReader(io.StringIO(exported(cast, dataset, "csv").decode())))
    assert len(rows) == DatasetItem.objects.filter(dataset=dataset).count() == 2
    boxed = next(row for row in rows if row["image_label"] == "fracture")
    assert [(box["x"], box["y"], box["width"], box["height"]) for box in json.loads(boxed["boxes"])] == [
        (4, 5, 10.5, 12)
    ]
    for row in rows:
        item = DatasetItem.objects.get(dataset=dataset, study_image=row["image"])
        assert (row["study"], row["split"], row["group"]) == (str(study.pk), item.split, item.group.key)
        assert (row["agreement"], row["phase"], row["ai_state"]) == ("no_ai", "blind", "")
        assert len(row["reader_key"]) == 16
        assert "4711" not in str(row)


def test_coco_loads_with_pycocotools(site, cast, study, tmp_path, capsys):
    sign(cast["radiologist"], study, "fracture", boxes=[(1, 4, 5, 10, 12)])
    negative = make.study(site, uploader=cast["uploader"])
    sign(cast["radiologist"], negative)
    path = tmp_path / "coco.json"
    path.write_bytes(exported(cast, freeze(cast, site), "coco"))
    coco = COCO(str(path))
    capsys.readouterr()
    assert len(coco.getImgIds()) == 3
    (box,) = coco.loadAnns(coco.getAnnIds())
    assert box["bbox"] == [4, 5, 10, 12]
    assert coco.loadImgs(box["image_id"])[0]["image_label"] == "fracture"
    without = [image for image in coco.dataset["images"] if image["study"] == str(negative.pk)]
    assert [image["review_state"] for image in without] == ["reviewed_negative"]


def test_the_archive_holds_what_its_checksums_say(site, cast, study):
    sign(cast["radiologist"], study, "fracture", boxes=[(0, 4, 5, 10, 12)])
    dataset = freeze(cast, site)
    archive = zipfile.ZipFile(io.BytesIO(exported(cast, dataset, "zip")))
    assert archive.testzip() is None
    sums = dict(reversed(line.split("  ")) for line in archive.read("SHA256SUMS").decode().splitlines())
    assert set(sums) == set(archive.namelist()) - {"SHA256SUMS"}
    assert all(hashlib.sha256(archive.read(name)).hexdigest() == digest for name, digest in sums.items())
    rows = list(csv.DictReader(io.StringIO(archive.read("labels.csv").decode())))
    picture = Image.open(io.BytesIO(archive.read(rows[0]["file_name"])))
    assert picture.size == (int(rows[0]["columns"]), int(rows[0]["rows"])) == (make.COLUMNS, make.ROWS)
    assert json.loads(archive.read("dataset.json"))["digest"] == dataset.digest


def test_corrected_only_leaves_agreement_and_silence_out(site, cast):
    active_model, studies = make.model(), {}
    for said, verdict in (
        ("positive", "fracture"),
        ("positive", "no_fracture"),
        ("negative", "fracture"),
        ("doubt", "fracture"),
    ):
        study = make.study(site, uploader=cast["uploader"])
        make.predict(study.images.get().radiograph, active_model, state=said)
        ai_of_study(cast["radiologist"], study)
        sign(cast["radiologist"], study, verdict, **({"boxes": [(0, 1, 1, 5, 5)]} if verdict == "fracture" else {}))
        studies[(said, verdict)] = str(study.pk)
    dataset = freeze(cast, site)
    by_study = {row.study: row for row in rows_of(dataset)}
    assert by_study[studies["positive", "fracture"]].agreement == "agreed"
    assert by_study[studies["positive", "fracture"]].phase == "assisted_confirmed"
    assert by_study[studies["positive", "no_fracture"]].phase == "assisted_changed"
    assert by_study[studies["doubt", "fracture"]].agreement == "no_ai"
    corrected = {row.study for row in rows_of(dataset, corrected_only=True)}
    assert corrected == {studies["positive", "no_fracture"], studies["negative", "fracture"]}
    assert by_study[studies["negative", "fracture"]].model_version == str(active_model)


def test_every_export_is_recorded(site, cast, study):
    sign(cast["radiologist"], study)
    dataset = freeze(cast, site)
    exported(cast, dataset, "csv", corrected_only=True)
    event = AuditEvent.objects.get(verb=Verb.DATASET_EXPORTED)
    assert (event.actor, event.target_id) == (cast["admin"], str(dataset.pk))
    assert event.data == {"format": "csv", "corrected_only": True, "digest": dataset.digest}
    with pytest.raises(Invalid, match="'exe'"):
        datasets.export(cast["admin"], dataset, file_format="exe")


def whole(cast, study):
    """Sign everything that a form holds."""
    first, second = study.images.order_by("position")
    make.predicted(study, make.model(), "positive", "negative")
    ai_of_study(cast["radiologist"], study)
    return make.signed(
        cast["radiologist"], study, "fracture", boxes=[make.box(first, 4, 5, 10, 12, bone="radius", type="buckle")],
        points=[make.point(first, 7.5, 8, bone="ulna", side="left"), make.point(second, 1, 2)],
        unlocated=[Unlocated(bone="scaphoid", confidence="possible")], other_findings=("effusion", "dislocation"),
        has_cast_or_hardware=True, agreed_with_model=True, advice=("ct",),
    )  # fmt: skip


def test_a_csv_holds_what_the_form_held(site, cast, study):
    whole(cast, study)
    first, second = csv.DictReader(io.StringIO(exported(cast, freeze(cast, site), "csv").decode()))
    assert [box["bone"] for box in json.loads(first["boxes"])] == ["radius"]
    assert json.loads(first["points"]) == [
        {"x": 7.5, "y": 8.0, "bone": "ulna", "type": "", "side": "left", "confidence": ""}
    ]
    assert (json.loads(first["bones"]), json.loads(first["types"])) == (["radius", "ulna"], ["buckle"])
    assert (json.loads(second["boxes"]), len(json.loads(second["points"])), second["bones"]) == ([], 1, "[]")
    assert json.loads(second["unlocated"]) == [
        {"bone": "scaphoid", "type": "", "side": "unknown", "confidence": "possible"}
    ]
    assert json.loads(first["other_findings"]) == ["dislocation", "effusion"]
    assert (first["has_cast_or_hardware"], first["agreed_with_model"]) == ("1", "1")
    assert first["image_label"] == second["image_label"] == "fracture"


def test_a_point_in_coco_is_a_keypoint_of_its_own_category(site, cast, study, tmp_path):
    whole(cast, study)
    path = tmp_path / "coco.json"
    path.write_bytes(exported(cast, freeze(cast, site), "coco"))
    found = COCO(str(path))
    boxes = found.loadAnns(found.getAnnIds(catIds=[1]))
    assert [(entry["bbox"], entry["bone"], entry["shape"]) for entry in boxes] == [([4, 5, 10, 12], "radius", "box")]
    points = found.loadAnns(found.getAnnIds(catIds=[2]))
    assert [(entry["keypoints"], entry["num_keypoints"]) for entry in points] == [([7.5, 8, 2], 1), ([1, 2, 2], 1)]
    assert found.loadCats([2])[0]["keypoints"] == ["fracture"]
    first = found.loadImgs(found.getImgIds())[0]
    assert (first["unlocated"][0]["bone"], first["other_findings"]) == ("scaphoid", ["dislocation", "effusion"])
    assert (first["has_cast_or_hardware"], first["agreed_with_model"]) == (True, True)


def test_what_was_withdrawn_is_in_no_dataset_and_what_was_amended_is_as_amended(settings, site, cast, study):
    gone, kept = make.study(site), sign(cast["radiologist"], study, "fracture", boxes=[(0, 4, 5, 10, 12)])
    withdrawn = sign(cast["radiologist"], gone)
    settings.UNDO_SECONDS = 15
    reviews.undo(cast["radiologist"], withdrawn.pk)
    settings.UNDO_SECONDS = 0
    study.refresh_from_db()
    amended = reviews.amend(
        cast["radiologist"], kept.pk, judgement=make.judgement("no_fracture"), revision=study.revision, reason="why"
    )
    rows = list(rows_of(freeze(cast, site)))
    assert {row.study for row in rows} == {str(study.pk)}
    assert {item.review_id for item in DatasetItem.objects.all()} == {amended.pk}
    assert {row.image_label for row in rows} == {"no_fracture"}


def test_what_can_still_be_undone_waits(settings, site, cast, study):
    settings.UNDO_SECONDS = 15
    sign(cast["radiologist"], study)
    counts = datasets.preview(cast["admin"], site=site, criteria=Criteria())
    assert (counts["images"], counts["waiting"]) == (0, 1)
    with pytest.raises(Invalid, match="may still be undone"):
        freeze(cast, site)
    settings.UNDO_SECONDS = 0
    assert freeze(cast, site).counts["waiting"] == 0


def digest_without_ticks(items):
    """The digest as it was before a reading could hold points, named fractures and ticks."""
    total = hashlib.sha256()
    for item in sorted(items, key=lambda item: item.study_image):
        boxes = Finding.objects.filter(
            image_reading__review=item.review, image_reading__study_image=item.study_image
        ).order_by("id")
        line = [str(item.study_image), str(item.radiograph), str(item.review), str(item.prediction or "")]
        line += [str(getattr(item, name)) for name in COUNTED]
        line += [item.group_key, str(side_of(item.group_key)), [[row.x, row.y, row.width, row.height] for row in boxes]]
        total.update(json.dumps(line, separators=(",", ":")).encode() + b"\n")
    return total.hexdigest()


def test_the_digest_of_the_same_content_stays(site, cast, study):
    sign(cast["radiologist"], study, "fracture", boxes=[(0, 4, 5, 10, 12), (1, 1, 2, 3, 4)])
    taken = select(site, Criteria()).taken
    assert freeze(cast, site).digest == digest_of(taken) == digest_without_ticks(taken)
    ticked = make.study(site)
    make.signed(cast["radiologist"], ticked, "no_fracture", has_cast_or_hardware=True)
    taken = select(site, Criteria()).taken
    assert digest_of(taken) != digest_without_ticks(taken)
