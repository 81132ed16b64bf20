"""Looks at a test side are written down, one by one."""

import json

import pytest

from training.evaluation import ledger


def test_the_same_images_are_the_same_side_in_any_order():
    assert ledger.side_digest(["b", "a"]) == ledger.side_digest(["a", "b"])
    assert ledger.side_digest(["a"]) != ledger.side_digest(["a", "b"])
    assert ledger.side_digest(["a", "bc"]) != ledger.side_digest(["ab", "c"])


def test_every_look_is_counted_and_none_is_forgotten(tmp_path):
    assert ledger.uses(tmp_path) == []
    assert ledger.section([]) == {"count": 0, "digest": None, "uses": []}
    ledger.add(tmp_path, ["a", "b"])
    ledger.name_artifact(tmp_path, "first")
    ledger.add(tmp_path, ["c"])
    ledger.add(tmp_path, ["b", "a"])
    section = ledger.section(ledger.uses(tmp_path))
    assert section["count"] == 2
    assert section["digest"] == ledger.side_digest(["a", "b"])
    assert [(use["images"], use["artifact"]) for use in section["uses"]] == [(2, "first"), (2, "")]
    assert section["uses"][0]["when"] <= section["uses"][1]["when"]
    assert len(ledger.uses(tmp_path)) == 3


def test_a_ledger_that_somebody_else_wrote_is_a_sentence(tmp_path):
    (tmp_path / ledger.FILE).write_text(json.dumps([{"when": "yesterday"}]))
    with pytest.raises(ValueError, match="list of test uses"):
        ledger.uses(tmp_path)
