#!/usr/bin/env python
"""The platform's commands; without configured engines it brings the embedded ones up while a command runs."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bonefrac import embedded
from bonefrac.env import Environment

NEED_NO_ENGINE = {
    "help",
    "--help",
    "-h",
    "version",
    "--version",
    "check",
    "collectstatic",
    "compilemessages",
    "makemessages",
}


@contextmanager
def engines_for(arguments: Sequence[str]) -> Iterator[None]:
    """Hold the embedded engines for a command that may need them; whoever else uses them keeps them up."""
    env = Environment()
    is_configured = bool(env.text("DATABASE_URL") and env.text("REDIS_URL"))
    if is_configured or not arguments or arguments[0] in NEED_NO_ENGINE:
        yield
        return
    engines = embedded.start(env.folder("BONEFRAC_DATA", Path(__file__).resolve().parent / ".data"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        engines.stop()


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bonefrac.settings")
    from django.core.management import execute_from_command_line

    try:
        with engines_for(sys.argv[1:]):
            execute_from_command_line(sys.argv)
    except embedded.EngineError as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
