"""Pages and API of models and jobs: who sees what, and that what came from outside can do nothing."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from inference import jobs, registry
from inference.models import ModelVersion, PredictionJob
from inference.states import JobStatus
from tests import tiny
from tests.factories_inference import grey_radiograph

ABSENT = uuid.UUID(int=7)
NOTICE = "Research and evaluation. Not a medical device. A qualified person decides."


@pytest.fixture
def browse(client):
    """Ask for a page as somebody."""

    def browse(person, address, method="get"):
        if person is None:
            client.logout()
        else:
            client.force_login(person, backend="bonefrac.accounts.backends.PlatformBackend")
        return getattr(client, method)(address)

    return browse


@pytest.fixture
def call():
    """Call the API as somebody."""

    def call(person, address, method="get"):
        client = APIClient()
        if person is not None:
            client.force_authenticate(person)
        return getattr(client, method)(address)

    return call


@pytest.fixture
def failed(active):
    job = jobs.request(grey_radiograph(), active)
    jobs.fail(jobs.start(job.pk), code="damaged", detail="The stored frame <b>cannot</b> be decoded.")
    job.refresh_from_db()
    return job


def test_pages_say_when_no_model_serves(browse, reader, model):
    page = browse(reader, reverse("inference:models"))
    assert "No model is in service" in page.content.decode()
    registry.promote(None, model)
    page = browse(reader, reverse("inference:models")).content.decode()
    assert "No model is in service" not in page
    assert "0.900 (0.850–0.940)" in page
    assert NOTICE in page


def test_an_empty_register_says_what_would_fill_it(browse, reader):
    assert "register_model --shipped" in browse(reader, reverse("inference:models")).content.decode()


def test_the_page_of_a_model_says_first_what_it_is_not_for(browse, reader, active):
    page = browse(reader, reverse("inference:model", args=[active.pk])).content.decode()
    places = [page.index(words) for words in ("0.900 (0.850–0.940)", "0.740", "What it is not for", "Model card")]
    assert places == sorted(places)
    for words in ("drawn pictures only", "younger than 18", "hip", "from 0.700", "below 0.300"):
        assert words in page
    assert reverse("inference:promote", args=[active.pk]) not in page
    assert reverse("inference:retire", args=[active.pk]) not in page


def test_a_card_from_outside_is_only_read(db, browse, reader, tmp_path):
    card = (
        "# Bad\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) ![p](https://a.org/p.png)\n\n|a|\n|--:|\n|1|\n"
    )
    model = registry.register(None, tiny.write(tmp_path / "bad", card=card, name="<b>bad</b>"))
    page = browse(reader, reverse("inference:model", args=[model.pk])).content.decode()
    for active_content in ("<script>alert", 'href="javascript', "<img", "style=", "<b>bad"):
        assert active_content not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert '<table class="table">' in page


def test_the_report_is_sandboxed(browse, reader, active):
    answer = browse(reader, reverse("inference:report", args=[active.pk]))
    assert b"<p>Report</p>" in answer.content
    policy = answer["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "allow-" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_report_that_is_gone_says_so(browse, reader, active, settings):
    settings.STORES_ROOT.rename(settings.STORES_ROOT.with_name("away"))
    answer = browse(reader, reverse("inference:report", args=[active.pk]))
    assert answer.status_code == 503


def test_promoting_and_retiring_by_page(browse, engineer, admin, active, another):
    assert "Promote" in browse(engineer, reverse("inference:model", args=[another.pk])).content.decode()
    answer = browse(admin, reverse("inference:promote", args=[another.pk]), "post")
    assert answer.status_code == 302
    page = browse(admin, answer["Location"]).content.decode()
    assert "tiny 2 is in service" in page
    assert browse(engineer, reverse("inference:promote", args=[another.pk]), "post").status_code == 409
    assert browse(engineer, reverse("inference:retire", args=[another.pk]), "post").status_code == 302
    assert {model.status for model in ModelVersion.objects.all()} == {"RETIRED"}


def test_failed_jobs_by_page(browse, engineer, failed):
    page = browse(engineer, reverse("inference:jobs")).content.decode()
    assert str(failed.radiograph_id) in page
    assert "damaged" in page
    assert "<b>cannot" not in page
    assert browse(engineer, reverse("inference:retry", args=[failed.pk]), "post").status_code == 302
    assert PredictionJob.objects.filter(status=JobStatus.QUEUED).count() == 1
    assert "Nothing failed" in browse(engineer, reverse("inference:jobs")).content.decode()


PAGES = [
    ("get", "inference:models", None, {"reader": 200, "engineer": 200, "admin": 200}),
    ("get", "inference:model", "model", {"reader": 200, "engineer": 200, "admin": 200}),
    ("get", "inference:report", "model", {"reader": 200, "engineer": 200, "admin": 200}),
    ("get", "inference:jobs", None, {"reader": 404, "engineer": 200, "admin": 200}),
    ("post", "inference:promote", "model", {"reader": 403, "engineer": 409, "admin": 409}),
    ("post", "inference:retire", "model", {"reader": 403, "engineer": 302, "admin": 302}),
    ("post", "inference:retry", "job", {"reader": 404, "engineer": 302, "admin": 302}),
]
API = [
    ("get", "api-models", None, {"reader": 200, "engineer": 200, "admin": 200}),
    ("get", "api-model", "model", {"reader": 200, "engineer": 200, "admin": 200}),
    ("get", "api-jobs", None, {"reader": 404, "engineer": 200, "admin": 200}),
    ("get", "api-job", "job", {"reader": 404, "engineer": 200, "admin": 200}),
    ("post", "api-model-promote", "model", {"reader": 403, "engineer": 409, "admin": 409}),
    ("post", "api-model-retire", "model", {"reader": 403, "engineer": 200, "admin": 200}),
    ("post", "api-job-retry", "job", {"reader": 404, "engineer": 201, "admin": 201}),
]


def address_of(name, target, active, failed):
    keys = {"model": [active.pk], "job": [failed.pk], None: []}
    return reverse(name, args=keys[target])


@pytest.mark.parametrize("who", ["reader", "engineer", "admin"])
@pytest.mark.parametrize(("method", "name", "target", "expected"), PAGES, ids=lambda value: str(value)[:24])
def test_who_sees_and_does_what_by_page(browse, request, active, failed, who, method, name, target, expected):
    address = address_of(name, target, active, failed)
    assert browse(request.getfixturevalue(who), address, method).status_code == expected[who]
    answer = browse(None, address, method)
    assert (answer.status_code, reverse("accounts:sign_in") in answer["Location"]) == (302, True)


@pytest.mark.parametrize("who", ["reader", "engineer", "admin"])
@pytest.mark.parametrize(("method", "name", "target", "expected"), API, ids=lambda value: str(value)[:24])
def test_who_sees_and_does_what_by_api(call, request, active, failed, who, method, name, target, expected):
    address = address_of(name, target, active, failed)
    assert call(request.getfixturevalue(who), address, method).status_code == expected[who]
    assert call(None, address, method).status_code == 401


def test_what_does_not_exist_is_404_in_both_faces(browse, call, engineer):
    for name in ("inference:model", "inference:report"):
        assert browse(engineer, reverse(name, args=[ABSENT])).status_code == 404
    answer = call(engineer, reverse("api-model", args=[ABSENT]))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_api_names_radiographs_and_no_study(call, engineer, failed):
    page = call(engineer, reverse("api-jobs") + "?status=FAILED").json()
    (job,) = page["results"]
    assert (job["id"], job["radiograph"], job["error_code"]) == (str(failed.pk), str(failed.radiograph_id), "damaged")
    assert page["next"] == ""
    assert not [name for name in job if "study" in name or "patient" in name]
    assert call(engineer, reverse("api-jobs") + "?status=DONE").status_code == 400
    assert call(engineer, reverse("api-jobs") + "?cursor=nonsense").status_code == 400


def test_the_api_hands_out_cards_and_figures(call, reader, active):
    (listed,) = call(reader, reverse("api-models")).json()["results"]
    assert (listed["name"], listed["version"], listed["status"]) == ("tiny", 1, "ACTIVE")
    whole = call(reader, reverse("api-model", args=[active.pk])).json()
    assert whole["card"].startswith("# Tiny")
    assert whole["report"]["splits"]["val"]["auroc"]["value"] == 0.9


def test_the_list_of_jobs_neither_counts_nor_skips(call, engineer, failed, django_assert_max_num_queries):
    with django_assert_max_num_queries(6) as seen:
        call(engineer, reverse("api-jobs"))
    asked = " ".join(query["sql"] for query in seen.captured_queries).upper()
    assert "COUNT(" not in asked
    assert "OFFSET" not in asked
