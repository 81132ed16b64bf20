"""Two versions of one task side by side: what each was measured at, and what they say of the same images.

Responsible for what a page puts beside each other; the statistics are ``training.comparison``'s, the same that the gate
uses. Nothing is stored: this is a look, and no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from bonefrac.errors import Conflict, Invalid
from inference import gates
from inference.figures import COMPARED, Figure, Figures, figure, figures_of, split_of
from inference.models import ModelVersion
from training import comparison


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of both versions; None where a report does not hold it."""

    name: str
    first: Figure | None
    second: Figure | None


@dataclass(frozen=True, slots=True)
class Stratum:
    """One part of the measured images: the headline figure of both versions there, and whether it rests on enough."""

    name: str
    first: Figure | None
    second: Figure | None
    is_first_evaluated: bool
    is_second_evaluated: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions side by side.

    Attributes:
        first: The version whose change is asked for.
        second: The one that it is held against.
        first_figures: Of the first, on the split that its report puts first.
        second_figures: Of the second.
        lines: The figures of those splits, which may rest on different images.
        strata: Of those splits.
        paired: What both say of the same images that neither has learnt from; None where there is nothing to pair.
        why_not: Why there is nothing to pair.
    """

    first: ModelVersion
    second: ModelVersion
    first_figures: Figures
    second_figures: Figures
    lines: tuple[Line, ...]
    strata: tuple[Stratum, ...]
    paired: comparison.Report | None
    why_not: str

    @property
    def paired_values(self) -> dict[str, Any] | None:
        """What both say of the same images, as plain values."""
        return self.paired.to_dict() if self.paired else None


def between(first: ModelVersion, second: ModelVersion) -> Comparison:
    """Return two versions side by side.

    Raises:
        Invalid: They answer different tasks, or are the same.
    """
    if first.task != second.task or first.pk == second.pk:
        raise Invalid(_("Expected two different versions of one task."), code="not_comparable")
    ones, others = figures_of(first), figures_of(second)
    splits = split_of(first, ones.measured_on), split_of(second, others.measured_on)
    paired, why_not = _paired(first, second)
    return Comparison(first, second, ones, others, _lines(*splits), _strata(*splits), paired, why_not)


def _paired(first: ModelVersion, second: ModelVersion) -> tuple[comparison.Report | None, str]:
    witnesses = []
    for version in (first, second):
        try:
            artifact = gates.artifact_of(version)
        except Conflict:
            return None, _("The files of %(model)s cannot be read now.") % {"model": version}
        if not artifact.predictions:
            return None, _("%(model)s came without its predictions of labelled images.") % {"model": version}
        witnesses.append(gates.witness(version, artifact))
    try:
        report = comparison.compare(*witnesses)
    except ValueError:
        return None, _("The two versions know different classes.")
    return (report, "") if report.images else (None, _("There is no image that both answered and neither learnt from."))


def _lines(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Line, ...]:
    found = (Line(str(words), figure(first, key), figure(second, key)) for key, words in COMPARED)
    return tuple(line for line in found if line.first or line.second)


def _strata(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Stratum, ...]:
    ones, others = _by_name(first), _by_name(second)
    return tuple(
        Stratum(
            name,
            _headline(ones.get(name, {})),
            _headline(others.get(name, {})),
            bool(ones.get(name, {}).get("evaluated")),
            bool(others.get(name, {}).get("evaluated")),
        )
        for name in dict.fromkeys([*ones, *others])
    )


def _by_name(split: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    rows = split.get("strata")
    found = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return {str(row.get("name", "")): row for row in found}


def _headline(stratum: Mapping[str, Any]) -> Figure | None:
    return figure(stratum, "auroc") or figure(stratum, "accuracy")
