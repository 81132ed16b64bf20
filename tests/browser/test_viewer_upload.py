"""The upload page's script: a row a file at once, verdicts in words, failures that stop nobody else."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

PAGE = (Path(__file__).parent / "pages" / "upload.html").read_text()
BATCH = "0193b0a0-0000-7000-8000-000000000001"


def files(*names, empty=()):
    return [
        {"name": name, "mimeType": "image/jpeg", "buffer": b"" if name in empty else name.encode() * 1000}
        for name in names
    ]


def row(page, name):
    return page.locator(".file-row", has_text=name)


@pytest.fixture
def upload(site, open_page):
    def open_it(**options):
        return open_page(site.page("/upload-page/", PAGE, {"batch": BATCH}), **options)

    return open_it


def test_each_file_gets_its_row_at_once_and_its_own_verdict(site, upload):
    page = upload()
    page.set_input_files("#files", files("a.jpg", "b.jpg", "empty.jpg", "c.jpg", "d.jpg", empty=("empty.jpg",)))
    assert page.locator('.file-row[data-status="WAITING"]').count() == 5
    assert site.posted == []
    page.fill("#code", "P-17")
    page.check('input[value="study_per_file"]')
    page.click("[data-send]")
    page.wait_for_selector('form[data-state="judged"]')
    assert page.locator('.file-row[data-status="ACCEPTED"]').count() == 4
    assert "it holds 0 bytes" in row(page, "empty.jpg").inner_text()
    assert "refused" in row(page, "empty.jpg").locator(".file-row__word").inner_text()
    assert page.locator("[data-summary]").inner_text().startswith("5 of 5 files judged · 1 refused · 0 not sent")
    assert page.get_attribute("[data-batch-link]", "href") == f"/uploads/{BATCH}/"
    posts = [post for post in site.posted if post["path"] == "/upload/"]
    names = sorted(name for post in posts for name, _ in post["files"])
    assert names == ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "empty.jpg"]
    assert {post["fields"]["patient_code"] for post in posts} == {"P-17"}
    assert {post["fields"]["grouping"] for post in posts} == {"study_per_file"}
    assert {post["fields"]["batch"] for post in posts} == {BATCH}
    assert {post["fields"]["expected_files"] for post in posts} == {"5"}
    assert {post["headers"]["X-CSRFToken"] for post in posts} == {"harness"}
    assert {post["headers"]["Accept"] for post in posts} == {"application/json"}


def test_a_file_that_did_not_get_through_stops_nobody_and_is_tried_again(site, upload):
    site.refuse["b.jpg"] = True
    page = upload(allow=("502",))
    page.set_input_files("#files", files("a.jpg", "b.jpg", "c.jpg"))
    page.click("[data-send]")
    page.wait_for_selector('.file-row[data-status="FAILED"]')
    page.wait_for_selector('.file-row[data-status="ACCEPTED"] >> nth=1')
    assert "Try this one again" in row(page, "b.jpg").inner_text()
    row(page, "b.jpg").locator("[data-retry]").click()
    page.wait_for_selector('form[data-state="judged"]')
    assert page.locator('.file-row[data-status="ACCEPTED"]').count() == 3


def test_files_dropped_anywhere_on_the_page_and_files_taken_out_again(site, upload):
    page = upload()
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            for (const name of ["x.png", "y.png"]) data.items.add(new File(["picture"], name, { type: "image/png" }));
            for (const kind of ["dragover", "drop"]) {
                const event = new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data });
                document.querySelector("h1").dispatchEvent(event);
            }
        }"""
    )
    assert page.locator(".file-row").count() == 2
    row(page, "x.png").locator("[data-remove]").click()
    page.click("[data-send]")
    page.wait_for_selector('form[data-state="judged"]')
    posts = [post for post in site.posted if post["path"] == "/upload/"]
    assert [post["files"][0][0] for post in posts] == ["y.png"]


def test_without_a_file_nothing_is_sent(site, upload):
    page = upload()
    page.click("[data-send]")
    assert page.evaluate("() => document.getElementById('files').validity.valueMissing")
    assert site.posted == []
