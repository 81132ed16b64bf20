"""The pages on which people read: what they show, what they do, and that nothing typed is lost."""

from __future__ import annotations

import json
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bonefrac.accounts.models import ReadingMode, Role
from bonefrac.audit.models import AuditEvent, Verb
from studies import reviews, worklist
from studies.models import Review, Study
from studies.states import StudyStatus
from tests import factories_studies as make
from tests.outcomes.passing import let_pass

pytestmark = pytest.mark.django_db


def as_(user) -> Client:
    client = Client()
    client.force_login(user, backend="bonefrac.accounts.backends.PlatformBackend")
    return client


def url(name, *keys):
    return reverse(f"studies:{name}", args=keys)


def form(study, verdict="fracture", **values):
    study.refresh_from_db()
    return {"verdict": verdict, "revision": study.revision, "findings": "[]", "shown": make.shown(study)} | values


def data_of(response):
    text = re.search(r'<script id="reading-data" type="application/json">(.*?)</script>', response.text, re.S).group(1)
    return json.loads(text)


def test_strangers_sign_in_first():
    study = make.study(make.site())
    for address in (url("worklist"), url("study", study.pk), url("read", study.pk)):
        assert Client().get(address).status_code == 302
    assert Client().post(url("claim", study.pk)).status_code == 302


def test_the_walk_from_the_list_to_the_next_study():
    site = make.site()
    reader = make.reader(site)
    first, second = make.study(site, waited=20, images=2), make.study(site, waited=10)
    make.predicted(first, make.model(), "positive", "negative")
    page = as_(reader)
    listed = page.get(url("worklist"))
    assert "fracture suspected" in listed.text
    assert "no fracture" not in listed.text.lower().replace("no acute fracture", "")
    claimed = page.post(url("claim", first.pk))
    assert claimed.headers["Location"] == url("read", first.pk)
    shown = page.get(url("read", first.pk))
    assert "checked" not in shown.text
    data = data_of(shown)
    assert data["can_read"] is True
    assert [image["label"] for image in data["images"]] == ["AP", "LL"]
    assert data["images"][0]["map"]["url"] == url("map", first.pk, first.images.first().pk)
    assert page.get(data["images"][0]["map"]["url"]).headers["Content-Type"] == "image/png"
    box = {"image": data["images"][0]["id"], "x": 1, "y": 2, "width": 5, "height": 6, "confidence": "definite"}
    sent = form(first, findings=json.dumps([box]), confidence="definite", note="distal radius")
    signed = page.post(url("sign", first.pk), sent)
    review = Review.objects.get()
    assert signed.headers["Location"] == url("read", second.pk)
    following = page.get(signed.headers["Location"])
    assert url("undo", review.pk) in following.text
    first.refresh_from_db()
    assert first.status == StudyStatus.REVIEWED
    assert review.mode == "assisted"
    page.post(url("hand_back", second.pk))
    assert Study.objects.get(pk=second.pk).claimed_by is None


def test_whoever_does_not_hold_a_study_sees_it_without_a_form():
    site = make.site()
    reader, other = make.reader(site), make.reader(site)
    study = make.study(site)
    free = as_(reader).get(url("read", study.pk))
    assert data_of(free)["can_read"] is False
    assert "Claim and read" in free.text
    worklist.claim(other, study.pk)
    held = as_(reader).get(url("read", study.pk))
    assert 'id="reading-form"' not in held.text
    refused = as_(reader).post(url("claim", study.pk))
    assert refused.status_code == 409


def test_a_stale_form_comes_back_with_everything_typed():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    worklist.claim(reader, study.pk)
    image = study.images.get()
    box = {"image": str(image.pk), "x": 1, "y": 2, "width": 5, "height": 6, "confidence": None}
    marks = {f"image-{image.pk}": "fracture_visible"}
    sent = form(study, findings=json.dumps([box]), note="typed <b>", confidence="possible", **marks)
    reviews.add_image(study.pk)
    refused = as_(reader).post(url("sign", study.pk), sent)
    assert refused.status_code == 409
    assert "an image was added" in refused.text
    assert "typed &lt;b&gt;" in refused.text
    assert refused.text.count(" checked") == 3
    assert "&quot;width&quot;: 5" in refused.text
    assert 'name="revision" value="2"' in refused.text
    assert not Review.objects.exists()


