"""Every page that a person opens, at 1440 and 390 px in both themes: it fits, axe finds nothing, its picture is kept.

``BONEFRAC_GALLERY=docs/screenshots/pages pytest tests/browser/test_gallery.py -m long`` makes the pictures of
``docs/gallery.md`` anew; without it they lie in ``tests/browser/screenshots``. A page of the permission matrix that is
neither shown here nor named as no page of its own fails the first test.
"""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from PIL import Image

from bonefrac import embedded
from tests.browser.test_viewer_look import overflow, violations
from tests.browser.test_walk import SCREENSHOTS, SIZES
from tests.platform import PASSWORD, Platform

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = os.environ.get("BONEFRAC_GALLERY", "")

#: Answers that are pixels, files, JSON, or a part of another page; and pages that other tests look at with axe.
PARTS = {
    "healthz", "readyz", "waiting", "studies:upcoming", "studies:machine", "studies:news", "studies:identity",
    "studies:instance", "studies:preview", "studies:prior", "studies:map", "studies:export_dataset",
    "studies:shadow_labels", "studies:upload_status", "studies:original", "studies:verdicts",
    "studies:agreement_file", "studies:held_preview", "studies:held_picture", "inference:report",
}  # fmt: skip
ELSEWHERE = {
    "admin_sign_in": "it sends everybody to the platform's own sign-in",
    "accounts:set_password": "tests/accounts: an invitation's address works once",
    "studies:held_text": "test_held_text",
    "studies:rearrange": "test_rearranging",
    "inference:compare": "test_models", "inference:gate_verdict": "test_models", "inference:promote": "test_models",
    "inference:start_shadow": "test_models", "inference:end_shadow": "test_models", "inference:shadow": "test_models",
    "inference:roll_back": "test_models", "inference:reject": "the page of inference:promote in other words",
}  # fmt: skip

STUDY = "SELECT s.id FROM studies_study s WHERE "
#: Who opens what: the address, or the question to the database whose answer fills it.
SHOWN = {
    "accounts:sign_in": ("", "/accounts/sign-in/", ""),
    "accounts:unlock": ("radiologist", "/accounts/unlock/", ""),
    "accounts:change_password": ("radiologist", "/accounts/password/", ""),
    "accounts:tokens": ("radiologist", "/accounts/tokens/", ""),
    "accounts:people": ("admin", "/accounts/people/", ""),
    "accounts:person": (
        "admin", "/accounts/people/{}/", "SELECT id FROM accounts_user WHERE username = 'demo-radiologist'"
    ),
    "accounts:sites": ("admin", "/accounts/sites/", ""),
    "accounts:new_site": ("admin", "/accounts/sites/new/", ""),
    "accounts:site": ("admin", "/accounts/sites/{}/", "SELECT id FROM accounts_site WHERE name = 'Demo Hospital'"),
    "audit:events": ("auditor", "/audit/", ""),
    "studies:worklist": ("radiologist", "/", ""),
    "studies:worklist uploader": ("uploader", "/", ""),
    "studies:worklist reads": ("radiologist", "/?show=reads", ""),
    "studies:worklist empty": ("radiologist", "/?show=open&part=skull&side=both", ""),
    "studies:read": (
        "radiologist", "/studies/{}/read/",
        STUDY + "s.claimed_by_id = (SELECT id FROM accounts_user WHERE username = 'demo-radiologist')",
    ),
    "studies:adjudicate": ("lead", "/studies/{}/adjudicate/", STUDY + "s.status = 'DISPUTED'"),
    "studies:amend": (
        "radiologist", "/reviews/{}/amend/",
        "SELECT r.id FROM studies_review r JOIN studies_study s ON s.id = r.study_id AND s.status = 'REVIEWED'"
        " JOIN accounts_user u ON u.id = r.reader_id AND u.username = 'demo-radiologist'"
        " JOIN accounts_site h ON h.id = s.site_id AND h.reading_mode = 'assisted'",
    ),
    "studies:study": ("lead", "/studies/{}/", STUDY + "s.status = 'REVIEWED'"),
    "studies:study uploader": ("uploader", "/studies/{}/", STUDY + "s.status = 'REVIEWED'"),
    "studies:keys": ("radiologist", "/keys/", ""),
    "studies:notices": ("uploader", "/notices/", ""),
    "studies:critical": ("lead", "/critical/", ""),
    "studies:divergences": ("lead", "/divergences/", ""),
    "studies:divergence": ("lead", "/divergences/{}/", "SELECT id FROM studies_divergence"),
    "studies:agreement": ("lead", "/agreement/", ""),
    "studies:upload": ("uploader", "/upload/", ""),
    "studies:uploads": ("uploader", "/uploads/", ""),
    "studies:batch": (
        "uploader", "/uploads/batches/{}/", "SELECT batch FROM studies_incomingfile WHERE status = 'ACCEPTED'"
        " AND sender_id = (SELECT id FROM accounts_user WHERE username = 'demo-uploader')",
    ),
    "studies:held": ("lead", "/held/", ""),
    "studies:held_file": ("lead", "/held/{}/", "SELECT id FROM studies_incomingfile WHERE status = 'HELD'"),
    "studies:datasets": ("admin", "/datasets/", ""),
    "studies:dataset": ("admin", "/datasets/{}/", "SELECT id FROM studies_dataset"),
    "studies:devices": ("admin", "/devices/", ""),
    "inference:models": ("engineer", "/models/", ""),
    "inference:model": (
        "engineer", "/models/{}/", "SELECT id FROM inference_modelversion WHERE task = 'fracture' AND status = 'ACTIVE'"
    ),
    "inference:retire": (
        "engineer", "/models/{}/retire/", "SELECT id FROM inference_modelversion WHERE task = 'body_part'"
    ),
    "inference:jobs": ("engineer", "/models/jobs/", ""),
}  # fmt: skip


