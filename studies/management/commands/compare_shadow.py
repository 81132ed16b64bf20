"""``manage.py compare_shadow NAME VERSION``: a shadow beside the model in service, on live studies."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bonefrac.errors import DomainError
from inference import registry
from inference.trials import ShadowComparison, shadow_comparison
from studies.selectors.shadow import LabelComparison, against_labels
from studies.states import Verdict
from training.comparison import FEWEST_POSITIVES


class Command(BaseCommand):
    help = "Say how often a shadow agrees with the model in service, and how both stand to signed labels."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("version", type=int)

    def handle(self, *args: Any, name: str, version: int, **options: Any) -> None:
        try:
            shadow = registry.named(name, version)
        except DomainError as error:
            raise CommandError(error.sentence) from error
        self.stdout.write("\n".join([*_agreement(shadow_comparison(shadow)), *_labels(against_labels(shadow))]))


def _agreement(found: ShadowComparison) -> list[str]:
    if found.active is None:
        return [f"{found.shadow}: no model of its task is in service to compare it with."]
    lines = [
        f"{found.shadow} beside {found.active}: the same of {found.agreements} of {found.radiographs} radiographs; "
        f"{found.waiting} wait, {found.failed} failed."
    ]
    return lines + [
        f"  {cell.radiographs} × {found.active} {cell.active}, {found.shadow} {cell.shadow}"
        for cell in found.cells
        if not cell.is_same
    ]


def _labels(found: LabelComparison) -> list[str]:
    if found.active is None:
        return []
    lines = [
        f"{name}: suspected in {found.suspected(Verdict.FRACTURE, by_shadow=by_shadow)} of {found.fractures} studies "
        f"with a signed fracture ({found.suspected_alone(Verdict.FRACTURE, by_shadow=by_shadow)} alone) and in "
        f"{found.suspected(Verdict.NO_FRACTURE, by_shadow=by_shadow)} of {found.others} without."
        for name, by_shadow in ((found.active, False), (found.shadow, True))
    ]
    if found.assisted:
        lines.append(f"The readers of {found.assisted} of these studies could see what {found.active} said.")
    if not found.is_telling:
        lines.append(f"Too few to tell: {FEWEST_POSITIVES} fractures are wanted.")
    return lines
