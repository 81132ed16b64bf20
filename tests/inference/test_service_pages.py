"""Pages that change what serves: each asks once more, the gate's answer stands on them, and a reason is on record."""

from __future__ import annotations

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from bonefrac.audit.models import AuditEvent, Verb
from inference import jobs, prediction, registry
from inference.models import GateVerdict, ModelVersion
from inference.states import ModelStatus
from tests import tiny
from tests.factories_inference import grey_radiograph
from tests.tiny import kinds

ENOUGH = {"positives": 320, "others": 480}
REASON = "Tried for a week on drawn pictures; the site wants it."


@pytest.fixture
def browse(client):
    def browse(person, name, *args, data=None):
        client.force_login(person, backend="bonefrac.accounts.backends.PlatformBackend")
        address = reverse(f"inference:{name}", args=args)
        answer = client.get(address) if data is None else client.post(address, data)
        return answer, answer.content.decode()

    return browse


@pytest.fixture
def equal(db, tmp_path):
    """A model in service and a candidate that says the same of the same images, enough of them to tell."""
    table = tiny.rows(**ENOUGH)
    serving = registry.promote(None, registry.register(None, tiny.write(tmp_path / "serving", table=table)))
    return serving, registry.register(None, tiny.write(tmp_path / "equal", table=table, card="# Equal\n"))


@pytest.fixture
def few(active, tmp_path):
    """A candidate that shares too few images with the model in service."""
    table = tiny.rows(positives=40, others=80)
    return registry.register(None, tiny.write(tmp_path / "few", table=table, card="# Few\n"))


def test_the_list_has_a_table_for_each_task(browse, reader, active, tmp_path):
    registry.register(None, kinds.parts(tmp_path / "parts"))
    _answer, page = browse(reader, "models")
    assert page.index("task-fracture") < page.index("task-body_part")
    assert "None is in service: studies say nothing of it." in page
    assert "Accuracy (95 % interval)" in page
    assert "task-fracture_type" not in page


def test_a_model_of_classes_has_a_page_without_operating_points(browse, reader, tmp_path, db):
    parts = registry.register(None, kinds.parts(tmp_path / "parts"))
    _answer, page = browse(reader, "model", parts.pk)
    assert "How well it tells the bone part" in page
    assert "Operating points" not in page
    assert "no map" in page


def test_a_leak_stands_in_red_before_any_figure(browse, reader, active):
    report = active.report | {"leak": {"red": True, "sentence": "12 of 50 test images were learnt from."}}
    ModelVersion.objects.filter(pk=active.pk).update(report=report)
    _answer, page = browse(reader, "model", active.pk)
    assert page.index("12 of 50 test images were learnt from.") < page.index("How well it tells a fracture")
    assert ">leak</span>" in browse(reader, "models")[1]


def test_the_gate_is_asked_and_every_number_is_shown(browse, engineer, reader, active, few):
    answer, _page = browse(engineer, "gate", few.pk, data={})
    verdict = GateVerdict.objects.get(candidate=few)
    assert answer["Location"] == reverse("inference:gate_verdict", args=[verdict.pk])
    _answer, page = browse(reader, "gate_verdict", verdict.pk)
    for words in ("Not enough evidence", "Margin that could be proven", "sensitivity at the upper", "against tiny 1"):
        assert words in page
    assert reverse("inference:promote", args=[few.pk]) not in page
    assert "not enough evidence" in browse(reader, "model", few.pk)[1]


def test_not_enough_evidence_is_no_pass_and_an_override_needs_a_reason(browse, engineer, active, few):
    answer, page = browse(engineer, "promote", few.pk)
    assert answer.status_code == 200
    assert "The gate has not been asked" in page
    answer, page = browse(engineer, "promote", few.pk, data={"reason": ""})
    assert answer.status_code == 409
    assert "was not promoted" in page
    answer, page = browse(engineer, "promote", few.pk, data={"reason": "because"})
    assert answer.status_code == 400
    assert ">because</textarea>" in page
    few.refresh_from_db()
    assert few.status == ModelStatus.CANDIDATE
    answer, _page = browse(engineer, "promote", few.pk, data={"reason": REASON})
    assert answer.status_code == 302
    few.refresh_from_db()
    assert few.status == ModelStatus.ACTIVE
    event = AuditEvent.objects.get(verb=Verb.MODEL_PROMOTED_AGAINST_GATE)
    assert event.actor == engineer


