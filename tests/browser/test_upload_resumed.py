"""Uploads in a real browser against the real platform: a connection that drops, and a folder that is dropped."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pytest
from PIL import Image

from tests import factories_intake as files
from tests.platform import PASSWORD, Platform

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400), pytest.mark.xdist_group("platform")]
OFFLINE = ("ERR_INTERNET_DISCONNECTED", "ERR_NETWORK_CHANGED", "Failed to load resource", "ERR_CONNECTION")


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    platform = Platform(tmp_path_factory.mktemp("resumed") / "data").start()
    yield platform
    platform.stop()


@pytest.fixture
def page(platform, open_page):
    page = open_page(f"{platform.base}/accounts/sign-in/", allow=OFFLINE)
    page.fill("[name=username]", "demo-uploader")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "/sign-in/" not in url)
    page.goto(f"{platform.base}/upload/")
    page.select_option("[name=site]", label="Demo Hospital")
    return page


def test_a_large_file_goes_on_after_the_connection_dropped(page, platform, tmp_path):
    pixels = np.random.default_rng(7).integers(0, 4096, (5000, 4500), dtype=np.uint16)
    content = files.dicom(pixels=pixels, bits=12)
    (tmp_path / "large.dcm").write_bytes(content)
    sent = []
    page.on(
        "request",
        lambda one: sent.append((one.method, one.headers.get("upload-offset"))) if "resumable" in one.url else None,
    )
    page.set_input_files("#files", tmp_path / "large.dcm")
    page.click("[data-send]")
    page.wait_for_function("() => document.querySelector('[data-total]').value >= 20")
    page.context.set_offline(True)
    page.wait_for_selector("text=No connection")
    page.wait_for_timeout(500)
    page.context.set_offline(False)
    page.wait_for_selector(".file-row[data-status=ACCEPTED]", timeout=90_000)
    assert [method for method, _ in sent].count("POST") == 1
    offsets = [int(offset) for method, offset in sent if method == "PATCH"]
    assert offsets.count(0) == 1
    assert offsets == sorted(offsets)
    page.goto(page.get_attribute("[data-batch-link]", "href") and page.url.split("/upload/")[0] + "/uploads/")
    api = platform.api("demo-uploader")
    (file,) = [one for one in api.get("/uploads/")["results"] if one["name"] == "large.dcm"]
    original = page.request.get(f"{platform.base}/uploads/{file['id']}/original/")
    assert hashlib.sha256(original.body()).hexdigest() == hashlib.sha256(content).hexdigest()


def test_a_dropped_folder_makes_a_study_of_each_folder(page, platform, tmp_path):
    for number, name in enumerate(("hand/one", "hand/two", "foot")):
        folder = tmp_path / "patients" / name
        folder.mkdir(parents=True)
        for view in ("front", "side"):
            grey = files.values(seed=9000 + number * 10 + len(view), shape=(300, 200))
            Image.fromarray(grey).save(folder / f"{view}.png")
    client = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(tmp_path / "patients")], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        client.send("Input.dispatchDragEvent", {"type": kind, "x": 400, "y": 300, "data": data})
    page.wait_for_selector(".file-row >> nth=5")
    assert re.search(r"patients/hand/one/front\.png", page.inner_text("[data-files]"))
    assert page.is_checked("[name=grouping][value=folder]")
    page.click("[data-send]")
    page.wait_for_selector("form[data-state=judged]", timeout=60_000)
    results = platform.api("demo-uploader").get("/uploads/")["results"]
    studies = [one["study"] for one in results if one["name"].endswith(("/front.png", "/side.png"))]
    assert len(studies) == 6
    assert sorted(studies.count(study) for study in set(studies)) == [2, 2, 2]