def test_a_stale_form_of_a_script_gets_a_notice_and_keeps_the_page():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    worklist.claim(reader, study.pk)
    sent = form(study)
    page = as_(reader)
    reviews.add_image(study.pk)
    refused = page.post(url("sign", study.pk), sent, headers={"HX-Request": "true"})
    assert (refused.status_code, refused.headers["HX-Retarget"]) == (409, "#notices")
    assert "<html" not in refused.text
    signed = page.post(url("sign", study.pk), form(study), headers={"HX-Request": "true"})
    assert signed.headers["HX-Redirect"].startswith(url("worklist"))


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"verdict": ""}, 400),
        ({"findings": "{"}, 400),
        ({"findings": '[{"x": 1}]'}, 400),
        ({"findings": "[1]"}, 400),
        ({"image-x": "no_fracture"}, 400),
        ({"revision": "x"}, 400),
        ({"revision": "0"}, 409),
    ],
)
def test_a_form_that_cannot_stand_is_shown_again(wrong, status):
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    worklist.claim(reader, study.pk)
    page = as_(reader)
    refused = page.post(url("sign", study.pk), form(study, note="kept") | wrong)
    assert refused.status_code == status
    assert ">kept</textarea>" in refused.text
    assert page.post(url("sign", study.pk), form(study)).status_code == 302


def test_blind_first_asks_for_a_second_look():
    site = make.site(mode=ReadingMode.BLIND_FIRST)
    study, reader = make.study(site), make.reader(site)
    make.predicted(study, make.model(), "positive")
    worklist.claim(reader, study.pk)
    page = as_(reader)
    before = page.get(url("read", study.pk))
    assert "after your reading" in before.text
    assert data_of(before)["images"][0]["map"] is None
    signed = page.post(url("sign", study.pk), form(study, "no_fracture"))
    assert signed.headers["Location"] == url("read", study.pk)
    after = page.get(url("read", study.pk))
    assert "fracture suspected" in after.text
    assert data_of(after)["images"][0]["map"] is not None
    assert page.post(url("sign", study.pk), form(study)).status_code == 302
    study.refresh_from_db()
    assert study.status == StudyStatus.REVIEWED


def test_a_reading_is_amended_and_a_dispute_settled_by_page():
    site = make.site(required=2)
    study, first, second = make.disputed(site)
    mine = Review.objects.get(reader=second)
    page = as_(second)
    shown = page.get(url("amend", mine.pk))
    assert 'value="no_fracture" checked' in shown.text
    assert as_(first).get(url("amend", mine.pk)).status_code == 403
    assert as_(first).post(url("amend", mine.pk), form(study)).status_code == 403
    lead = as_(make.lead(site))
    assert "Adjudicate" in lead.get(url("study", study.pk)).text
    assert lead.get(url("adjudicate", study.pk)).status_code == 200
    settled = lead.post(url("adjudicate", study.pk), form(study))
    assert settled.headers["Location"] == url("study", study.pk)
    assert "reviewed" in lead.get(url("study", study.pk)).text
    amended = page.post(url("amend", mine.pk), form(study, reason="saw it"))
    assert amended.status_code == 302
    assert "amended since" in page.get(url("study", study.pk)).text


def test_what_a_lead_does_on_the_page_of_a_study():
    site = make.site()
    study, reader, lead = make.study(site), make.reader(site), make.lead(site)
    page = as_(lead)
    assert as_(reader).post(url("problem", study.pk), {"sentence": "wrong side"}).status_code == 302
    problem = study.problems.get()
    assert "wrong side" in page.get(url("study", study.pk)).text
    assert page.post(url("settle", problem.pk), {"settlement": "corrected"}).status_code == 302
    make.signed(reader, study)
    assert page.post(url("reopen", study.pk), {"reason": ""}).status_code == 400
    assert page.post(url("reopen", study.pk), {"reason": "new view"}).status_code == 302
    assert page.post(url("void", study.pk), {"reason": "twice"}).status_code == 302
    assert page.post(url("restore", study.pk)).status_code == 302
    text = page.get(url("study", study.pk)).text
    for words in ("new view", "twice", "corrected", "reopened", "voided"):
        assert words in text


def test_a_reader_does_not_see_what_another_signed_before_their_own_reading():
    site = make.site(required=2)
    study, first, second = make.study(site), make.reader(site), make.reader(site)
    make.signed(first, study, "not_assessable", note="grainy")
    assert "grainy" not in as_(second).get(url("study", study.pk)).text
    assert "grainy" in as_(first).get(url("study", study.pk)).text
    assert "grainy" in as_(make.person(site, Role.AUDITOR)).get(url("study", study.pk)).text
    make.signed(second, study)
    assert "grainy" in as_(second).get(url("study", study.pk)).text


