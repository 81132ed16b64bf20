"""The register of models: what is taken in, what is refused, what serves."""

from __future__ import annotations

import shutil

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from bonefrac.audit.models import AuditEvent, Verb
from bonefrac.errors import Conflict, Forbidden
from inference import jobs, places, registry
from inference.models import ModelVersion, PredictionJob
from inference.selectors import active_model
from inference.states import MODEL_TRANSITIONS, JobStatus, ModelEvent, ModelStatus
from tests import tiny
from tests.factories_inference import grey_radiograph
from tests.tiny import kinds
from training import artifact


def statuses():
    return dict(ModelVersion.objects.values_list("version", "status"))


def test_an_artifact_is_copied_verified_and_replayed(model, tmp_path):
    assert (str(model), model.status, model.task) == ("tiny 1", "CANDIDATE", "fracture")
    assert model.report["replayed_here"]["litert"] <= 1e-4
    shutil.rmtree(tmp_path / "artifact")
    assert artifact.Artifact.load(places.artifact_folder(model)).sha256 == model.artifact_sha256
    assert places.artifact_folder(model).stat().st_mode & 0o077 == 0
    assert AuditEvent.objects.get(verb=Verb.MODEL_REGISTERED).data["replayed_on"] == ["litert"]


def test_the_same_artifact_is_registered_once(model, tmp_path):
    with pytest.raises(Conflict) as refused:
        registry.register(None, tmp_path / "artifact")
    assert refused.value.code == "registered"
    assert ModelVersion.objects.count() == 1


def test_versions_count_up_by_name(model, tmp_path):
    second = registry.register(None, tiny.write(tmp_path / "second", card="# Second"))
    other = registry.register(None, tiny.write(tmp_path / "other", name="other"))
    assert [second.version, other.version] == [2, 1]
    assert registry.named("tiny", 2) == second


def changed(folder):
    (folder / "model.tflite").write_bytes(b"something else")
    return folder


def test_only_those_who_look_after_models_change_what_serves(model, tmp_path, reader, engineer, admin):
    artifact_path = tiny.write(tmp_path / "more", card="# More")
    for refused in (
        lambda: registry.register(reader, artifact_path),
        lambda: registry.promote(reader, model),
        lambda: registry.retire(reader, model),
    ):
        with pytest.raises(Forbidden):
            refused()
    assert statuses() == {1: "CANDIDATE"}
    second = registry.register(engineer, artifact_path)
    registry.promote(admin, second)
    registry.retire(engineer, second)
    verbs = AuditEvent.objects.exclude(actor=None).order_by("id").values_list("verb", "actor__username")
    assert list(verbs)[-4:] == [
        ("model_registered", "engineer"),
        ("model_gated", "admin"),
        ("model_promoted", "admin"),
        ("model_retired", "engineer"),
    ]


def test_promoting_retires_the_former_and_cancels_what_waits(active, another, django_capture_on_commit_callbacks):
    waiting = jobs.request(grey_radiograph(), active)
    running = jobs.start(jobs.request(grey_radiograph(), active).pk)
    with django_capture_on_commit_callbacks() as rings:
        registry.promote(None, another)
    assert statuses() == {1: "RETIRED", 2: "ACTIVE"}
    assert active_model() == another
    waiting.refresh_from_db()
    running.refresh_from_db()
    assert (waiting.status, running.status) == (JobStatus.CANCELLED, JobStatus.RUNNING)
    assert len(rings) == 1


def test_rolling_back_is_promoting_the_retired_one(active, another):
    registry.promote(None, another)
    assert registry.roll_back(None) == active
    assert statuses() == {1: "ACTIVE", 2: "RETIRED"}
    assert registry.roll_back(None) == another


def test_there_may_be_nothing_to_go_back_to(active):
    with pytest.raises(Conflict):
        registry.roll_back(None)
    assert statuses() == {1: "ACTIVE"}


def test_a_model_whose_files_changed_is_not_promoted(model):
    (places.artifact_folder(model) / "card.md").write_text("# Forged")
    with pytest.raises(Conflict) as refused:
        registry.promote(None, model)
    assert refused.value.code == "artifact_changed"
    assert active_model() is None


@pytest.mark.parametrize("status", ModelStatus.values)
@pytest.mark.parametrize("event", list(ModelEvent))
def test_every_pair_is_in_the_table_or_refused(status, event):
    allowed = {
        "CANDIDATE": {"shadow": "SHADOW", "promote": "ACTIVE", "reject": "REJECTED"},
        "SHADOW": {"promote": "ACTIVE", "end_shadow": "CANDIDATE", "reject": "REJECTED"},
        "ACTIVE": {"retire": "RETIRED"},
        "RETIRED": {"promote": "ACTIVE"},
    }.get(status, {})
    if event.value in allowed:
        assert MODEL_TRANSITIONS.move(ModelStatus(status), event) == allowed[event.value]
    else:
        with pytest.raises(Conflict):
            MODEL_TRANSITIONS.move(ModelStatus(status), event)


