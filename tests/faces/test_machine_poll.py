"""What the models say while a reading page is open: its poll brings what the page would have shown, and no more."""

from __future__ import annotations

import html
import json
import re

import pytest

from bonefrac.accounts.models import ReadingMode
from bonefrac.audit.models import AuditEvent, Verb
from studies import reviews
from studies.models import Disclosure, Review
from tests import factories_studies as make
from tests.faces.desk import IN_PLACE, as_, data_of, form, held, url

pytestmark = pytest.mark.django_db


def looked(answer):
    """What the poll tells the viewer, None where it tells it nothing."""
    found = re.search(r'data-looked="([^"]*)"', answer.text)
    return json.loads(html.unescape(found.group(1))) if found else None


def agreed(answer):
    found = re.search(r'data-agree="(\w+)"', answer.text)
    return found.group(1) if found else None


@pytest.mark.parametrize(
    ("state", "verdict"),
    [("positive", "fracture"), ("negative", "no_fracture"), ("doubt", None), ("not_assessed", None)],
)
def test_what_arrives_is_what_the_page_would_have_shown(state, verdict):
    study, reader, page = held(images=2)
    model = make.model()
    for image in study.images.all():
        make.jobs.request(image.radiograph, model)
    opened = page.get(url("read", study.pk))
    assert [one["map"] for one in data_of(opened)["images"]] == [None, None]
    assert agreed(opened) is None
    waiting = page.get(url("machine", study.pk))
    assert (agreed(waiting), [one["map"] for one in looked(waiting)]) == (None, [None, None])
    assert not Disclosure.objects.exists()
    make.predicted(study, model, state, state)
    polled = page.get(url("machine", study.pk))
    assert agreed(polled) == verdict
    assert Disclosure.objects.filter(reader=reader, study=study).count() == 2
    assert AuditEvent.objects.filter(verb=Verb.AI_DISCLOSED, actor=reader).count() == 1
    assert AuditEvent.objects.filter(verb=Verb.STUDY_OPENED, actor=reader).count() == 1, "a poll opens nothing"
    now = data_of(page.get(url("read", study.pk)))["images"]
    assert looked(polled) == [{name: one[name] for name in ("id", "map", "map_reason")} for one in now]
    assert all(bool(one["map"]) == (state != "not_assessed") for one in looked(polled))
    if verdict:
        sent = form(study, verdict, agreed_with_model="1")
        assert page.post(url("sign", study.pk), sent, headers=IN_PLACE).status_code == 200
        assert Review.objects.get().mode == "assisted"


def test_where_one_image_is_spoken_of_the_other_still_waits():
    study, _reader, page = held(images=2)
    model = make.model()
    first, second = (image.radiograph for image in study.images.all())
    make.jobs.request(second, model)
    make.predict(first, model, "negative")
    half = page.get(url("machine", study.pk))
    assert "hx-get" in half.text
    assert agreed(half) is None
    assert [bool(one["map"]) for one in looked(half)] == [True, False]


def test_who_could_not_sign_is_not_offered_to_agree():
    study, reader, page = held()
    make.predicted(study, make.model(), "positive")
    other = as_(make.reader(study.site)).get(url("machine", study.pk))
    assert (agreed(other), bool(looked(other))) == (None, True)
    own_page = page.get(url("machine", study.pk) + "?open=1")
    assert (agreed(own_page), looked(own_page)) == (None, None)
    reviews.report_problem(reader, study.pk, sentence="the side is wrong")
    assert agreed(page.get(url("machine", study.pk))) is None


def test_before_the_blind_reading_the_poll_is_the_same_with_and_without_a_prediction():
    study, _reader, page = held(mode=ReadingMode.BLIND_FIRST)
    before = page.get(url("machine", study.pk))
    make.predicted(study, make.model(), "positive")
    after = page.get(url("machine", study.pk))
    assert before.content == after.content
    assert (agreed(after), looked(after)) == (None, None)
    assert not Disclosure.objects.exists()
    page.post(url("sign", study.pk), form(study, "no_fracture"), headers=IN_PLACE)
    assert agreed(page.get(url("machine", study.pk))) == "fracture"