def test_an_uploader_sees_status_and_verdict_and_no_ai():
    site = make.site()
    uploader = make.person(site, Role.UPLOADER)
    study, other = make.study(site, uploader=uploader), make.study(site)
    make.predicted(study, make.model(), "positive")
    page = as_(uploader)
    for address in (url("worklist"), url("study", study.pk)):
        text = page.get(address).text
        assert "suspected" not in text
        assert "tiny" not in text
    assert page.get(url("read", study.pk)).status_code == 403
    assert page.get(url("study", other.pk)).status_code == 404
    assert page.get(url("map", study.pk, study.images.get().pk)).status_code == 404
    assert page.get(url("preview", study.pk, study.images.get().pk)).status_code == 200
    make.signed(make.reader(site), study)
    let_pass(study, seconds=16)
    assert "fracture (acute)" in page.get(url("study", study.pk)).text


def test_who_sees_nothing():
    study = make.study(make.site())
    image = study.images.get()
    engineer = make.person(engineer=True)
    engineer.is_superuser = engineer.is_staff = True
    engineer.save()
    for stranger in (make.reader(make.site()), engineer):
        page = as_(stranger)
        assert page.get(url("worklist")).status_code == 200
        gets = [url("study", study.pk), url("read", study.pk), url("adjudicate", study.pk), url("machine", study.pk)]
        gets += [url(name, study.pk, image.pk) for name in ("preview", "map", "instance")]
        for address in gets:
            assert page.get(address).status_code == 404, address
        for name in ("claim", "extend", "hand_back", "sign", "adjudicate", "reopen", "void", "restore", "problem"):
            sent = {"reason": "x", "sentence": "x"}
            assert page.post(url(name, study.pk), sent).status_code == 404, name


def test_an_overseer_sees_and_does_not_read():
    site = make.site()
    study = make.study(site)
    make.predicted(study, make.model(), "positive")
    for role in (Role.ADMIN, Role.AUDITOR):
        page = as_(make.person(site, role))
        assert "fracture suspected" in page.get(url("worklist")).text
        shown = page.get(url("read", study.pk))
        assert 'id="reading-form"' not in shown.text
        assert "Claim" not in shown.text.replace("Claim it", "")
        for name in ("claim", "hand_back", "sign", "adjudicate", "reopen", "void", "restore", "problem"):
            sent = form(study, reason="x", sentence="x")
            assert page.post(url(name, study.pk), sent).status_code == 403, name


def test_opening_is_recorded_and_polls_are_not():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    page = as_(reader)
    page.get(url("read", study.pk))
    opened = AuditEvent.objects.filter(verb=Verb.STUDY_OPENED, target_id=str(study.pk), actor=reader)
    assert opened.count() == 1
    before = AuditEvent.objects.count()
    page.get(url("machine", study.pk), headers={"X-Background": "1"})
    poll = page.get(url("worklist"), headers={"X-Background": "1"})
    page.get(url("preview", study.pk, study.images.get().pk))
    assert AuditEvent.objects.count() == before
    assert "<html" not in poll.text
    assert study.pk.hex[-8:] in poll.text


def test_take_the_next():
    site = make.site()
    reader = make.reader(site)
    page = as_(reader)
    assert page.post(url("next", site.pk)).headers["Location"] == url("worklist")
    study = make.study(site)
    assert page.post(url("next", site.pk)).headers["Location"] == url("read", study.pk)
    assert page.post(url("extend", study.pk)).json()["claimed_until"]
    assert page.post(url("next", make.site().pk)).status_code == 404


def test_the_reading_page_costs_the_same_for_many_images():
    site = make.site()
    reader, model = make.reader(site), make.model()
    costs = []
    for number in (1, 6):
        study = make.study(site, images=number)
        make.predicted(study, model, *["positive"] * number)
        worklist.claim(reader, study.pk)
        page = as_(reader)
        page.get(url("read", study.pk))
        with CaptureQueriesContext(connection) as captured:
            assert page.get(url("read", study.pk)).status_code == 200
        costs.append(len(captured))
    assert costs[0] == costs[1] <= 45


def test_every_page_says_what_this_is():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    page = as_(reader)
    for address in (url("worklist"), url("study", study.pk), url("read", study.pk), url("worklist") + "?show=void"):
        assert "Not a medical device" in page.get(address).text
