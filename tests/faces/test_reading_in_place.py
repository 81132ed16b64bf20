"""The reading page without a new page: sign and next in place, a second Enter, blind first, undo."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bonefrac.accounts.models import ReadingMode
from studies import drafts, reviews
from studies.models import Draft, Review, Study
from studies.states import StudyStatus
from studies.terms import DraftPurpose
from tests import factories_studies as make
from tests.faces.desk import IN_PLACE, as_, data_of, form, held, url

pytestmark = pytest.mark.django_db

# --- Sign and next ------------------------------------------------------------------------------------------------


def test_signing_in_place_brings_the_page_of_the_next_study():
    study, reader, page = held()
    following = make.study(study.site)
    answer = page.post(url("sign", study.pk), form(study), headers=IN_PLACE)
    assert (answer.status_code, answer.headers["X-Address"]) == (200, url("read", following.pk))
    assert data_of(answer)["study"] == str(following.pk)
    assert data_of(answer)["can_read"] is True
    following.refresh_from_db()
    assert following.claimed_by == reader
    assert answer.headers["Cache-Control"] == "private, no-store"
    same = page.get(answer.headers["X-Address"])
    assert data_of(same) == data_of(answer)
    assert url("undo", Review.objects.get().pk) in answer.text
    last = page.post(url("sign", following.pk), form(following), headers=IN_PLACE)
    assert (last.status_code, last.headers["X-Address"], last.content) == (200, url("worklist"), b"")


def test_a_refusal_in_place_is_a_fragment_and_keeps_the_page():
    study, reader, page = held()
    sent = form(study)
    for wrong, status in (({"verdict": ""}, 400), ({"revision": 7}, 409)):
        refused = page.post(url("sign", study.pk), sent | wrong, headers=IN_PLACE)
        assert (refused.status_code, refused.headers["HX-Retarget"]) == (status, "#notices")
        assert "<html" not in refused.text
        assert "kept" in refused.text
    drafts.keep(reader, study.pk, purpose=DraftPurpose.SIGN, form=make.typed(note="mine"), version=0, revision=1)
    Study.objects.filter(pk=study.pk).update(claimed_by=None, claimed_until=None)
    refused = page.post(url("sign", study.pk), sent, headers=IN_PLACE)
    assert refused.status_code == 409
    assert "claim it again" in refused.text
    assert Draft.objects.get().body["note"] == "mine"
    page.post(url("claim", study.pk))
    assert page.post(url("sign", study.pk), sent, headers=IN_PLACE).status_code == 200
    assert not Draft.objects.exists()


def test_a_study_voided_under_the_reader_is_told_in_a_sentence():
    study, _reader, page = held()
    sent = form(study)
    reviews.void(make.lead(study.site), study.pk, reason="wrong patient")
    refused = page.post(url("sign", study.pk), sent, headers=IN_PLACE)
    assert refused.status_code == 409
    assert "This study is void by now. Nothing was signed; what you entered is kept." in refused.text
    kept = page.post(url("draft", study.pk), sent | {"note": "typed", "draft_version": 0})
    assert kept.status_code == 200
    assert not Review.objects.exists()


def test_every_image_has_to_have_been_drawn():
    study, _reader, page = held(images=2)
    first, second = (str(image.pk) for image in study.images.all())
    for shown in ("[]", json.dumps([first]), json.dumps([first, str(make.study(study.site).pk)]), "{", "[1]", None):
        sent = form(study, shown=shown) if shown is not None else form(study)
        if shown is None:
            del sent["shown"]
        assert page.post(url("sign", study.pk), sent, headers=IN_PLACE).status_code == 400, shown
    failed = form(study, shown=json.dumps([first]), **{f"image-{second}": "not_assessable"})
    assert page.post(url("sign", study.pk), failed, headers=IN_PLACE).status_code == 200


def test_a_second_enter_leads_on_like_the_first():
    study, _reader, page = held()
    following = make.study(study.site)
    sent = form(study, note="once", findings="[]")
    first = page.post(url("sign", study.pk), sent)
    second = page.post(url("sign", study.pk), sent)
    assert first.headers["Location"] == second.headers["Location"] == url("read", following.pk)
    assert Review.objects.count() == 1
    other = page.post(url("sign", study.pk), sent | {"note": "twice"})
    assert other.status_code == 409
    study.refresh_from_db()
    assert study.status == StudyStatus.REVIEWED


def test_a_second_enter_amends_and_adjudicates_once():
    study, _first, second = make.disputed(make.site(required=2))
    mine, page = Review.objects.get(reader=second), as_(second)
    sent = form(study, "no_fracture", note="once", reason="why")
    answers = [page.post(url("amend", mine.pk), sent, headers=IN_PLACE) for _ in range(2)]
    assert [answer.headers.get("X-Address") for answer in answers] == [url("study", study.pk)] * 2
    assert Review.objects.filter(supersedes=mine).count() == 1
    page = as_(make.lead(study.site))
    sent = form(study, "fracture")
    answers = [page.post(url("adjudicate", study.pk), sent, headers=IN_PLACE) for _ in range(2)]
    assert [answer.headers.get("X-Address") for answer in answers] == [url("study", study.pk)] * 2
    assert Review.objects.filter(kind="adjudication").count() == 1


def test_a_second_enter_on_the_blind_answer_is_no_second_look():
    study, _reader, page = held(mode=ReadingMode.BLIND_FIRST)
    make.predicted(study, make.model(), "positive")
    sent = form(study, "no_fracture")
    for _ in range(2):
        answer = page.post(url("sign", study.pk), sent, headers=IN_PLACE)
        assert (answer.status_code, answer.headers["X-Address"]) == (200, url("read", study.pk))
    assert Review.objects.get().mode == "blind"


# --- Blind first --------------------------------------------------------------------------------------------------


def test_the_second_look_comes_with_the_blind_answer_and_the_ai_in_place():
    study, _reader, page = held(mode=ReadingMode.BLIND_FIRST)
    make.predicted(study, make.model(), "positive")
    before = page.get(url("read", study.pk))
    assert before.context["agree"] is None
    assert " checked" not in before.text
    sent = form(study, "no_fracture", confidence="possible", note="blind", other_findings=["effusion"], is_critical="1")
    answer = page.post(url("sign", study.pk), sent, headers=IN_PLACE)
    assert "fracture suspected" in answer.text
    assert data_of(answer)["images"][0]["map"] is not None
    typed = answer.context["sheet"].typed
    assert (typed.verdict, typed.confidence, typed.note, typed.is_critical) == (
        "no_fracture",
        "possible",
        "blind",
        True,
    )
    assert answer.context["agree"]["verdict"] == "fracture"
    assert answer.context["undo"] is None
    assert 'value="no_fracture" checked' in answer.text
    kept = page.post(url("sign", study.pk), form(study, "no_fracture"), headers=IN_PLACE)
    assert kept.headers["X-Address"] == url("worklist")
    assert list(Review.objects.order_by("id").values_list("mode", "verdict")) == [
        ("blind", "no_fracture"), ("assisted", "no_fracture"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        (("positive",), "fracture"), (("negative",), "no_fracture"), (("doubt",), None), (("not_assessed",), None),
        ((), None),
    ],
)  # fmt: skip
def test_agreeing_is_offered_where_the_model_said_something(states, verdict):
    study, _reader, page = held()
    model = make.model()
    if states:
        make.predicted(study, model, *states)
    agree = page.get(url("read", study.pk)).context["agree"]
    assert (agree and agree["verdict"]) == verdict
    sent = form(study, "fracture", agreed_with_model="1")
    assert page.post(url("sign", study.pk), sent, headers=IN_PLACE).status_code == (
        200 if verdict == "fracture" else 400
    )


# --- Undo ---------------------------------------------------------------------------------------------------------


def test_undo_in_place_brings_the_form_back_as_it_was():
    study, _reader, page = held()
    image = study.images.get()
    box = {"image": str(image.pk), "kind": "box", "x": 1.5, "y": 2, "width": 5, "height": 6, "bone": "radius"}
    page.post(url("sign", study.pk), form(study, findings=json.dumps([box]), note="distal", advice=["ct", "mri"]))
    review = Review.objects.get()
    answer = page.post(url("undo", review.pk), headers=IN_PLACE)
    assert (answer.status_code, answer.headers["X-Address"]) == (200, url("read", study.pk))
    assert data_of(answer)["can_read"] is True
    typed = answer.context["sheet"].typed
    assert (typed.verdict, typed.note, typed.advice) == ("fracture", "distal", ("ct", "mri"))
    (found,) = json.loads(typed.findings)
    assert found | box == found | {"x": 1.5, "bone": "radius"}
    assert answer.context["draft"].version == 1
    again = page.post(url("undo", review.pk), headers=IN_PLACE)
    assert (again.status_code, again.headers["HX-Retarget"]) == (409, "#notices")
    assert page.post(url("undo", review.pk)).status_code == 409


def test_undo_is_offered_after_the_last_study_and_beside_what_was_amended(settings):
    study, reader, page = held()
    page.post(url("sign", study.pk), form(study))
    review = Review.objects.get()
    for address in (url("worklist"), url("study", study.pk)):
        assert url("undo", review.pk) in page.get(address).text, address
        assert url("undo", review.pk) not in as_(make.lead(study.site)).get(address).text
    settings.UNDO_SECONDS = 0
    assert url("undo", review.pk) not in page.get(url("worklist")).text
    settings.UNDO_SECONDS = 15
    back = page.post(url("undo", review.pk))
    assert back.headers["Location"] == url("read", study.pk)
    assert page.get(back.headers["Location"]).context["sheet"].typed.verdict == "fracture"
    study.refresh_from_db()
    assert study.claimed_by == reader


def test_what_signing_asks_of_the_database_is_bounded():
    study, _reader, page = held(images=3)
    following = make.study(study.site, images=3)
    make.predicted(study, make.model(), "positive", "negative", "negative")
    page.get(url("read", study.pk))
    sent = form(study)
    with CaptureQueriesContext(connection) as captured:
        assert page.post(url("sign", study.pk), sent).headers["Location"] == url("read", following.pk)
    assert len(captured) <= 60, len(captured)


def test_undo_leads_to_where_the_review_came_from():
    site = make.site(required=2)
    study, _first, second = make.disputed(site)
    lead = make.lead(site)
    settled = reviews.adjudicate(lead, study.pk, judgement=make.judgement(), revision=study.revision)
    answer = as_(lead).post(url("undo", settled.pk))
    assert answer.headers["Location"] == url("adjudicate", study.pk)
    page = as_(second)
    study.refresh_from_db()
    mine = Review.objects.get(reader=second)
    amended = reviews.amend(second, mine.pk, judgement=make.judgement(note="why not"), revision=study.revision)
    back = page.post(url("undo", amended.pk))
    shown = page.get(back.headers["Location"])
    assert shown.context["sheet"].typed.note == "why not"
    assert shown.status_code == 200
