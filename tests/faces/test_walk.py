"""The whole story over the API against running processes, then a backup that is restored elsewhere with all of it."""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile
from typing import NamedTuple

import pytest
from django.conf import settings

from tests.platform import Platform, picture

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    platform = Platform(tmp_path_factory.mktemp("walk") / "data").start()
    yield platform
    platform.stop()


class Walked(NamedTuple):
    """What the walk left behind."""

    study: str
    seen: dict
    box: dict
    file: str
    dataset: dict
    csv: bytes


def hospital(api) -> str:
    """The site that reads with the AI beside the image."""
    sites = [row["site"] for row in api.get("/sites/")["results"]]
    (found,) = (site["id"] for site in sites if site["reading_mode"] == "assisted")
    return found


def judged(api, sent):
    path = f"/uploads/{sent['files'][0]['id']}/"
    return api.until(path, lambda row: row["status"] not in {"RECEIVED", "JUDGING"})


@pytest.fixture(scope="module")
def walked(platform):
    """Upload two pictures, wait for the machine, correct it with a box, sign, freeze; what every step answered."""
    uploader, reader, admin = (platform.api(f"demo-{name}") for name in ("uploader", "radiologist", "admin"))
    sent = uploader.upload(
        {"one.png": picture(901), "two.png": picture(902)},
        site=hospital(uploader),
        body_part="hand",
        question="Fell on the hand.",
        expected_files="2",
    )
    row = judged(uploader, sent)
    assert row["status"] == "ACCEPTED", row
    study = row["study"]
    seen = reader.until(f"/studies/{study}/", lambda found: "waiting" not in found["ai"]["sentence"])
    reader.post(f"/studies/{study}/claim/")
    box = {"image": seen["images"][0]["id"], "x": 100.0, "y": 120.0, "width": 80.0, "height": 60.5}
    judgement = {"verdict": "fracture", "boxes": [box], "revision": seen["revision"], "confidence": "probable"}
    reader.post(f"/studies/{study}/reviews/", judgement, expect=201)
    time.sleep(settings.UNDO_SECONDS + 1)  # what can still be undone is not frozen
    dataset = admin.post("/datasets/", {"site": seen["site"], "name": "Walked"}, expect=201)
    return Walked(study, seen, box, sent["files"][0]["id"], dataset, admin.read(f"/datasets/{dataset['id']}/csv/"))


def test_the_machine_spoke_and_the_reader_signed(platform, walked):
    assert walked.seen["ai"]["state"] in {"positive", "doubt", "negative"}
    assert walked.seen["ai"]["model_version"].startswith("fracture-mobilenetv2")
    assert len(walked.seen["images"]) == 2
    assert platform.api("demo-radiologist").get(f"/studies/{walked.study}/")["status"] == "REVIEWED"
    assert platform.api("demo-uploader").get(f"/uploads/{walked.file}/")["verdict"] == "fracture (acute)"


def test_the_corrected_box_is_in_both_files(platform, walked):
    rows = list(csv.DictReader(io.StringIO(walked.csv.decode())))
    ours = {row["image"]: row for row in rows if row["study"] == walked.study}
    box, image = walked.box, walked.box["image"]
    (exported,) = json.loads(ours[image]["boxes"])
    assert {side: exported[side] for side in ("x", "y", "width", "height")} == {
        side: box[side] for side in ("x", "y", "width", "height")
    }
    assert sorted(row["image_label"] for row in ours.values()) == ["fracture", "unlocated"]
    assert ours[image]["model_version"] == walked.seen["ai"]["model_version"]

    coco = json.loads(platform.api("demo-admin").read(f"/datasets/{walked.dataset['id']}/coco/"))
    numbers = {entry["image"]: entry["id"] for entry in coco["images"]}
    boxes = [entry["bbox"] for entry in coco["annotations"] if entry["image_id"] == numbers[image]]
    assert boxes == [[100.0, 120.0, 80.0, 60.5]]
    assert len(coco["images"]) == len(rows) == walked.dataset["counts"]["images"]


def test_its_neighbours_are_accepted_when_a_file_is_none(platform):
    uploader = platform.api("demo-uploader")
    files = {"empty.png": b"", "text.jpg": b"<html>not a picture</html>", "good.png": picture(903, part="leg")}
    sent = uploader.upload(files, site=hospital(uploader), grouping="study_per_file", expected_files="3")
    ends = [
        uploader.until(f"/uploads/{row['id']}/", lambda found: found["status"] not in {"RECEIVED", "JUDGING"})
        for row in sent["files"]
    ]
    assert [row["status"] for row in ends] == ["REFUSED", "REFUSED", "ACCEPTED"]
    assert len({row["code"] for row in ends[:2]}) == 2
    assert all(row["sentence"] for row in ends[:2])


def test_a_backup_restored_into_an_empty_folder_holds_the_walk(platform, walked, tmp_path):
    platform.manage("backup", str(tmp_path / "backup"))
    elsewhere = Platform(tmp_path / "elsewhere")
    elsewhere.manage("restore", str(tmp_path / "backup"))
    elsewhere.start()
    try:
        reader, admin = elsewhere.api("demo-radiologist"), elsewhere.api("demo-admin")
        assert reader.get(f"/studies/{walked.study}/")["status"] == "REVIEWED"
        assert admin.read(f"/datasets/{walked.dataset['id']}/csv/") == walked.csv
        archive = zipfile.ZipFile(io.BytesIO(admin.read(f"/datasets/{walked.dataset['id']}/zip/")))
        assert f"images/{walked.box['image']}.png" in archive.namelist()
    finally:
        elsewhere.stop()
