"""The API of studies and reviews: the same verbs, their refusals in one shape."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from bonefrac.accounts.models import Role
from studies import reviews, worklist
from studies.models import Review
from studies.states import StudyStatus
from tests import factories_studies as make
from tests.outcomes.passing import let_pass

pytestmark = pytest.mark.django_db


def as_(user) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def url(name, *keys):
    return reverse(f"api_{name}", args=keys)


def test_the_walk_over_the_api():
    site = make.site()
    reader, study = make.reader(site), make.study(site, images=2)
    make.predicted(study, make.model(), "positive", "negative")
    api = as_(reader)
    listed = api.get(url("studies")).json()
    assert listed["next"] == ""
    assert listed["results"][0]["ai"]["state"] == "positive"
    assert listed["results"][0]["ai"]["sentence"] == "fracture suspected"
    claimed = api.post(url("claim", study.pk))
    assert claimed.status_code == 200
    shown = api.get(url("study", study.pk))
    assert shown.headers["ETag"] == '"1"'
    body = shown.json()
    assert body["claimed_by_me"] is True
    assert "sign" in body["events"]
    first, second = (image["id"] for image in body["images"])
    sent = {
        "verdict": "fracture",
        "confidence": "definite",
        "image_readings": [{"image": second, "verdict": "not_visible_here"}],
        "boxes": [{"image": first, "x": 1, "y": 2, "width": 3.5, "height": 4}],
    }
    missing = api.post(url("sign", study.pk), sent, format="json")
    assert (missing.status_code, missing.json()["code"]) == (400, "revision_missing")
    signed = api.post(url("sign", study.pk), sent, format="json", headers={"If-Match": '"1"'})
    assert signed.status_code == 201, signed.json()
    assert signed.json()["boxes"][0]["width"] == 3.5
    assert {row["verdict"] for row in signed.json()["image_readings"]} == {"fracture_visible", "not_visible_here"}
    assert signed.json()["mode"] == "assisted"
    correction = {"verdict": "no_fracture", "revision": 2, "reason": "looked again"}
    amended = api.post(url("amend", signed.json()["id"]), correction, format="json")
    assert amended.json()["supersedes"] == signed.json()["id"]
    assert api.get(url("map", study.pk, first)).headers["Content-Type"] == "image/png"


def test_a_stale_revision_is_a_conflict_in_the_one_shape():
    site = make.site()
    reader, study = make.reader(site), make.study(site)
    worklist.claim(reader, study.pk)
    reviews.add_image(study.pk)
    refused = as_(reader).post(url("sign", study.pk), {"verdict": "fracture", "revision": 1}, format="json")
    assert refused.status_code == 409
    assert set(refused.json()) == {"code", "message", "fields"}
    assert refused.json()["code"] == "stale"
    assert refused.json()["fields"] == {"revision": "2"}


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"verdict": "normal"},
        {"verdict": "fracture", "boxes": [{"x": 1}]},
        {"verdict": "fracture", "boxes": "all"},
        {"verdict": "no_fracture", "image_readings": [{"image": "x", "verdict": "none"}]},
        {"verdict": "not_assessable"},
    ],
)
def test_what_cannot_be_parsed_or_cannot_stand_is_400(sent):
    site = make.site()
    reader, study = make.reader(site), make.study(site)
    worklist.claim(reader, study.pk)
    api = as_(reader)
    refused = api.post(url("sign", study.pk), {"revision": 1} | sent, format="json")
    assert refused.status_code == 400
    assert refused.json()["code"] in {"invalid", "judgement"}
    assert refused.json()["fields"]
    good = api.post(url("sign", study.pk), {"revision": 1, "verdict": "fracture"}, format="json")
    assert good.status_code == 201


def test_claims_problems_and_what_leads_do():
    site = make.site()
    study, reader, lead = make.study(site), make.reader(site), make.lead(site)
    readers, leads = as_(reader), as_(lead)
    assert readers.post(url("next", site.pk)).json()["id"] == str(study.pk)
    assert as_(make.reader(site)).post(url("next", site.pk)).status_code == 204
    assert leads.post(url("claim", study.pk)).json()["code"] == "held"
    assert readers.post(url("hand_back", study.pk)).json()["claimed_until"] is None
    reported = readers.post(url("problem", study.pk), {"sentence": "wrong side"}, format="json")
    assert reported.status_code == 201
    settle = url("settle", reported.json()["id"])
    assert readers.post(settle, {"settlement": "x"}, format="json").status_code == 403
    assert leads.post(settle, {"settlement": "corrected"}, format="json").json()["settled_at"]
    make.signed(reader, study)
    for name, sent, status in (
        ("reopen", {"reason": " "}, 400),
        ("reopen", {"reason": "new view"}, 200),
        ("void", {"reason": "twice"}, 200),
        ("void", {"reason": "twice"}, 409),
        ("restore", {}, 200),
    ):
        assert readers.post(url(name, study.pk), sent, format="json").status_code in {400, 403}
        assert leads.post(url(name, study.pk), sent, format="json").status_code == status, (name, sent)


def test_a_dispute_is_adjudicated():
    site = make.site(required=2)
    study, first, _second = make.disputed(site)
    sent = {"verdict": "no_fracture", "revision": study.revision}
    assert as_(first).post(url("adjudicate", study.pk), sent, format="json").status_code == 403
    done = as_(make.lead(site)).post(url("adjudicate", study.pk), sent, format="json")
    assert (done.status_code, done.json()["kind"]) == (201, "adjudication")
    study.refresh_from_db()
    assert study.status == StudyStatus.REVIEWED


def test_strangers_get_404_and_the_unknown_401():
    site = make.site()
    study = make.study(site)
    make.signed(make.reader(site), study)
    review = Review.objects.get()
    names = ("claim", "hand_back", "sign", "adjudicate", "reopen", "void", "restore", "problem")
    posts = [url(name, study.pk) for name in names]
    posts.append(url("amend", review.pk))
    good = {"verdict": "fracture", "revision": 1, "reason": "x", "sentence": "x"}
    for stranger in (make.lead(make.site()), make.person(engineer=True), make.person(site, Role.UPLOADER)):
        api = as_(stranger)
        assert api.get(url("study", study.pk)).status_code == 404
        for address in posts:
            assert api.post(address, good, format="json").status_code == 404, address
    assert APIClient().get(url("studies")).status_code == 401
    assert APIClient().post(posts[0]).status_code == 401


def test_an_uploader_reads_status_and_verdict_alone():
    site = make.site()
    uploader = make.person(site, Role.UPLOADER)
    study = make.study(site, uploader=uploader)
    make.predicted(study, make.model(), "positive")
    make.signed(make.reader(site), study)
    api = as_(uploader)
    for body in (api.get(url("studies")).json()["results"][0], api.get(url("study", study.pk)).json()):
        assert (body["verdict"], body["status"]) == ("", "AWAITING"), "it can still be undone"
    let_pass(study, seconds=16)
    for body in (api.get(url("studies")).json()["results"][0], api.get(url("study", study.pk)).json()):
        assert body["verdict"] == "fracture (acute)"
        assert not {"ai", "rank", "rank_word", "reviews"} & set(body)
    assert api.post(url("claim", study.pk)).status_code == 403


def test_cursor_pages_and_what_they_cost():
    site = make.site()
    reader = make.reader(site)
    made = {str(make.study(site, waited=number).pk) for number in range(7)}
    api, seen, cursor, costs = as_(reader), [], "", set()
    for _ in range(4):
        with CaptureQueriesContext(connection) as captured:
            page = api.get(url("studies"), {"size": 2, "cursor": cursor}).json()
        costs.add(len(captured))
        seen += [row["id"] for row in page["results"]]
        cursor = page["next"]
    assert cursor == ""
    assert len(seen) == 7
    assert set(seen) == made
    assert max(costs) <= 20
    assert api.get(url("studies"), {"cursor": "damaged"}).status_code == 400
    assert api.get(url("studies"), {"size": "x", "site": "x", "show": "x"}).status_code == 200


def test_the_schema_is_made_without_a_warning():
    GENERATOR_STATS.reset()
    with GENERATOR_STATS.silence():
        schema = SchemaGenerator().get_schema(public=True)
    own = [path for path in schema["paths"] if "/studies/" in path or "/reviews/" in path or "/problems/" in path]
    assert len(own) >= 17
    assert [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache] == []
