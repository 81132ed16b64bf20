"""The reading page without a new page: sign and next in place, undo, drafts, a second Enter, the report sentence."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bonefrac.accounts.models import ReadingMode, Role
from studies import drafts, reviews, worklist
from studies.models import Draft, Review, Study
from studies.states import StudyStatus
from studies.terms import DraftPurpose
from tests import factories_studies as make

pytestmark = pytest.mark.django_db
IN_PLACE = {"X-In-Place": "1"}


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


def held(*, images=1, **values):
    site = make.site(**values)
    study, reader = make.study(site, images=images), make.reader(site)
    worklist.claim(reader, study.pk)
    return study, reader, as_(reader)


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
    assert "void" in refused.text
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


# --- Drafts -------------------------------------------------------------------------------------------------------


def test_a_draft_survives_reload_sign_out_and_another_device():
    study, reader, page = held(images=2)
    first, _second = (str(image.pk) for image in study.images.all())
    box = {"image": first, "kind": "box", "x": 1.25, "y": 2.5, "width": 5, "height": 6}
    length = {"image": first, "kind": "length", "points": [[1, 2], [3.5, 4]]}
    sent = {
        "verdict": "fracture", "note": "half a sen", "findings": json.dumps([box]),
        "measurements": json.dumps([length]),
        "unlocated": '[{"bone": "ulna"}]', "other_findings": ["effusion"], "has_cast_or_hardware": "on",
        f"image-{first}": "fracture_visible", "revision": 1, "draft_version": 0, "shown": "[]", "junk": "x",
    }  # fmt: skip
    answer = page.post(url("draft", study.pk), sent)
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == 1
    assert answer.json()["saved_at"]
    page.logout()
    shown = as_(reader).get(url("read", study.pk))
    typed, draft = shown.context["sheet"].typed, shown.context["draft"]
    assert (typed.verdict, typed.note, typed.has_cast_or_hardware) == ("fracture", "half a sen", True)
    assert json.loads(typed.measurements) == [length]
    assert (json.loads(typed.findings)[0]["x"], json.loads(typed.unlocated)[0]["bone"]) == (1.25, "ulna")
    assert (draft.version, draft.is_older, draft.purpose) == (1, False, "sign")
    assert "half a sen" in shown.text
    assert "junk" not in str(Draft.objects.get().body)
    assert "half a sen" not in as_(make.reader(study.site)).get(url("read", study.pk)).text


def test_another_tab_is_told_and_chooses():
    study, _reader, page = held()
    first = page.post(url("draft", study.pk), form(study, note="one", draft_version=0)).json()
    refused = page.post(url("draft", study.pk), form(study, note="two", draft_version=0))
    assert refused.status_code == 409
    assert refused.json()["version"] == first["version"]
    assert "Another tab" in refused.json()["sentence"]
    mine = page.post(url("draft", study.pk), form(study, note="two", draft_version=first["version"]))
    assert mine.json()["version"] == 2
    assert page.get(url("read", study.pk)).context["sheet"].typed.note == "two"
    assert page.post(url("discard_draft", study.pk)).json() == {"version": 0}
    shown = page.get(url("read", study.pk))
    assert (shown.context["sheet"].typed.note, shown.context["draft"].version) == ("", 0)


def test_a_draft_whose_study_grew_or_lost_an_image_is_offered_with_what_still_fits():
    study, _reader, page = held(images=2)
    first, second = study.images.all()
    boxes = [{"image": str(image.pk), "x": 1, "y": 1, "width": 2, "height": 2} for image in (first, second)]
    page.post(url("draft", study.pk), form(study, findings=json.dumps(boxes), draft_version=0))
    reviews.add_image(study.pk)
    assert page.get(url("read", study.pk)).context["draft"].is_older
    other = make.study(study.site)
    type(second).objects.filter(pk=second.pk).update(withdrawn_at=timezone.now())
    shown = page.get(url("read", study.pk))
    assert [box["image"] for box in json.loads(shown.context["sheet"].typed.findings)] == [str(first.pk)]
    assert shown.context["lost"] == 1
    assert other.pk != study.pk


def test_who_is_refused_gets_json(client):
    study, _reader, _page = held()
    sent = form(study, draft_version=0)
    admin = as_(make.person(study.site, Role.ADMIN)).post(url("draft", study.pk), sent)
    assert (admin.status_code, admin.json()["code"]) == (403, "forbidden")
    stranger = as_(make.reader(make.site())).post(url("draft", study.pk), sent)
    assert (stranger.status_code, stranger.json()["code"]) == (404, "not_found")
    assert client.post(url("draft", study.pk), sent, headers={"Accept": "application/json"}).status_code == 401
    wrong = as_(make.reader(study.site)).post(url("draft", study.pk), sent | {"purpose": "gossip"})
    assert wrong.status_code == 400


def test_a_half_typed_form_is_never_refused_as_a_draft():
    study, _reader, page = held()
    for sent in (
        {}, {"verdict": "maybe"}, {"findings": "{"}, {"findings": "[1]"}, {"image-x": "y"}, {"note": "a\x00b" * 3000},
        {"revision": "x"}, {"unlocated": "7"}, {"measurements": '[{"image": null}]'},
    ):  # fmt: skip
        version = page.get(url("read", study.pk)).context["draft"].version
        answer = page.post(url("draft", study.pk), sent | {"draft_version": version})
        assert answer.status_code == 200, (sent, answer.text)
    assert page.get(url("read", study.pk)).status_code == 200


def test_a_note_with_a_nul_is_signed_without_it():
    study, _reader, page = held()
    assert page.post(url("sign", study.pk), form(study, note="a\x00b"), headers=IN_PLACE).status_code == 200
    assert Review.objects.get().note == "ab"


def test_the_amendment_and_the_adjudication_have_drafts_of_their_own():
    study, _first, second = make.disputed(make.site(required=2))
    page, mine = as_(second), Review.objects.get(reader=second)
    page.post(url("draft", study.pk), form(study, note="amending", purpose="amend", draft_version=0))
    shown = page.get(url("amend", mine.pk))
    assert (shown.context["sheet"].typed.note, shown.context["draft"].purpose) == ("amending", "amend")
    lead = as_(make.lead(study.site))
    lead.post(url("draft", study.pk), form(study, note="settling", purpose="adjudicate", draft_version=0))
    assert lead.get(url("adjudicate", study.pk)).context["sheet"].typed.note == "settling"


def test_keeping_a_draft_costs_little():
    study, _reader, page = held(images=4)
    page.post(url("draft", study.pk), form(study, draft_version=0))
    with CaptureQueriesContext(connection) as captured:
        assert page.post(url("draft", study.pk), form(study, draft_version=1)).status_code == 200
    assert len(captured) <= 16


def test_the_page_of_an_amendment_says_what_was_signed_and_the_history_what_changed(settings):
    settings.UNDO_SECONDS = 0
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    review = make.signed(reader, study, "fracture", confidence="possible", note="distal", advice=("ct",))
    page = as_(reader)
    shown = page.get(url("amend", review.pk))
    said = {fact.name: fact.value for fact in shown.context["before"]}
    assert said["verdict"] == "fracture (acute)"
    assert (said["confidence"], said["note"], said["advice"]) == ("possible", "distal", "CT")
    assert "As it was signed" in shown.text
    assert (shown.context["sheet"].typed.note, shown.context["sheet"].typed.advice) == ("distal", ("ct",))
    sent = form(study, "no_fracture", note="old film seen")
    refused = page.post(url("amend", review.pk), sent, headers=IN_PLACE)
    assert (refused.status_code, "why the reading is amended" in refused.text) == (400, True)
    amended = page.post(url("amend", review.pk), sent | {"reason": "old film"}, headers=IN_PLACE)
    assert (amended.status_code, amended.headers["X-Address"]) == (200, url("study", study.pk))
    history = page.get(url("study", study.pk)).text
    for words in ("old film", "fracture (acute)", "no acute fracture", "distal", "old film seen"):
        assert words in history, words


# --- The report sentence ------------------------------------------------------------------------------------------


def test_the_report_sentence_says_what_stands_in_the_form():
    study, _reader, page = held(images=2)
    make.predicted(study, make.model(), "positive", "negative")
    Study.objects.filter(pk=study.pk).update(body_part="hand", side="left")
    shown = page.get(url("read", study.pk))
    sent = form(
        study, unlocated='[{"bone": "radius", "type": "transverse", "confidence": "definite"}]', advice="follow_up"
    )
    said = page.post(shown.context["report_sentence_url"], sent).json()["sentence"]
    assert said == (
        "Left hand/wrist/forearm, 2 views: acute fracture of the radius, transverse, definite. Follow-up advised."
    )
    empty = page.post(shown.context["report_sentence_url"], {}).json()["sentence"]
    assert empty == "Left hand/wrist/forearm, 2 views: no verdict yet."
    assert not Draft.objects.exists()


def test_a_claim_that_ran_out_is_told_before_anything_is_lost():
    study, _reader, page = held()
    Study.objects.filter(pk=study.pk).update(claimed_until=timezone.now() - timedelta(minutes=1))
    worklist.release_lapsed_claims()
    other = make.reader(study.site)
    worklist.claim(other, study.pk)
    refused = page.post(url("sign", study.pk), form(study), headers=IN_PLACE)
    assert refused.status_code == 409
    kept = page.post(url("draft", study.pk), form(study, note="mine", draft_version=0))
    assert kept.status_code == 200
    worklist.hand_back(other, study.pk)
    page.post(url("claim", study.pk))
    assert page.get(url("read", study.pk)).context["sheet"].typed.note == "mine"
