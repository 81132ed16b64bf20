"""The story as four people in a real browser: upload, prediction, claim, correct with a box, sign, freeze, export."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from django.conf import settings

from tests.browser import desk
from tests.platform import PASSWORD, picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
SCREENSHOTS = Path(__file__).parent / "screenshots"
FITS = "[...document.querySelectorAll('.table-wrap:has(.table--cards)')].every(e => e.scrollWidth <= e.clientWidth + 1)"
SIZES = {"1440": {"width": 1440, "height": 900}, "390": {"width": 390, "height": 844}}


@pytest.fixture
def sign_in(platform, open_page):
    def as_person(name):
        page = open_page(f"{platform.base}/accounts/sign-in/")
        page.fill("[name=username]", f"demo-{name}")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(lambda url: "/sign-in/" not in url)
        return page

    return as_person


def look(page, name):
    """Keep what a person would see, wide and narrow; nothing may run out of the narrow page."""
    SCREENSHOTS.mkdir(exist_ok=True)
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)
        page.screenshot(path=SCREENSHOTS / f"{name}-{size}.png")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), (name, size)
        assert page.evaluate(FITS), (name, size)
    page.set_viewport_size(SIZES["1440"])


def upload(page, base) -> str:
    """Hand in one study of two pictures and return its id."""
    page.goto(f"{base}/upload/")
    files = [
        {"name": f"{name}.png", "mimeType": "image/png", "buffer": picture(seed)}
        for name, seed in (("front", 911), ("side", 912))
    ]
    page.set_input_files("#files", files)
    page.select_option("[name=site]", label="Demo Hospital")
    page.fill("[name=patient_code]", "walked-4711")
    page.select_option("[name=body_part]", "hand")
    page.fill("[name=question]", "Fell on the outstretched hand.")
    look(page, "upload-filled")
    page.click("[data-send]")
    page.wait_for_selector(".file-row[data-status=ACCEPTED] >> nth=1", timeout=90_000)
    look(page, "upload-accepted")
    page.goto(f"{base}/uploads/")
    address = page.get_attribute("tr[data-status=ACCEPTED] a[href*='/studies/']", "href")
    return re.search(r"/studies/([0-9a-f-]{36})/", address)[1]


def draw_box(page):
    desk.draw(page, (30, 30), (90, 110))
    page.wait_for_selector("#viewer[data-boxes='1']")
    (box,) = desk.field(page, "findings")
    return box


def read(page, base, study):
    """Find the study in the worklist, claim it, correct the machine with a box and sign; return the box."""
    row = page.locator(f"tr:has(a[href*='{study}'])")
    page.wait_for_function(
        "study => [...document.querySelectorAll('tr')].some(row => row.innerHTML.includes(study)"
        " && /suspected|unsure/.test(row.innerText) && /fracture-mobilenetv2/.test(row.innerHTML))",
        arg=study,
    )
    look(page, "worklist")
    row.locator("a").first.click()
    page.wait_for_selector("#viewer[data-ready=full]")
    page.get_by_role("button", name="Claim and read").click()
    page.wait_for_selector("#reading-form")
    page.wait_for_selector("#viewer[data-ready=full][data-keys=on]")
    assert page.locator("[name=verdict]:checked").count() == 0
    assert page.locator("#viewer[data-map=on]").count() == 0
    page.keyboard.press("m")
    page.wait_for_selector("#viewer[data-map=on]")
    page.keyboard.press("f")
    box = draw_box(page)
    look(page, "reading")
    desk.look_at_all(page)
    page.get_by_role("button", name="Sign and next").click()
    page.wait_for_url(lambda url: study not in url.split("?")[0])
    return box


def freeze(page, base) -> dict[str, str]:
    """Preview, freeze, download both files; return their contents by kind."""
    page.goto(f"{base}/datasets/")
    page.select_option("[name=site]", label="Demo Hospital")
    page.get_by_role("button", name="Preview").click()
    page.wait_for_selector("text=Against the machine")
    look(page, "datasets-preview")
    page.fill("[name=name]", "Walked in the browser")
    page.get_by_role("button", name="Freeze").click()
    page.wait_for_selector("text=Corrected only")
    look(page, "dataset")
    files = {}
    for kind in ("CSV", "COCO"):
        with page.expect_download() as download:
            page.get_by_role("link", name=kind, exact=True).first.click()
        files[kind] = Path(download.value.path()).read_text()
    return files


def test_four_people_from_an_upload_to_an_exported_corrected_label(platform, sign_in):
    uploader = sign_in("uploader")
    study = upload(uploader, platform.base)

    box = read(sign_in("radiologist"), platform.base, study)

    uploader.wait_for_timeout(1000 * (settings.UNDO_SECONDS + 1))  # as long as it can be undone nobody is told
    uploader.goto(f"{platform.base}/uploads/")
    uploader.wait_for_selector("td:has-text('fracture (acute)')")
    look(uploader, "uploads")

    lead = sign_in("lead")
    lead.goto(f"{platform.base}/studies/{study}/")
    lead.wait_for_selector("text=fracture (acute)")
    look(lead, "study")

    files = freeze(sign_in("admin"), platform.base)
    rows = {row["image"]: row for row in csv.DictReader(files["CSV"].splitlines()) if row["study"] == study}
    assert sorted(row["image_label"] for row in rows.values()) == ["fracture", "unlocated"]
    (exported,) = json.loads(rows[box["image"]]["boxes"])
    assert [exported[side] for side in ("x", "y", "width", "height")] == [
        pytest.approx(box[side]) for side in ("x", "y", "width", "height")
    ]
    coco = json.loads(files["COCO"])
    (number,) = (image["id"] for image in coco["images"] if image["image"] == box["image"])
    (entry,) = (entry for entry in coco["annotations"] if entry["image_id"] == number)
    assert entry["bbox"] == [pytest.approx(box[side]) for side in ("x", "y", "width", "height")]


def test_pages_of_every_role_open_and_fit(platform, sign_in):
    visits = {
        "admin": ["/accounts/people/", "/accounts/sites/", "/accounts/sites/new/", "/audit/", "/models/", "/"],
        "lead": ["/held/", "/"],
        "engineer": ["/models/", "/models/jobs/"],
        "auditor": ["/audit/", "/datasets/"],
        "uploader": ["/", "/upload/", "/uploads/", "/accounts/tokens/", "/accounts/password/"],
    }
    for name, paths in visits.items():
        page = sign_in(name)
        for path in paths:
            page.goto(platform.base + path)
            assert page.locator("h1").count() == 1, path
            assert "A qualified person decides" in page.locator("footer").inner_text()
            look(page, f"{name}{path.replace('/', '-')}".strip("-"))
    page = sign_in("admin")
    page.goto(f"{platform.base}/models/")
    page.locator("main table a").first.click()
    page.wait_for_selector("h1")
    look(page, "model-card")
