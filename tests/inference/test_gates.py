"""The gate before a promotion: what it lets through, what it refuses, and what is kept of its answers."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from bonefrac.audit.models import AuditEvent, Verb
from bonefrac.db import violated
from bonefrac.errors import Conflict, Forbidden, Invalid
from inference import gates, registry, selectors
from inference.models import GateVerdict, ModelVersion, UseOfTest
from inference.selectors import active_model
from inference.states import ModelStatus, Task
from tests import tiny
from tests.tiny import kinds

REASON = "The reading room has compared both for a month."


def model_of(tmp_path, name, **changes):
    return registry.register(None, tiny.write(tmp_path / name, card=f"# {name}\n", **changes))


@pytest.fixture
def worse(active, tmp_path):
    """A candidate that is clearly worse than the active model on the same images."""
    return model_of(tmp_path, "worse", table=tiny.rows(apart=2.0))


@pytest.fixture
def unproven(active, tmp_path):
    """A candidate with too few images of a fracture to tell."""
    return model_of(tmp_path, "unproven", table=tiny.rows(positives=60))


def events(verb):
    return list(AuditEvent.objects.filter(verb=verb).values_list("data", flat=True))


def test_an_equal_model_passes_and_the_verdict_is_kept(active, another, engineer):
    promoted = registry.promote(engineer, another)
    assert promoted.status == ModelStatus.ACTIVE
    verdict = selectors.gates_of(another).get()
    assert (verdict.verdict, verdict.active, verdict.images, verdict.positives) == ("pass", active, 660, 320)
    assert verdict.report["sentence"].startswith("Pass. No more than 5 points worse on 660 images")
    assert verdict.report["checks"]
    assert len(verdict.items_digest) == 64
    told = AuditEvent.objects.get(verb=Verb.MODEL_GATED, target_id=str(another.pk))
    assert told.actor == engineer
    assert told.data == {"gate": str(verdict.pk), "verdict": "pass", "against": "tiny 1"}
    assert events(Verb.MODEL_PROMOTED)[0]["gate"] == str(verdict.pk)


def test_the_first_model_is_held_against_the_floors(model):
    verdict = registry.gate(None, model)
    assert (verdict.verdict, verdict.active, verdict.report["against"]) == ("pass", None, "floors")
    assert registry.promote(None, model).status == ModelStatus.ACTIVE


def test_asking_the_gate_changes_nothing_that_serves(active, another):
    registry.gate(None, another)
    another.refresh_from_db()
    assert (active_model(), another.status) == (active, ModelStatus.CANDIDATE)
    with pytest.raises(Conflict):
        registry.gate(None, active)


def test_a_worse_model_is_refused_with_the_numbers(active, worse):
    with pytest.raises(Conflict) as refused:
        registry.promote(None, worse)
    assert refused.value.code == "gate_failed"
    assert "was not promoted. Fail. " in refused.value.sentence
    assert "points on 320 images" in refused.value.sentence
    worse.refresh_from_db()
    assert (active_model(), worse.status) == (active, ModelStatus.CANDIDATE)
    assert selectors.gates_of(worse).get().verdict == "fail"


def test_not_enough_evidence_is_not_a_pass(active, unproven):
    with pytest.raises(Conflict) as refused:
        registry.promote(None, unproven)
    assert refused.value.code == "gate_not_enough_evidence"
    assert "too few to tell" in refused.value.sentence
    assert active_model() == active


@pytest.mark.parametrize("reason", ["because", "  no    way ", "\n" * 40])
def test_an_override_needs_a_reason_that_says_something(worse, reason):
    with pytest.raises(Invalid) as refused:
        registry.promote(None, worse, override_reason=reason)
    assert refused.value.code == "reason_too_short"
    assert not GateVerdict.objects.filter(candidate=worse).exists()


def test_an_override_has_a_verb_of_its_own(active, unproven, engineer):
    registry.promote(engineer, unproven, override_reason=f"  {REASON} ")
    assert active_model() == unproven
    told = AuditEvent.objects.get(verb=Verb.MODEL_PROMOTED_AGAINST_GATE)
    assert (told.actor, told.data["reason"], told.data["verdict"]) == (engineer, REASON, "not_enough_evidence")
    assert not AuditEvent.objects.filter(verb=Verb.MODEL_PROMOTED, target_id=str(unproven.pk)).exists()


def test_a_reason_that_was_not_needed_is_not_recorded(active, another):
    registry.promote(None, another, override_reason=REASON)
    assert not AuditEvent.objects.filter(verb=Verb.MODEL_PROMOTED_AGAINST_GATE).exists()
    assert "reason" not in AuditEvent.objects.get(verb=Verb.MODEL_PROMOTED, target_id=str(another.pk)).data


def test_rolling_back_asks_no_gate(active, worse):
    registry.promote(None, worse, override_reason=REASON)
    before = GateVerdict.objects.count()
    assert registry.roll_back(None) == active
    assert GateVerdict.objects.count() == before
    assert AuditEvent.objects.get(verb=Verb.MODEL_ROLLED_BACK).target_id == str(active.pk)
    # Forward again is a promotion like any other.
    with pytest.raises(Conflict):
        registry.promote(None, ModelVersion.objects.get(pk=worse.pk))


def test_a_verdict_about_another_rival_does_not_count(active, another, tmp_path, monkeypatch):
    rival = model_of(tmp_path, "rival")
    judge = gates.judge

    def overtaken(actor, candidate):
        verdict = judge(actor, candidate)
        if candidate == another:
            registry.promote(None, rival)
        return verdict

    monkeypatch.setattr(gates, "judge", overtaken)
    with pytest.raises(Conflict) as refused:
        registry.promote(None, another)
    assert refused.value.code == "changed"
    assert active_model() == rival


def test_each_look_at_a_test_set_is_counted_and_shown(active, tmp_path):
    table = tiny.rows(role="test", name="held back")
    known = tiny.learnt(tiny.rows(4, 4))
    first = model_of(tmp_path, "first", table=table, known=known)
    (used,) = selectors.used_test_sets(first)
    assert (used.images, used.reports, used.gates, used.uses) == (660, 1, 0, 1)
    registry.promote(None, first, override_reason=REASON)
    second = model_of(tmp_path, "second", table=table, known=known)
    registry.gate(None, second)
    registry.gate(None, second)
    (used,) = selectors.used_test_sets(second)
    assert (used.reports, used.gates, used.uses) == (2, 2, 4)
    assert selectors.used_test_sets(first) == [used]
    assert selectors.used_test_sets(active) == []


def test_what_a_model_learnt_from_does_not_count_for_it(active, tmp_path):
    table = tiny.rows(role="test", name="held back")
    leaking = model_of(tmp_path, "leaking", table=table, known=[tiny.Seen(table[0].item, "g", "train")])
    assert registry.gate(None, leaking).report["excluded"] == {
        "learnt from, or of a group learnt from, by tiny 2": 1,
        "answered by tiny 2 alone": 659,
        "answered by tiny 1 alone": 660,
    }


def test_unknown_training_data_is_stamped(active, tmp_path):
    old = model_of(tmp_path, "old", version=1)
    verdict = registry.gate(None, old)
    assert verdict.verdict == "not_enough_evidence"
    assert verdict.report["stamps"] == ["What tiny 2 learnt from is not known."]


def test_each_task_has_an_active_model_of_its_own(active, tmp_path):
    parts = registry.promote(None, registry.register(None, kinds.parts(tmp_path / "parts")))
    assert (active_model(), active_model(Task.BODY_PART)) == (active, parts)
    assert parts.operating_points is None
    registry.retire(None, parts)
    assert registry.roll_back(None, Task.BODY_PART) == parts
    with pytest.raises(Conflict):
        registry.roll_back(None)


def test_rejecting_is_for_ever_and_needs_a_reason(another, engineer, reader):
    with pytest.raises(Forbidden):
        registry.reject(reader, another, reason=REASON)
    with pytest.raises(Invalid):
        registry.reject(engineer, another, reason="no")
    assert registry.reject(engineer, another, reason=REASON).status == ModelStatus.REJECTED
    assert events(Verb.MODEL_REJECTED)[0]["reason"] == REASON
    for verb in (registry.promote, registry.shadow, registry.end_shadow, registry.retire):
        with pytest.raises(Conflict):
            verb(engineer, another)


@pytest.mark.parametrize("table", ["inference_gateverdict", "inference_useoftest"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET images = 1"])
def test_nobody_changes_what_the_gate_said(active, tmp_path, table, change):
    from django.db import IntegrityError

    model_of(tmp_path, "tested", table=tiny.rows(role="test"))
    assert GateVerdict.objects.exists()
    assert UseOfTest.objects.exists()
    with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change.format(table))
    assert violated(refused.value) == f"{table}_append_only"


def test_commands(active, another, worse, capsys):
    call_command("gate_model", "tiny", "2")
    out = capsys.readouterr().out
    assert "tiny 2 against tiny 1" in out
    assert "Pass. No more than 5 points worse" in out
    assert "could prove a margin of" in out
    with pytest.raises(CommandError, match="fail"):
        call_command("gate_model", "tiny", "3", "--json")
    assert json.loads(capsys.readouterr().out)["verdict"] == "fail"
    with pytest.raises(CommandError, match="was not promoted"):
        call_command("promote_model", "tiny", "3")
    call_command("promote_model", "tiny", "3", "--override", REASON)
    call_command("rollback_model")
    call_command("shadow_model", "tiny", "2")
    call_command("shadow_model", "tiny", "2", "--end")
    assert capsys.readouterr().out.splitlines() == [
        "tiny 3: active", "tiny 1: active", "tiny 2: shadow", "tiny 2: candidate",
    ]  # fmt: skip
    for wrong in (["shadow_model", "tiny", "1"], ["gate_model", "tiny", "1"], ["gate_model", "none", "1"]):
        with pytest.raises(CommandError):
            call_command(*wrong)
