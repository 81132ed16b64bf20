"""Uploads in a real browser against the real platform: a connection that drops, and a folder that is dropped."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import psutil
import pytest
from PIL import Image

from tests import factories_intake as files
from tests.platform import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
OFFLINE = (
    "ERR_INTERNET_DISCONNECTED",
    "ERR_NETWORK_CHANGED",
    "Failed to load resource",
    "ERR_CONNECTION",
    "ERR_UPLOAD",
)


@pytest.fixture
def page(platform, open_page):
    page = open_page(f"{platform.base}/accounts/sign-in/", allow=OFFLINE)
    sign_in(page, platform)
    page.goto(f"{platform.base}/upload/")
    page.select_option("[name=site]", label="Demo Hospital")
    return page


def sign_in(page, platform):
    page.goto(f"{platform.base}/accounts/sign-in/")
    page.fill("[name=username]", "demo-uploader")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "/sign-in/" not in url)


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
    page.wait_for_selector(".file-row")
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


def sent_by(page, path):
    """The offsets and addresses of the pieces that a page sends."""
    seen = []

    def note(request):
        if path in request.url and request.method in ("POST", "PATCH"):
            seen.append((request.method, request.headers.get("upload-offset")))

    page.on("request", note)
    return seen


def test_a_closed_tab_goes_on_on_another_day_with_the_same_files(page, platform, tmp_path):
    folder = tmp_path / "patients"
    folder.mkdir()
    pixels = np.random.default_rng(8).integers(0, 4096, (5000, 4500), dtype=np.uint16)
    (folder / "large.dcm").write_bytes(files.dicom(pixels=pixels, bits=12))
    for number in range(40):
        Image.fromarray(files.values(seed=9100 + number, shape=(60, 80))).save(folder / f"{number}.png")
    page.fill("[name=question]", "fell on the stairs")
    page.set_input_files("#folder", folder)
    page.click("[data-send]")
    page.wait_for_function("() => document.querySelector('[data-total]').value >= 30")
    page.context.set_offline(True)
    page.wait_for_timeout(500)
    page.close()
    page.context.set_offline(False)
    again = page.context.new_page()
    again.goto(f"{platform.base}/uploads/")
    again.click("[data-unfinished] >> text=Go on with this upload")
    assert "large.dcm" in again.inner_text("[data-coming]")
    assert again.locator("[name=patient_code]").count() == 0
    pieces = sent_by(again, "/resumable/")
    again.set_input_files("#folder", folder)
    again.wait_for_timeout(1000)
    again.click("[data-send]")
    again.wait_for_selector("form[data-state=judged]", timeout=120_000)
    assert [method for method, _ in pieces].count("POST") == 0
    assert int(pieces[0][1]) > 0
    batch = platform.api("demo-uploader").get(again.get_attribute("[data-batch-link]", "href"))
    assert (batch["total"], batch["missing"], batch["counts"]) == (41, 0, {"ACCEPTED": 41})
    studies = {row["study"] for row in batch["results"]}
    told = [platform.api("demo-uploader").get(f"/studies/{study}/") for study in studies]
    assert len(told) == 2


@pytest.mark.long
def test_the_web_server_is_killed_in_the_middle_and_every_file_is_in_once(page, platform, tmp_path):
    for number in range(200):
        Image.fromarray(files.values(seed=9300 + number, shape=(60, 80))).save(tmp_path / f"{number}.png")
    page.check("[name=grouping][value=study_per_file]")
    page.set_input_files("#files", sorted(tmp_path.iterdir()))
    page.click("[data-send]")
    page.wait_for_function("() => document.querySelector('[data-total]').value >= 20")
    for process in web_processes(platform):
        process.kill()
    page.wait_for_function(
        "() => document.querySelector('[data-total]').value >= 100 || document.querySelector('[data-total]').hidden",
        timeout=60_000,
    )
    href = page.get_attribute("[data-batch-link]", "href")
    told = platform.api("demo-uploader").until(f"{href}", lambda batch: batch["total"] == 200, seconds=30)
    assert (told["total"], told["missing"]) == (200, 0)


def web_processes(platform):
    """The web server's processes, its master among them."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        try:
            if "gunicorn" in process.info["cmdline"] and process.environ().get("PORT") == str(platform.port):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_file_that_changed_and_a_lost_session_stop_nobody(page, platform, tmp_path):
    for number in range(4):
        Image.fromarray(files.values(seed=9600 + number, shape=(60, 80))).save(tmp_path / f"{number}.png")
    page.set_input_files("#files", sorted(tmp_path.iterdir()))
    page.wait_for_timeout(1100)
    (tmp_path / "2.png").write_bytes(b"something else")
    page.context.clear_cookies()
    page.click("[data-send]")
    page.wait_for_selector(".file-row[data-status=FAILED]")
    assert "Choose it again" in page.inner_text(".file-row[data-status=FAILED]")
    page.wait_for_selector("form[data-state=paused]")
    assert "You are signed out" in page.inner_text("#notices")
    other = page.context.new_page()
    sign_in(other, platform)
    page.click("[data-hold]")
    page.wait_for_selector(".file-row[data-status=ACCEPTED] >> nth=2", timeout=60_000)
    assert page.locator(".file-row[data-status=ACCEPTED]").count() == 3


@pytest.mark.long
def test_the_page_of_an_upload_is_accessible_wide_and_narrow(page, platform, open_page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page.set_input_files("#files", [{"name": "x<b>\u202egnp.png", "mimeType": "image/png", "buffer": b"<html>"}])
    page.click("[data-send]")
    page.wait_for_selector("form[data-state=judged]")
    addresses = [page.get_attribute("[data-batch-link]", "href"), "/uploads/", "/upload/"]
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 844})
        for address in addresses:
            page.goto(f"{platform.base}{address}")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), (address, width)
            found = axe.run(page)
            assert found.violations_count == 0, found.generate_report()