def test_an_equal_candidate_passes_and_is_rolled_back(browse, engineer, equal):
    serving, candidate = equal
    assert browse(engineer, "promote", candidate.pk, data={"reason": ""})[0].status_code == 302
    assert ModelVersion.objects.get(status=ModelStatus.ACTIVE) == candidate
    _answer, page = browse(engineer, "roll_back", "fracture")
    assert f"{serving} serves again" in page
    assert browse(engineer, "roll_back", "fracture", data={})[0].status_code == 302
    assert ModelVersion.objects.get(status=ModelStatus.ACTIVE) == serving
    assert browse(engineer, "roll_back", "body_part")[1].count("No earlier model of this task") == 1
    assert browse(engineer, "roll_back", "nonsense")[0].status_code == 404


def test_every_step_asks_first(browse, engineer, active, another):
    steps = [
        ("start_shadow", another, {}, "SHADOW"),
        ("end_shadow", another, {}, "CANDIDATE"),
        ("reject", another, {"reason": REASON}, "REJECTED"),
        ("retire", active, {}, "RETIRED"),
    ]
    for name, version, data, status in steps:
        before = version.status
        answer, page = browse(engineer, name, version.pk)
        assert answer.status_code == 200
        assert "What will follow" in page
        version.refresh_from_db()
        assert version.status == before
        assert browse(engineer, name, version.pk, data=data)[0].status_code == 302
        version.refresh_from_db()
        assert version.status == status


def test_a_step_that_cannot_be_taken_says_why(browse, engineer, active, another):
    answer, page = browse(engineer, "reject", another.pk, data={"reason": "no"})
    assert answer.status_code == 400
    assert ">no</textarea>" in page
    assert browse(engineer, "end_shadow", another.pk, data={})[0].status_code == 409


def test_a_shadow_is_compared_without_anybody_being_shown_a_study(browse, engineer, active, another):
    registry.shadow(engineer, another)
    assert "Nothing to compare yet" in browse(engineer, "shadow", another.pk)[1]
    for job in jobs.request_all(grey_radiograph(0.9, rows=100, columns=100)):
        prediction.work_on(job.pk)
    _answer, page = browse(engineer, "shadow", another.pk)
    assert "fracture suspected" in page
    assert "says nothing of which is right" in page


def test_two_versions_stand_side_by_side_on_the_same_images(browse, reader, equal):
    serving, candidate = equal
    _answer, page = browse(reader, "compare", candidate.pk, serving.pk)
    for words in ("On the same images", "As each report says", "0.900 (0.850–0.940)", "Declared parts", "800"):
        assert words in page
    assert GateVerdict.objects.filter(active=serving).count() == 0


def test_what_cannot_be_compared_is_refused(browse, reader, active, tmp_path):
    parts = registry.register(None, kinds.parts(tmp_path / "parts"))
    assert browse(reader, "compare", active.pk, parts.pk)[0].status_code == 400
    assert browse(reader, "compare", active.pk, active.pk)[0].status_code == 400


def test_a_version_of_unknown_answers_is_shown_apart(browse, reader, active, tmp_path):
    old = registry.register(None, tiny.write(tmp_path / "old", version=1, card="# Old\n"))
    _answer, page = browse(reader, "compare", old.pk, active.pk)
    assert "came without its predictions of labelled images" in page


def test_programs_may_do_the_same(engineer, reader, active, few):
    client = APIClient()
    client.force_authenticate(engineer)

    def ask(name, *args, **data):
        return client.post(reverse(name, args=args), data, format="json")

    told = ask("api-model-gates", few.pk)
    assert (told.status_code, told.json()["verdict"]) == (201, "not_enough_evidence")
    assert told.json()["report"]["provable_margin"] > 0
    (listed,) = client.get(reverse("api-model-gates", args=[few.pk])).json()["results"]
    assert listed["id"] == told.json()["id"]
    refused = ask("api-model-promote", few.pk)
    assert (refused.status_code, refused.json()["code"]) == (409, "gate_not_enough_evidence")
    assert ask("api-model-shadow", few.pk).json()["status"] == "SHADOW"
    assert client.get(reverse("api-model-shadow", args=[few.pk])).json()["radiographs"] == 0
    assert ask("api-model-end-shadow", few.pk).json()["status"] == "CANDIDATE"
    assert ask("api-model-promote", few.pk, override_reason=REASON).json()["status"] == "ACTIVE"
    back = ask("api-models-roll-back", task="fracture").json()
    assert (back["id"], back["status"]) == (str(active.pk), "ACTIVE")
    assert ask("api-model-reject", few.pk).status_code == 400
    beside = client.get(reverse("api-model-beside", args=[few.pk, active.pk])).json()
    assert beside["paired"]["images"] == 40
    assert {line["name"] for line in beside["lines"]} == {"AUROC", "AUROC without any pixel"}
