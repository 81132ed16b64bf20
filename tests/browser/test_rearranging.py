"""A late image under a reader's hand, and a wrong-patient study put right by a lead, in a real browser."""

from __future__ import annotations

import numpy as np
import pytest
from django.conf import settings
from django.test import Client

from bonefrac.accounts.models import Role
from studies import reviews, worklist
from studies.intake import Details
from studies.models import Notice, Study
from tests import factories_intake as files
from tests import factories_studies as make
from tests.browser.test_walk import look

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def visit(open_page, live_server):
    """Open a page of the platform as somebody who is signed in."""

    def as_person(person, path, **options):
        client = Client()
        client.force_login(person, backend="bonefrac.accounts.backends.PlatformBackend")
        page = open_page("about:blank", **options)
        value = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}])
        page.goto(live_server.url + path)
        return page

    return as_person


def bone(seed):
    """A drawn limb of a size that people can read."""
    y, x = np.mgrid[0:420, 0:320]
    shade = 30 + 150 * np.exp(-(((x - 160 - 20 * np.sin(y / 90 + seed)) / 42) ** 2))
    noise = np.random.default_rng(seed).integers(0, 20, y.shape)
    return (np.clip(shade, 0, 235) + noise).astype(np.uint16) * 16


def dicom(seed, **elements):
    return files.dicom(files.dataset(bone(seed), **elements))


def test_a_late_image_under_a_readers_hand_is_told_and_nothing_typed_is_lost(visit):
    site = make.site()
    uploader, reader, uid = make.person(site, Role.UPLOADER), make.reader(site), files.dataset().StudyInstanceUID
    files.hand_in(uploader, site, dicom(1, StudyInstanceUID=uid), expected_files=1)
    study = Study.objects.get()
    worklist.claim(reader, study.pk)
    page = visit(reader, f"/studies/{study.pk}/read/")
    page.wait_for_selector("#viewer[data-ready=full][data-keys=on]")
    page.check("[name=verdict][value=no_fracture]", force=True)
    page.keyboard.press("t")
    page.fill("[name=note]", "Typed before the image came.")
    files.hand_in(uploader, site, dicom(2, StudyInstanceUID=uid), expected_files=1)
    page.wait_for_selector("#news >> text=an image was added")
    look(page, "late-image-warned")
    page.get_by_role("button", name="Look at it as it is now").click()
    page.wait_for_selector("#viewer[data-ready=full][data-keys=on]")
    page.wait_for_function("document.querySelectorAll('#thumbs > *').length === 2")
    assert page.input_value("[name=note]") == "Typed before the image came."
    assert page.is_checked("[name=verdict][value=no_fracture]")
    assert page.locator("#news .notice").count() == 0
    look(page, "late-image-looked-at")
    page.get_by_role("button", name="Sign and next").click()
    page.wait_for_url(lambda url: str(study.pk) not in url.split("?")[0])
    study.refresh_from_db()
    assert (study.status, study.images.count(), study.reviews.get().note) == (
        "REVIEWED", 2, "Typed before the image came."
    )  # fmt: skip


def test_a_study_of_the_wrong_patient_is_walked_by_the_lead(visit):
    site = make.site()
    uploader, reader, lead = make.person(site, Role.UPLOADER), make.reader(site), make.lead(site)
    uid = files.dataset().StudyInstanceUID
    files.hand_in(uploader, site, dicom(4, StudyInstanceUID=uid), dicom(5, StudyInstanceUID=uid),
                  details=Details(patient_code="4711"), expected_files=2)  # fmt: skip
    mixed = Study.objects.get()
    files.hand_in(uploader, site, dicom(3), details=Details(patient_code="4712"), expected_files=1)
    right = Study.objects.exclude(pk=mixed.pk).get()
    make.signed(reader, mixed, "fracture")
    page = visit(lead, f"/studies/{mixed.pk}/")
    page.get_by_role("link", name="Move, split or merge").click()
    page.check("[name=action][value=move_image]")
    page.locator("[name=image]").nth(1).check()
    page.check(f"[name=to][value='{right.pk}']")
    look(page, "rearrange-choose")
    page.get_by_role("button", name="Look at both before anything changes").click()
    page.wait_for_selector("text=These are two patients")
    page.check("[name=other_patient]")
    page.fill("[name=reason]", "The second cassette was another patient's.")
    look(page, "rearrange-confirm")
    page.get_by_role("button", name="Move", exact=True).dblclick()  # sent once all the same
    page.wait_for_selector("text=Both studies are read anew")
    look(page, "rearranged")
    mixed.refresh_from_db(), right.refresh_from_db()
    assert (mixed.status, mixed.round, mixed.images.count(), right.images.count()) == ("AWAITING", 2, 1, 2)

    told = visit(reader, "/notices/")
    told.wait_for_selector("text=An image was moved out of the study")
    assert told.locator("nav .nav__count").inner_text() == "1"
    look(told, "notices")
    told.get_by_role("button", name="See the study").click()
    told.wait_for_url(lambda url: str(mixed.pk) in url)
    assert Notice.objects.get(person=reader).seen_at is not None


def test_one_picture_under_two_patients_is_decided_by_the_lead(visit):
    site = make.site()
    uploader, lead, picture = make.person(site, Role.UPLOADER), make.lead(site), files.png(bone(6).astype(np.uint8))
    for code in ("4711", "4712"):
        files.hand_in(uploader, site, picture, details=Details(patient_code=code))
    page = visit(lead, "/held/")
    page.get_by_role("link", name="Look at both").click()
    page.wait_for_selector("text=One picture, two patients")
    look(page, "held-both-sides")
    page.get_by_role("button", name="Link it").click()
    page.wait_for_selector("text=Nothing is held")
    assert Study.objects.count() == 1


def test_an_image_of_a_void_study_is_seen_at_a_glance_and_let_in_apart(visit):
    site = make.site()
    uploader, lead, uid = make.person(site, Role.UPLOADER), make.lead(site), files.dataset().StudyInstanceUID
    files.hand_in(uploader, site, dicom(8, StudyInstanceUID=uid), expected_files=1)
    void = Study.objects.get()
    reviews.void(lead, void.pk, reason="Wrong patient on the cassette.")
    files.hand_in(uploader, site, dicom(9, StudyInstanceUID=uid), details=Details(urgent=True))
    page = visit(lead, "/")
    page.get_by_role("link", name="1 held").click()
    page.wait_for_selector("text=Its study has been voided")
    look(page, "held-list")
    page.get_by_role("link", name="Look at both").click()
    page.wait_for_selector("text=An image of a void study")
    look(page, "held-void-study")
    page.get_by_role("button", name="Let it in").dblclick()
    page.wait_for_selector("text=The file is in")
    apart = Study.objects.exclude(pk=void.pk).get()
    assert (apart.status, apart.urgent, apart.images.count(), void.images.count()) == ("AWAITING", True, 1, 1)
