"""The house is tidy: bearable sizes, faces that hold no domain logic, names that mean something."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, functions_of, modules, tree_of

NAMELESS = {"utils.py", "helpers.py", "misc.py", "common.py", "services.py"}
MODULES = list(modules())


def length_of(node: ast.AST) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def faces() -> list[Path]:
    found = []
    for path in MODULES:
        relative = path.relative_to(ROOT)
        if {"views", "api"} & set(relative.parts) or path.name in {"views.py", "api.py"}:
            found.append(path)
    return found


def wrong_in_face(tree: ast.AST) -> list[str]:
    wrong = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "_base_manager", "_default_manager"}:
            wrong.append(f"line {node.lineno}: .{node.attr}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "save":
            wrong.append(f"line {node.lineno}: .save()")
        if isinstance(node, ast.If) and any(
            isinstance(part, ast.Attribute) and part.attr in {"role", "is_superuser"} for part in ast.walk(node.test)
        ):
            wrong.append(f"line {node.lineno}: a condition on a role")
    return wrong


def test_modules_stay_under_400_lines():
    long = {str(path.relative_to(ROOT)): n for path in MODULES if (n := len(path.read_text().splitlines())) > 400}
    assert long == {}


def test_functions_stay_under_40_lines_and_their_median_under_10():
    lengths = {
        (str(path.relative_to(ROOT)), f.name, f.lineno): length_of(f) for path in MODULES for f in functions_of(path)
    }
    assert {key: n for key, n in lengths.items() if n > 40} == {}
    assert statistics.median(lengths.values()) <= 10


def test_no_module_is_named_for_nothing():
    assert [str(path) for path in MODULES if path.name in NAMELESS] == []


@pytest.mark.parametrize("path", faces(), ids=lambda path: str(path.relative_to(ROOT)))
def test_faces_parse_call_one_verb_and_render(path):
    assert wrong_in_face(tree_of(path)) == []


def test_the_rule_sees_a_face_that_decides():
    source = "def view(request):\n    if request.user.role == 'lead':\n        Study.objects.get().save()\n"
    assert len(wrong_in_face(ast.parse(source))) == 3


def test_templates_hold_no_inline_script_or_style():
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        assert "style=" not in text, path
        assert "<style" not in text, path
        assert " onclick=" not in text, path
        for tag in text.split("<script")[1:]:
            head = tag.split(">", 1)[0]
            assert "src=" in head or "application/json" in head, (path, head)


def test_no_signals_and_no_save_overrides():
    for path in modules("studies", "inference", "bonefrac"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                names = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
                bases = {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}
                if bases & {"Row", "Model", "AbstractUser"}:
                    assert not names & {"save", "delete"}, (path, node.name)
