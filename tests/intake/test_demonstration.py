"""The demo shows every state, twice seeded is once seeded, and a folder goes through the front door."""

from __future__ import annotations

from collections import Counter

import pytest
from django.core.management import CommandError, call_command

from studies import intake
from studies.intake import demonstration
from studies.models import IncomingFile, Study
from tests import factories_intake as files


def test_the_demo_shows_every_state_and_is_seeded_once(db, settings, tmp_path):
    settings.DEMO = True
    demonstration.seed(lambda _text: None)
    codes = Counter(IncomingFile.objects.values_list("status", "code"))
    assert codes["ACCEPTED", ""] == sum(len(scene.fractured) for scene in demonstration.SCENES)
    assert {code for status, code in codes if status == "REFUSED"} == {
        "not_a_radiograph", "truncated", "lying_type", "empty",
    }  # fmt: skip
    assert codes["DUPLICATE", "duplicate"] == codes["HELD", "two_patients"] == 1
    assert Counter(Study.objects.values_list("status", flat=True)) == {
        "AWAITING": 13, "REVIEWED": 2, "DISPUTED": 1, "VOID": 1,
    }  # fmt: skip
    assert Study.objects.filter(has_problem=True).count() == 1
    before = IncomingFile.objects.count()
    demonstration.seed(lambda _text: None)
    assert IncomingFile.objects.count() == before


def test_the_demo_needs_a_demonstration(db, settings):
    settings.DEMO = False
    with pytest.raises(CommandError):
        call_command("seed_demo")


def test_a_folder_goes_through_the_front_door(uploader, site, tmp_path, capsys):
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.png").write_bytes(files.png())
    (tmp_path / "deep" / "b.jpg").write_bytes(files.jpeg())
    (tmp_path / "notes.txt").write_text("no picture")
    call_command("demo", str(tmp_path), "--site", site.name, "--by", uploader.username)
    assert "2 received" in capsys.readouterr().out
    for file in IncomingFile.objects.all():
        intake.judge(file.pk)
    assert Study.objects.count() == 2
