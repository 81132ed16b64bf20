"""The whole story over the API against running processes, then a backup that is restored elsewhere with all of it."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pytest

from tests.platform import Platform, picture

pytestmark = [pytest.mark.timeout(400), pytest.mark.xdist_group("platform")]


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    platform = Platform(tmp_path_factory.mktemp("walk") / "data").start()
    yield platform
    platform.stop()


def hospital(api) -> str:
    """The site that reads with the AI beside the image."""
    sites = [row["site"] for row in api.get("/sites/")["results"]]
    (found,) = (site["id"] for site in sites if site["reading_mode"] == "assisted")
    return found


def judged(api, sent):
    path = f"/uploads/{sent['files'][0]['id']}/"
    return api.until(path, lambda row: row["status"] not in {"RECEIVED", "JUDGING"})


def test_from_an_upload_to_an_exported_corrected_label(platform, tmp_path):
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
    assert seen["ai"]["state"] in {"positive", "doubt", "negative"}
    assert seen["ai"]["model_version"].startswith("fracture-mobilenetv2")
    assert len(seen["images"]) == 2

    reader.post(f"/studies/{study}/claim/")
    image = seen["images"][0]["id"]
    box = {"image": image, "x": 100.0, "y": 120.0, "width": 80.0, "height": 60.5, "confidence": "definite"}
    judgement = {"verdict": "fracture", "boxes": [box], "revision": seen["revision"], "confidence": "probable"}
    reader.post(f"/studies/{study}/reviews/", judgement, expect=201)
    signed = reader.get(f"/studies/{study}/")
    assert signed["status"] == "REVIEWED"
    assert uploader.get(f"/uploads/{sent['files'][0]['id']}/")["verdict"] == "fracture (acute)"

    site = seen["site"]
    dataset = admin.post("/datasets/", {"site": site, "name": "Walked"}, expect=201)
    rows = list(csv.DictReader(io.StringIO(admin.read(f"/datasets/{dataset['id']}/csv/").decode())))
    ours = {row["image"]: row for row in rows if row["study"] == study}
    assert json.loads(ours[image]["boxes"])[0]["height"] == 60.5
    assert sorted(row["image_label"] for row in ours.values()) == ["fracture", "unlocated"]
    assert ours[image]["model_version"] == seen["ai"]["model_version"]

    coco = json.loads(admin.read(f"/datasets/{dataset['id']}/coco/"))
    numbers = {entry["image"]: entry["id"] for entry in coco["images"]}
    boxes = [entry["bbox"] for entry in coco["annotations"] if entry["image_id"] == numbers[image]]
    assert boxes == [[100.0, 120.0, 80.0, 60.5]]
    assert len(coco["images"]) == len(rows) == dataset["counts"]["images"]
    platform.walked = {"study": study, "dataset": dataset["id"]}


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


def test_a_backup_restored_into_an_empty_folder_holds_the_walk(platform, tmp_path):
    walked = getattr(platform, "walked", None)
    if walked is None:
        pytest.skip("the walk was not walked in this run")
    platform.manage("backup", str(tmp_path / "backup"))
    csv_before = platform.api("demo-admin").read(f"/datasets/{walked['dataset']}/csv/")
    elsewhere = Platform(tmp_path / "elsewhere")
    elsewhere.manage("restore", str(tmp_path / "backup"))
    elsewhere.start()
    try:
        reader, admin = elsewhere.api("demo-radiologist"), elsewhere.api("demo-admin")
        found = reader.get(f"/studies/{walked['study']}/")
        assert found["status"] == "REVIEWED"
        assert admin.read(f"/datasets/{walked['dataset']}/csv/") == csv_before
        archive = zipfile.ZipFile(io.BytesIO(admin.read(f"/datasets/{walked['dataset']}/zip/")))
        assert f"images/{found['images'][0]['id']}.png" in archive.namelist()
    finally:
        elsewhere.stop()
