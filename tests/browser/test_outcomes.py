"""What follows from readings, in a real browser: a dispute settled, something critical acknowledged, readers drawn."""

from __future__ import annotations

import random

import pytest
from django.db import transaction

from bonefrac.accounts.models import Role
from studies import critical, reviews
from studies.models import CriticalFinding, Divergence, Study
from studies.reviews import Unlocated
from studies.selectors import divergences
from studies.states import StudyStatus
from tests import factories_intake as files
from tests import factories_studies as make
from tests.browser.test_rearranging import dicom, visit  # noqa: F401
from tests.browser.test_viewer_look import violations
from tests.browser.test_walk import SCREENSHOTS, look
from tests.outcomes.passing import let_pass
from tests.outcomes.test_agreement import CAREFUL, HASTY, VERDICTS, read, said, studied

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def shown_whole(page, name):
    """Look at a page wide and narrow, dark and light: axe finds nothing and nothing sticks out."""
    look(page, name)
    page.screenshot(path=SCREENSHOTS / f"{name}-whole.png", full_page=True)
    page.emulate_media(reduced_motion="reduce")
    for size in (NARROW, WIDE):
        page.set_viewport_size(size)
        assert violations(page) == [], (name, size)
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    assert violations(page) == [], (name, "light")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")


def passed(study, **age):
    with transaction.atomic():
        let_pass(study, **age)


def uploaded(site, uploader, seed, **details):
    uid = files.dataset().StudyInstanceUID
    files.hand_in(uploader, site, dicom(seed, StudyInstanceUID=uid), dicom(seed + 1, StudyInstanceUID=uid),
                  expected_files=2)  # fmt: skip
    study = Study.objects.filter(site=site).latest("received_at")
    Study.objects.filter(pk=study.pk).update(question="fell on outstretched hand", side="left", body_part="hand")
    study.refresh_from_db()
    return study


def test_a_dispute_is_settled_without_names_and_its_whole_history_is_shown(visit):  # noqa: F811
    site = make.site(required=2)
    uploader, lead = make.person(site, Role.UPLOADER), make.lead(site)
    one, other = make.reader(site), make.reader(site)
    study = uploaded(site, uploader, 3)
    make.predicted(study, make.model(), "negative", "negative")
    first, second = study.images.order_by("position")
    boxes = (make.box(first, 120, 150, 80, 60, bone="radius", side="left", confidence="definite"),)
    make.signed(one, study, "fracture", boxes=boxes, note="Cortical step.", advice=("follow_up",))
    apart = (make.box(first, 20, 300, 60, 50, bone="ulna", side="left"), make.box(second, 100, 90, 50, 50))
    make.signed(other, study, "fracture", boxes=apart, unlocated=(Unlocated(bone="scaphoid"),))
    assert study.status == StudyStatus.DISPUTED
    passed(study, minutes=90)
    page = visit(lead, f"/studies/{study.pk}/", bypass_csp=True)
    assert page.locator("summary", has_text="Reader A").count() == 1
    page.locator("summary", has_text="Reader A").click()
    page.wait_for_selector(".marked__mark")
    assert page.locator(".marked__mark").first.bounding_box()["width"] > 5
    shown_whole(page, "dispute")
    page.get_by_role("link", name="Adjudicate").click()
    page.wait_for_selector("#viewer[data-ready=full]")
    page.locator("summary", has_text="Reader B").click()
    look(page, "adjudicate")
    assert violations(page) == []
    assert not any(str(reader) in page.content() for reader in (one, other))
    study.refresh_from_db()
    judged = make.judgement("fracture", boxes=boxes, confidence="definite")
    with transaction.atomic():
        reviews.adjudicate(lead, study.pk, judgement=judged, revision=study.revision)
    passed(study, minutes=1)
    page.goto(page.url.replace("adjudicate/", ""))
    for words in (
        "disputed: readings differ in the place of the fracture",
        "Cortical step.",
        "was shown 2 predictions",
    ):
        page.wait_for_selector(f"text={words}")
    shown_whole(page, "history")
    page.goto(page.url.split("/studies/")[0] + "/divergences/")
    shown_whole(page, "divergences")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Looked at")
    pair = Divergence.objects.get(kind="first_against_second")
    page.goto(page.url.split("/divergences/")[0] + f"/divergences/{pair.pk}/")
    shown_whole(page, "divergence")
    page.fill("#remark", "Both were there.")
    page.keyboard.press("Enter")
    page.wait_for_url("**/divergences/")
    pair.refresh_from_db()
    assert (pair.looked_at_by, pair.remark) == (lead, "Both were there.")
    assert divergences.new_count(lead) == "1"


def test_something_critical_reaches_who_treats_and_is_acknowledged_by_keyboard(visit):  # noqa: F811
    site = make.site()
    uploader, reader, lead = make.person(site, Role.UPLOADER), make.reader(site), make.lead(site)
    study = uploaded(site, uploader, 5)
    site.uploaders_see_ai = True
    site.save()
    make.predicted(study, make.model(), "positive", "negative")
    review = make.signed(reader, study, "fracture", is_critical=True, note="Open fracture, pulse not felt.")
    passed(study, minutes=75)
    with transaction.atomic():
        reviews.amend(reader, review.pk, reason="Looked again.", revision=study.revision, judgement=make.judgement(
            "fracture", is_critical=True, note="Open fracture, pulse felt.", confidence="definite"))  # fmt: skip
    passed(study, minutes=1)
    critical.escalate_overdue()
    watched = visit(lead, "/", bypass_csp=True)
    watched.wait_for_selector("text=critical, overdue")
    watched.goto(watched.url + "critical/?show=overdue")
    shown_whole(watched, "critical")
    watched.goto(watched.url.split("/critical/")[0] + "/notices/")
    watched.wait_for_selector("text=A critical finding is overdue")
    shown_whole(watched, "notices")
    page = visit(uploader, f"/studies/{study.pk}/", bypass_csp=True)
    page.wait_for_selector("text=not read by a person")
    page.wait_for_selector("text=What changed since it was signed")
    shown_whole(page, "my-study")
    page.focus("input[name=name]")
    page.keyboard.press("Control+A")
    page.keyboard.type("Dr. Berg, emergency room")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=acknowledged by Dr. Berg, emergency room")
    assert CriticalFinding.objects.get().acknowledged_through == uploader
    watched.goto(watched.url.split("/notices/")[0] + "/critical/")
    watched.wait_for_selector("text=Nothing critical waits")


def test_how_readers_agree_is_drawn(visit):  # noqa: F811
    site = make.site(required=3)
    readers = [make.reader(site) for _ in range(3)]
    for part, number in (("hand", 90), ("leg", 45), ("hip", 12)):
        studies = studied(site, number, body_part=part)
        truths = random.Random(number).choices(VERDICTS, [0.4, 0.5, 0.1], k=number)
        for seed, (reader, matrix) in enumerate(zip(readers, (CAREFUL, CAREFUL, HASTY), strict=True)):
            read(studies, reader, said(truths, matrix, seed))
    page = visit(make.person(site, Role.ADMIN), "/agreement/", bypass_csp=True)
    assert page.locator(".kappa").count() == 13
    assert page.locator("text=too few").count() == 3
    shown_whole(page, "agreement")
    with page.expect_download() as download:
        page.get_by_role("link", name="As CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 17
    assert lines[0] == "site,part,first,second,studies,agreed,kappa,low,high"
