"""The arrows point down: studies -> inference -> training, and the foundation knows none of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, dotted, imports_of, modules

FOUNDATION = {
    "bonefrac.accounts", "bonefrac.audit", "bonefrac.errors", "bonefrac.db", "bonefrac.transitions", "bonefrac.env",
    "bonefrac.keys", "bonefrac.stores", "bonefrac.embedded", "bonefrac.celery",
}  # fmt: skip
COMPOSITION = {"bonefrac.settings", "bonefrac.urls", "bonefrac.api", "bonefrac.launch"}


def layer_of(name: str) -> str:
    if any(name == module or name.startswith(module + ".") for module in FOUNDATION):
        return "foundation"
    return name.partition(".")[0]


FORBIDDEN = {
    "foundation": {"studies", "inference", "training"},
    "training": {"studies", "inference", "bonefrac", "foundation", "django", "rest_framework", "celery"},
    "inference": {"studies"},
    "studies": set(),
    "bonefrac": set(),
}


def breaches(path: Path) -> list[str]:
    own = layer_of(dotted(path))
    found = []
    for line, name in imports_of(path):
        if layer_of(name) in FORBIDDEN[own] or (own in {"inference", "studies", "foundation"} and name in COMPOSITION):
            found.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    return found


def test_imports_point_down():
    found = [breach for path in modules() for breach in breaches(path)]
    assert found == []


def test_the_rule_sees_a_breach(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.architecture.sources.ROOT", tmp_path)
    monkeypatch.setattr("tests.architecture.test_layers.ROOT", tmp_path)
    path = tmp_path / "inference" / "wrong.py"
    path.parent.mkdir()
    path.write_text("from studies.models import Study\n")
    assert breaches(path) == ["inference/wrong.py:1 imports studies.models.Study"]


DEPENDENCY = re.compile(r'\("(studies|inference|accounts|audit)", "[^"]+"\)')
MAY_DEPEND_ON = {
    "accounts": {"accounts"},
    "audit": {"audit", "accounts"},
    "inference": {"inference"},
    "studies": {"studies", "inference", "accounts"},
}


@pytest.mark.parametrize("app", sorted(MAY_DEPEND_ON))
def test_migrations_point_down(app):
    folder = ROOT / ("bonefrac" if app in {"accounts", "audit"} else "") / app / "migrations"
    for path in folder.glob("0*.py"):
        assert {found for found in DEPENDENCY.findall(path.read_text())} <= MAY_DEPEND_ON[app], path


def test_no_table_of_pixels_has_a_person():
    from django.apps import apps

    for model in apps.get_app_config("inference").get_models():
        targets = {field.related_model._meta.app_label for field in model._meta.fields if field.is_relation}
        assert targets <= {"inference"}, model
