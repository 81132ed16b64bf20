"""The containers' description and the roles it relies on, as far as they can be checked without an engine."""

import ast
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from django.db import ProgrammingError, connection, transaction

from bonefrac import checks, grants

ROOT = Path(__file__).resolve().parents[2]
SERVICES = {"db", "redis", "migrate", "web", "dicom", "worker", "inference", "beat", "trainer"}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_every_process_is_a_service_with_a_health_check(compose):
    assert set(compose["services"]) == SERVICES
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name


def test_the_engines_are_those_of_the_wheels(compose):
    assert compose["services"]["db"]["image"] == "postgres:18"
    assert compose["services"]["redis"]["image"].startswith("redis:")


def test_only_the_migration_uses_the_role_that_owns_the_tables(compose):
    using = {n: s["environment"].get("DATABASE_URL", "") for n, s in compose["services"].items() if "environment" in s}
    assert {name for name, url in using.items() if "bonefrac_owner" in url} == {"migrate"}
    assert {name for name, url in using.items() if "bonefrac_inference" in url} == {"inference"}


def test_only_the_trainer_has_tensorflow_and_it_is_optional(compose):
    targets = {n: s["build"]["target"] for n, s in compose["services"].items() if "build" in s}
    assert {name for name, target in targets.items() if target == "training"} == {"trainer"}
    assert compose["services"]["trainer"]["profiles"] == ["training"]
    serving = (ROOT / "Dockerfile").read_text().split("AS training")[0]
    assert "-r requirements.txt" not in serving


def test_no_secret_has_a_default_and_every_one_is_in_the_example(compose):
    text = (ROOT / "docker-compose.yml").read_text()
    required = set(re.findall(r"\$\{(\w+):\?", text))
    example = dict(
        line.split("=", 1)
        for line in (ROOT / ".env.example").read_text().splitlines()
        if "=" in line and line[0] != "#"
    )
    assert {"SECRET_KEY", "PSEUDONYM_SECRET", "FIELD_SECRET", "OWNER_PASSWORD"} <= required
    assert {name: example[name] for name in required} == dict.fromkeys(required, "")


def test_the_image_is_made_of_paths_that_exist():
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), line


def client_command():
    """Return a client that reads the description, of either generation, or None."""
    if shutil.which("docker") and not subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def test_a_client_accepts_the_description():
    command = client_command()
    if command is None:
        pytest.skip("no docker client with compose on this machine")
    values = {name: "x" for name in re.findall(r"^(\w+)=$", (ROOT / ".env.example").read_text(), re.MULTILINE)}
    ended = subprocess.run(
        [*command, "--file", str(ROOT / "docker-compose.yml"), "--profile", "training", "config", "--quiet"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/usr/local/bin:/bin", **values},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr


@pytest.fixture
def granted(db):
    grants.apply(serving_password="one", inference_password="two")
    grants.apply(serving_password="one", inference_password="two")  # after every migration again


def answer_to(role, statement):
    """Return 'done', or the beginning of the database's refusal."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        try:
            with transaction.atomic():
                cursor.execute(statement)
        except ProgrammingError as error:
            return str(error)[:17]
        finally:
            cursor.execute("RESET ROLE")
    return "done"


@pytest.mark.parametrize(
    ("role", "statement", "answer"),
    [
        (grants.SERVING, "SELECT 1 FROM studies_review", "done"),
        (grants.SERVING, "UPDATE studies_study SET revision = 1 WHERE false", "done"),
        (grants.SERVING, "UPDATE studies_review SET note = '' WHERE false", "permission denied"),
        (grants.SERVING, "DELETE FROM studies_review WHERE false", "permission denied"),
        (grants.SERVING, "TRUNCATE studies_review CASCADE", "permission denied"),
        (grants.SERVING, "ALTER TABLE studies_review DISABLE TRIGGER ALL", "must be owner of "),
        (grants.INFERENCE, "UPDATE inference_predictionjob SET attempt = 1 WHERE false", "done"),
        (grants.INFERENCE, "DELETE FROM inference_prediction WHERE false", "permission denied"),
        (grants.INFERENCE, "SELECT 1 FROM studies_study", "permission denied"),
        (grants.INFERENCE, "SELECT 1 FROM accounts_user", "permission denied"),
        (grants.INFERENCE, "SELECT 1 FROM audit_auditevent", "permission denied"),
    ],
)
def test_each_role_has_its_rights_and_no_more(granted, role, statement, answer):
    assert answer_to(role, statement) == answer


def test_the_serving_role_passes_the_check_that_the_owner_fails(granted):
    assert [message.id for message in checks.evidence_is_not_owned()] == ["bonefrac.E004"]
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {grants.SERVING}")
        assert checks.evidence_is_not_owned() == []
        cursor.execute("RESET ROLE")


def pinned(name):
    """Return the packages that a requirements file pins, as registries spell them."""
    lines = (ROOT / name).read_text().splitlines()
    found = (re.match(r"[A-Za-z0-9._-]+(?=(\[[\w,]+\])?==)", line) for line in lines)
    return {re.sub(r"[-_.]+", "-", match[0]).lower() for match in found if match}


def imported_by(folders):
    """Return the top-level modules that the source of some folders imports, with one place for each."""
    found = {}
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_text())
        hints = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
        only_for_types = {id(inner) for hint in hints for statement in hint.body for inner in ast.walk(statement)}
        for node in (node for node in ast.walk(tree) if id(node) not in only_for_types):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            found |= {name.partition(".")[0]: path for name in names}
    return found


def test_what_serves_imports_only_what_the_serving_requirements_pin():
    packages = packages_distributions()
    own = {"bonefrac", "studies", "inference", "training"} | set(sys.stdlib_module_names)
    serving, trained = pinned("requirements-serving.txt"), pinned("requirements.txt")
    optional = {"tensorflow", "keras"}  # the second engine, loaded only where it is installed
    imported = {
        name: path for name, path in imported_by(["bonefrac", "studies", "inference"]).items() if name not in own
    }

    missing = {
        name: str(path.relative_to(ROOT))
        for name, path in imported.items()
        if name not in optional
        and not serving & {re.sub(r"[-_.]+", "-", dist).lower() for dist in packages.get(name, [])}
    }
    assert missing == {}
    assert {"django", "celery"} <= serving
    assert {"tensorflow", "keras"} <= trained - serving
