"""Asks the gate about a model and changes nothing that serves: ``gate_model NAME VERSION [--json]``."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bonefrac.errors import DomainError
from inference import registry
from inference.models import GateVerdict
from inference.states import Verdict


class Command(BaseCommand):
    help = "Ask whether a model may go into service; exits with 1 unless it passes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("version", type=int)
        parser.add_argument("--json", action="store_true", dest="as_json", help="print the whole report")

    def handle(self, *args: Any, name: str, version: int, as_json: bool, **options: Any) -> None:
        try:
            verdict = registry.gate(None, registry.named(name, version))
        except DomainError as error:
            raise CommandError(error.sentence) from error
        self.stdout.write(json.dumps(verdict.report, indent=1) if as_json else "\n".join(_lines(verdict)))
        if verdict.verdict != Verdict.PASS:
            raise CommandError(verdict.get_verdict_display())


def _lines(verdict: GateVerdict) -> list[str]:
    """Return a verdict for people: what it rests on, every check that is not within a stratum, and strata that fail."""
    report = verdict.report
    against = str(verdict.active) if verdict.active else "the floors for a first model"
    lines = [f"{verdict.candidate} against {against}", f"{report['sentence']}"]
    if report["provable_margin"] is not None:
        lines.append(f"So many images could prove a margin of {100 * report['provable_margin']:.1f} points.")
    lines += report["stamps"]
    lines += [f"Left out: {count} images {reason}." for reason, count in report["excluded"].items()]
    lines += [
        f"{check['outcome'].replace('_', ' '):20} {check['sentence']}"
        for check in report["checks"]
        if check["kind"] != "stratum" or check["outcome"] != "pass"
    ]
    return lines
