"""What stands in the reading form and is not signed: drafts, what an amendment shows of before, the report sentence."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bonefrac.accounts.models import Role
from studies import reviews, worklist
from studies.models import Draft, Review, Study
from tests import factories_studies as make
from tests.faces.desk import IN_PLACE, as_, form, held, url

pytestmark = pytest.mark.django_db

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


@pytest.mark.parametrize("name", ["findings", "unlocated", "measurements"])
def test_a_draft_of_more_marks_than_it_holds_is_refused_in_a_sentence_and_not_cut(name):
    study, _reader, page = held()
    image = str(study.images.get().pk)
    place = {"image": image, "kind": "point", "x": 1, "y": 1}
    kept = page.post(url("draft", study.pk), {name: json.dumps([place] * 300), "draft_version": 0})
    assert kept.json()["version"] == 1
    refused = page.post(url("draft", study.pk), {name: json.dumps([place] * 301), "draft_version": 1})
    assert refused.status_code == 413
    assert "at most 300" in refused.json()["sentence"]
    assert len(Draft.objects.get().body[name]) == 300


def test_a_refusal_of_what_the_script_asks_is_a_sentence_that_it_can_show():
    study, _reader, _page = held()
    stranger = as_(make.reader(make.site()))
    for name in ("draft", "discard_draft", "report_sentence", "skip"):
        answer = stranger.post(
            url(name, study.pk), form(study, next=1, reason="why"), headers={"Accept": "application/json"}
        )
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/json"), name
        assert answer.json()["message"], name


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
    same = form(study, "fracture", confidence="possible", note="distal", advice="ct", reason="old film")
    refused = page.post(url("amend", review.pk), same, headers=IN_PLACE)
    assert (refused.status_code, "this is what you signed" in refused.text) == (400, True)
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
