"""Processes kept alive together: started, prefixed, restarted with back-off, stopped within a time.

It knows nothing of what the processes do. Each is a session of its own, so that Ctrl-C in a terminal reaches only
the supervisor, which then stops them in order.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import psutil

POLITE_SECONDS = 6.0  # then workers drop what they do; the row comes back by the sweeper
FORCE_SECONDS = 8.5  # then everything is killed
LONGEST_PAUSE = 30.0
HEALTHY_SECONDS = 60.0
MARK = "BONEFRAC_SUPERVISOR"  # in the environment of every process that a supervisor started, and of their children
Say = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: a name for its lines, a command, and whether it is to live for ever."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_lasting: bool = True


class Child:
    """One program's process through its restarts."""

    def __init__(self, program: Program, *, mark: str, say: Say) -> None:
        self.program = program
        self._mark = mark
        self.deaths = 0
        self.due = 0.0  # monotonic time before which it is not started again
        self._say = say
        self._process: subprocess.Popen[str] | None = None
        self._started = 0.0

    @property
    def pid(self) -> int | None:
        """The living process, or None."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How the last process ended; None while one lives or none was started."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start the process, its output prefixed line by line."""
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            self.program.command,
            env={**os.environ, **self.program.environment, MARK: self._mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        threading.Thread(target=self._relay, args=(self._process,), daemon=True).start()

    def note_death(self) -> float:
        """Count a death and return the pause before the next start, in seconds; a long life forgives earlier ones."""
        if time.monotonic() - self._started > HEALTHY_SECONDS:
            self.deaths = 0
        self.deaths += 1
        pause = min(2.0 ** (self.deaths - 1), LONGEST_PAUSE)
        self.due = time.monotonic() + pause
        return pause

    def send(self, how: signal.Signals, *, to_group: bool = False) -> None:
        """Send a signal to the process, or to all that it started; it is no error where they are gone."""
        if self._process is None:
            return
        try:
            if to_group:
                os.killpg(self._process.pid, how)
            elif self.pid is not None:
                self._process.send_signal(how)
        except (ProcessLookupError, PermissionError):
            return

    def reap(self) -> None:
        """Wait for the end of a process that was killed."""
        if self._process is not None:
            self._process.wait(timeout=10)

    def _relay(self, process: subprocess.Popen[str]) -> None:
        if process.stdout is not None:
            with process.stdout:
                for line in process.stdout:
                    self._say(self.program.name, line.rstrip("\n"))


class Supervisor:
    """A set of children, marked so that the next supervisor of the same mark finds what a killed one left.

    Args:
        mark: What this supervisor looks after, as the path of a data folder.
        say: Receives a name and a line.
    """

    def __init__(self, mark: str, say: Say) -> None:
        self._mark = mark
        self._say = say
        self._children: list[Child] = []

    def end_leftovers(self) -> int:
        """End what a killed supervisor left running; return how many processes there were."""
        left = [process for process in psutil.process_iter() if self._marked(process)]
        for process in left:
            _send_to(process, signal.SIGTERM)
        _, alive = psutil.wait_procs(left, timeout=POLITE_SECONDS)
        for process in alive:
            _send_to(process, signal.SIGKILL)
        psutil.wait_procs(alive, timeout=2)
        return len(left)

    def start(self, program: Program) -> Child:
        """Start a program and look after it from now on."""
        child = Child(program, mark=self._mark, say=self._say)
        child.start()
        self._children.append(child)
        return child

    def tend(self) -> None:
        """Start again what died and is due; call this a few times a second."""
        for child in self._children:
            if child.pid is not None or not child.program.is_lasting:
                continue
            if child.due == 0.0:
                pause = child.note_death()
                self._say(child.program.name, f"ended with code {child.exit_code}; starts again in {pause:.0f} s")
            elif time.monotonic() >= child.due:
                child.due = 0.0
                child.start()

    def stop(self, *, is_forced: Callable[[], bool]) -> None:
        """Stop all children: politely, then firmly, then by force, within about ten seconds.

        Args:
            is_forced: Asked all the time; once true, everything is killed at once.
        """
        begun = time.monotonic()
        self._send(signal.SIGTERM)
        is_firm = False
        while any(child.pid is not None for child in self._children):
            waited = time.monotonic() - begun
            if waited > FORCE_SECONDS or is_forced():
                break
            if waited > POLITE_SECONDS and not is_firm:
                is_firm = True
                self._send(signal.SIGQUIT)
            time.sleep(0.05)
        for child in self._children:
            child.send(signal.SIGKILL, to_group=True)
            child.reap()

    def _send(self, how: signal.Signals) -> None:
        for child in self._children:
            child.send(how)

    def _marked(self, process: psutil.Process) -> bool:
        try:
            return bool(process.pid != os.getpid() and process.environ().get(MARK) == self._mark)
        except (psutil.Error, OSError):
            return False  # of another user, or gone


def _send_to(process: psutil.Process, how: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(how)
