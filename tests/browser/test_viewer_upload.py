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
    assert not any("csrfmiddlewaretoken" in post["fields"] for post in posts)
    assert {post["headers"]["Accept"] for post in posts} == {"application/json"}


def test_a_file_that_did_not_get_through_stops_nobody_and_is_tried_again(site, upload):
    site.refuse["b.jpg"] = 4  # once among the others, three times alone
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
    page.wait_for_selector(".file-row >> nth=1")
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


def test_thousands_of_files_do_not_freeze_the_page(site, upload):
    page = upload()
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            for (let n = 0; n < 5000; n++) data.items.add(new File(["p" + n], `${n}.png`, { type: "image/png" }));
            const input = document.getElementById("files");
            input.files = data.files;
            window.began = performance.now();
            input.dispatchEvent(new Event("change"));
        }"""
    )
    assert page.evaluate("() => performance.now() - window.began") < 2000
    page.wait_for_function("() => !document.querySelector('[data-more]').hidden")
    assert page.locator(".file-row").count() == 200
    assert page.locator("[data-count-more]").inner_text() == "4800"
    page.click("[data-send]")
    page.wait_for_selector("[data-hold]:visible")
    page.click("[data-hold]")
    page.wait_for_selector('form[data-state="paused"]')
    page.wait_for_timeout(500)
    held = len(site.posted)
    page.wait_for_timeout(500)
    assert len(site.posted) == held < 200
    page.click("[data-hold]")
    page.wait_for_selector('form[data-state="waiting"], form[data-state="judged"]', timeout=60_000)
    names = [name for post in site.posted for name, _ in post["files"]]
    assert sorted(names) == sorted({f"{n}.png" for n in range(5000)})
    assert len([post for post in site.posted if post["path"] == "/upload/"]) <= 250


def test_files_go_by_keyboard_on_a_narrow_page(site, upload):
    page = upload(width=390, height=844)
    page.set_input_files("#files", files("a-rather-long-name-of-a-radiograph-of-a-wrist.jpg", "b.jpg"))
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    page.focus("#files")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.matches('[data-send]')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_selector('form[data-state="judged"]')