def test_every_page_of_the_platform_is_looked_at():
    with (ROOT / "tests" / "matrix.csv").open() as rows:
        pages = {row["url"] for row in csv.DictReader(rows) if row["face"] == "page" and row["method"] == "GET"}
    assert {*(name.split()[0] for name in SHOWN), *PARTS, *ELSEWHERE} == pages
    assert not PARTS & ELSEWHERE.keys()


def test_the_gallery_shows_every_page_at_both_widths():
    gallery = (ROOT / "docs" / "gallery.md").read_text()
    for name in SHOWN:
        for size in SIZES:
            picture = f"screenshots/pages/{file_name(name)}-{size}.webp"
            assert picture in gallery, name
            assert (ROOT / "docs" / picture).is_file(), name


def file_name(name) -> str:
    return name.replace(":", "-").replace(" ", "-")


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    """A platform on which people have worked: somebody reads, something critical was said, a dataset is frozen."""
    platform = Platform(tmp_path_factory.mktemp("gallery") / "data").start()
    try:
        work(platform)
        yield platform
    finally:
        platform.stop()


def work(platform):
    reader, admin = platform.api("demo-radiologist"), platform.api("demo-admin")
    sites = {row["site"]["name"]: row["site"]["id"] for row in reader.get("/sites/")["results"]}
    against_the_machine = {"verdict": "no_fracture", "is_critical": True, "other_findings": ["lesion"]}
    (row, *_others) = reader.until(
        "/studies/?ai=positive", lambda found: found["results"] and found["results"][0]["ai"]["state"]
    )["results"]
    reader.post(f"/studies/{row['id']}/claim/")
    reader.post(f"/studies/{row['id']}/reviews/", {**against_the_machine, "revision": row["revision"]}, expect=201)
    reader.post(f"/sites/{sites['Demo Hospital']}/next/")
    time.sleep(settings.UNDO_SECONDS + 1)  # what may still be undone is in no dataset
    admin.post("/datasets/", {"site": sites["Demo Hospital"], "name": "Autumn"}, expect=201)


@pytest.fixture(scope="module")
def people(worked, browser):
    """Open a page as somebody, each signed in once."""
    contexts = {}

    def page_of(name):
        if name not in contexts:
            contexts[name] = browser.new_context(color_scheme="dark", bypass_csp=True, reduced_motion="reduce")
            if name:
                sign_in(contexts[name].new_page(), worked.base, name)
        return contexts[name].new_page()

    yield page_of
    for context in contexts.values():
        context.close()


def sign_in(page, base, name):
    page.goto(f"{base}/accounts/sign-in/")
    page.fill("[name=username]", f"demo-{name}")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "/sign-in/" not in url)
    page.close()


def address(platform, path, question) -> str:
    if not question:
        return platform.base + path
    with psycopg.connect(embedded.locations(platform.data).database_url) as connection:
        (key,) = connection.execute(question + " ORDER BY 1 LIMIT 1").fetchone()
    return platform.base + path.format(key)


def keep(page, name, size):
    """Keep the picture: where it is asked for as a small one for the gallery."""
    SCREENSHOTS.mkdir(exist_ok=True)
    png = SCREENSHOTS / f"page-{name}-{size}.png"
    page.screenshot(path=png)
    if KEPT:
        (ROOT / KEPT).mkdir(parents=True, exist_ok=True)
        with Image.open(png) as shot:
            shot.convert("RGB").save(ROOT / KEPT / f"{name}-{size}.webp", quality=70, method=6)


@pytest.mark.long
@pytest.mark.parametrize("name", SHOWN)
def test_the_page_fits_and_axe_finds_nothing(name, worked, people):
    person, path, question = SHOWN[name]
    page, problems = people(person), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    answer = page.goto(address(worked, path, question))
    assert answer.status == 200
    assert page.locator("h1").count() == 1
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)
        if page.locator("#viewer").count():
            page.wait_for_selector("#viewer[data-ready=full]")
        keep(page, file_name(name), size)
        assert overflow(page) <= 0, size
        for theme in ("light", "dark"):
            page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
            assert violations(page) == [], (size, theme)
    page.close()
    assert problems == []
