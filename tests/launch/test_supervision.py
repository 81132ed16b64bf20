"""Processes that die come back, processes that hang are ended, and nothing outlives the supervisor's stop."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from bonefrac import supervision
from bonefrac.embedded.processes import lives, wait_until
from bonefrac.supervision import Program, Supervisor

ROOT = Path(__file__).resolve().parents[2]


def program(code, name="probe", **options):
    return Program(name, [sys.executable, "-c", textwrap.dedent(code)], **options)


FOREVER = "import time; print('up', flush=True); time.sleep(600)"
DEAF = """
    import signal, subprocess, sys, time
    for how in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
        signal.signal(how, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "600"])
    print(child.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def lines():
    return []


@pytest.fixture
def supervisor(tmp_path, lines):
    made = Supervisor(str(tmp_path), lambda name, line: lines.append((name, line)))
    yield made
    made.stop(is_forced=lambda: True)


def never():
    return False


def test_output_is_relayed_under_the_program_s_name(supervisor, lines):
    supervisor.start(program("print('one'); print('two')", name="web", is_lasting=False))

    assert wait_until(lambda: len(lines) == 2, seconds=10)
    assert lines == [("web", "one"), ("web", "two")]


def test_a_killed_program_is_started_again_and_a_finished_step_is_not(supervisor, lines):
    lasting = supervisor.start(program(FOREVER))
    step = supervisor.start(program("pass", name="step", is_lasting=False))
    first = lasting.pid
    os.kill(first, signal.SIGKILL)

    def came_back():
        supervisor.tend()
        return lasting.pid not in {None, first}

    assert wait_until(came_back, seconds=10)
    assert any("starts again in 1 s" in line for _, line in lines)
    assert step.exit_code == 0
    assert step.pid is None


def test_the_pause_doubles_to_a_limit_and_a_long_life_forgives(supervisor, monkeypatch):
    child = supervisor.start(program(FOREVER))

    assert [child.note_death() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    monkeypatch.setattr(supervision, "HEALTHY_SECONDS", -1)
    assert child.note_death() == 1


def test_a_deaf_program_and_what_it_started_are_ended_by_force_within_the_time(supervisor, lines, monkeypatch):
    monkeypatch.setattr(supervision, "POLITE_SECONDS", 0.3)
    monkeypatch.setattr(supervision, "FORCE_SECONDS", 0.6)
    deaf = supervisor.start(program(DEAF))
    assert wait_until(lambda: lines, seconds=10)
    pid, grandchild = deaf.pid, int(lines[0][1])
    begun = time.monotonic()

    supervisor.stop(is_forced=never)

    assert time.monotonic() - begun < 5
    assert wait_until(lambda: not lives(pid) and not lives(grandchild), seconds=5)


def test_a_second_request_does_not_wait(supervisor, lines):
    deaf = supervisor.start(program(DEAF))
    assert wait_until(lambda: lines, seconds=10)
    pid, begun = deaf.pid, time.monotonic()

    supervisor.stop(is_forced=lambda: True)

    assert time.monotonic() - begun < 2
    assert wait_until(lambda: not lives(pid), seconds=5)


def test_what_a_killed_supervisor_left_is_ended_by_the_next(tmp_path):
    code = """
        import sys, time
        from bonefrac.supervision import Program, Supervisor
        made = Supervisor(sys.argv[1], lambda name, line: None)
        child = made.start(Program("probe", ["sleep", "600"]))
        print(child.pid, flush=True)
        time.sleep(600)
    """
    killed = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with killed.stdout:
        left = int(killed.stdout.readline())
    killed.kill()
    killed.wait()
    assert lives(left)

    following = Supervisor(str(tmp_path), lambda name, line: None)
    assert following.end_leftovers() == 1
    assert not lives(left)
    assert following.end_leftovers() == 0


def test_processes_of_another_supervisor_are_left_alone(tmp_path):
    bystander = subprocess.Popen(["sleep", "600"], env={**os.environ, supervision.MARK: str(tmp_path / "other")})
    try:
        assert Supervisor(str(tmp_path), lambda name, line: None).end_leftovers() == 0
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
