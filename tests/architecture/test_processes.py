"""What each process loads: neither the web process nor the workers import TensorFlow; every rung job exists."""

from __future__ import annotations

import ast
import subprocess
import sys

from django.core.management import call_command

from tests.architecture.sources import ROOT, modules, tree_of

PROBE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bonefrac.settings")
import django; django.setup()
{body}
heavy = sorted(name for name in ("tensorflow", "keras", "torch", "sklearn", "matplotlib") if name in sys.modules)
print(",".join(heavy))
"""


def loaded_by(body: str) -> str:
    done = subprocess.run([sys.executable, "-c", PROBE.format(body=body)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def test_the_web_process_loads_no_tensorflow():
    assert loaded_by("import bonefrac.wsgi; from django.urls import get_resolver; get_resolver().url_patterns") == ""


def test_the_workers_load_no_tensorflow():
    assert loaded_by("from bonefrac.celery import app; app.loader.import_default_modules()") == ""


def test_the_probe_sees_a_heavy_import():
    assert loaded_by("import matplotlib") == "matplotlib"


def rung_names() -> set[str]:
    names = set()
    for path in modules():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "ring":
                first = node.args[0] if node.args else None
                assert isinstance(first, ast.Constant), f"{path}:{node.lineno} rings a name that is not written out"
                names.add(first.value)
    return names


def test_every_rung_name_is_a_registered_job(settings):
    from bonefrac.celery import app

    app.loader.import_default_modules()
    app.finalize()
    swept = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert rung_names(), "nothing is rung: the test no longer sees the doorbell"
    assert (rung_names() | swept) - set(app.tasks) == set()


def test_every_job_has_limits_and_acknowledges_late():
    from bonefrac.celery import app, queue_of

    app.loader.import_default_modules()
    own = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
    for name, task in own.items():
        assert task.acks_late, name
        assert task.reject_on_worker_lost, name
        assert 0 < task.soft_time_limit < task.time_limit <= 600, name
        assert app.amqp.router.route({}, name)["queue"].name == queue_of(name), name


def test_no_migration_is_missing(transactional_db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