def test_a_model_in_service_is_not_promoted_again(active):
    with pytest.raises(Conflict):
        registry.promote(None, active)
    assert statuses() == {1: "ACTIVE"}


@pytest.fixture
def box(tmp_path, monkeypatch):
    """A folder of shipped artifacts of the test's own."""
    folder = tmp_path / "shipped"
    monkeypatch.setattr(places, "SHIPPED", folder)
    return folder


def test_the_first_start_puts_the_shipped_model_into_service(db, box):
    assert registry.register_shipped() == []
    tiny.write(box / "tiny")
    (first,) = registry.register_shipped()
    assert active_model() == first
    assert registry.register_shipped() == []
    assert ModelVersion.objects.count() == 1


def test_a_newer_shipped_model_waits_as_a_candidate(db, box):
    tiny.write(box / "tiny")
    (first,) = registry.register_shipped()
    tiny.write(box / "tiny", card="# Newer")
    (newer,) = registry.register_shipped()
    assert newer.status == ModelStatus.CANDIDATE
    assert active_model() == first
    assert registry.register_shipped() == []


def test_a_shipped_model_that_does_not_meet_the_floors_waits_and_the_platform_starts(db, box):
    tiny.write(box / "weak", table=tiny.rows(apart=0.2), name="weak")
    kinds.parts(box / "parts")
    weak, parts = sorted(registry.register_shipped(), key=lambda version: version.task, reverse=True)
    assert (weak.status, parts.status) == (ModelStatus.CANDIDATE, ModelStatus.ACTIVE)
    assert active_model() is None
    assert weak.gate_verdicts.get().verdict == "fail"


def test_a_shipped_model_of_format_1_serves_by_a_reason_that_is_told(db, box):
    tiny.write(box / "tiny", version=1)
    (old,) = registry.register_shipped()
    assert old.status == ModelStatus.ACTIVE
    told = AuditEvent.objects.get(verb=Verb.MODEL_PROMOTED_AGAINST_GATE).data
    assert "before predictions were kept" in told["reason"]
    assert (told["verdict"], told["by"]) == ("not_enough_evidence", "start")


@pytest.mark.parametrize("decide", ["promoted another", "retired it"])
def test_a_newer_shipped_model_does_not_overrule_somebody(db, box, tmp_path, engineer, decide):
    tiny.write(box / "tiny")
    (first,) = registry.register_shipped()
    if decide == "retired it":
        registry.retire(engineer, first)
    else:
        registry.promote(engineer, registry.register(engineer, tiny.write(tmp_path / "own", name="own")))
    serving = active_model()
    tiny.write(box / "tiny", card="# Newer")
    (newer,) = registry.register_shipped()
    assert newer.status == ModelStatus.CANDIDATE
    assert active_model() == serving


def test_a_damaged_shipped_model_is_named(db, box):
    changed(tiny.write(box / "tiny"))
    with pytest.raises(CommandError, match=r"model\.tflite"):
        call_command("register_model", "--shipped")


def test_commands(db, tmp_path, capsys):
    call_command("register_model", str(tiny.write(tmp_path / "one")), "--activate")
    call_command("register_model", str(tiny.write(tmp_path / "two", card="# Two")))
    call_command("promote_model", "tiny", "2")
    call_command("rollback_model")
    assert capsys.readouterr().out.splitlines() == [
        "tiny 1: active",
        "tiny 2: candidate",
        "tiny 2: active",
        "tiny 1: active",
    ]
    for wrong in (["promote_model", "tiny", "9"], ["register_model"], ["register_model", str(tmp_path / "none")]):
        with pytest.raises(CommandError):
            call_command(*wrong)


def test_one_is_active_whatever_the_code_does(active, another):
    from django.db import IntegrityError, transaction

    from bonefrac.db import violated

    with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE inference_modelversion SET status = 'ACTIVE'")
    assert violated(refused.value) == "one_active_per_task"


def test_jobs_of_a_retired_model_are_not_asked_again(active, engineer):
    job = jobs.request(grey_radiograph(), active)
    jobs.fail(jobs.start(job.pk), code="bug", detail="")
    registry.retire(engineer, active)
    with pytest.raises(Conflict) as refused:
        jobs.retry(engineer, PredictionJob.objects.select_related("model_version", "radiograph").get(pk=job.pk))
    assert refused.value.code == "out_of_service"
