"""Runs the DICOM listener until it is asked to stop, or asks a running one whether it answers."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from studies.dimse.checking import answers
from studies.dimse.listener import Listener, Place


class Command(BaseCommand):
    help = "Listen for devices that store radiographs over the DICOM network (C-ECHO, C-STORE)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="ask the running listener (C-ECHO) and end")

    def handle(self, *args: Any, **options: Any) -> None:
        place = Place.of_settings()
        if options["check"]:
            self._check(place)
            return
        stop = threading.Event()
        for how in (signal.SIGINT, signal.SIGTERM):
            signal.signal(how, lambda *_: stop.set())
        try:
            listener = Listener(place, Path(settings.DATA) / "run" / f"dicom-{place.port}")
        except OSError as error:
            raise CommandError(f"The listener cannot start at {place.host}:{place.port}: {error}") from error
        listener.start()
        stop.wait()
        listener.stop()

    def _check(self, place: Place) -> None:
        if not answers(place):
            raise CommandError(f"No listener answers at {place.host}:{place.port}.")
        self.stdout.write(f"The listener at {place.host}:{place.port} answers.")
