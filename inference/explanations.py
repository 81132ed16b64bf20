"""Whether a model version has earned the right to show where it looked: its licence for a map and for regions.

A map pulls the eye even where it is wrong, so none is shown on trust. What decides is the pointing game of the
version's own report (``training.evaluation.pointing``): how often the map's strongest cell lies in a fracture that a
person boxed, on radiographs that the version had not learnt from. Responsible for the decision and its sentence; not
for the figures, nor for who may see what.

A licence is granted where, on every side with at least ``LEAST_GROUPS`` groups of boxed radiographs (out of fold, and
test), and on at least one of them,

* the lower end of the hit share's 95 % interval is at least ``LEAST_HITS``: whoever looks where it points finds the
  fracture there more often than not;
* the interval of its difference from a point that never looks, the picture's centre, lies above 0;
* for a map of the network's own, so does that of its difference from Grad-CAM of the same network ("it must beat
  Grad-CAM of the same backbone, or the viewer shows neither"; sanity of saliency: Adebayo et al. 2018, the game: Zhang
  et al. 2018);

and where no leak was found in the data. A side with fewer groups is evidence of nothing, as everywhere on the platform
(``training.evaluation.strata``): it neither grants nor withdraws. Images that chose the model (``val``) do not count.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inference.figures import Figure, figure
from inference.models import ModelVersion
from inference.states import MapKind

LEAST_GROUPS: Final = 50
LEAST_HITS: Final = 0.5
#: Sides that a version cannot have learnt from nor been chosen by, the largest first.
SIDES: Final = ("oof", "test")
_ON: Final = {"oof": gettext_lazy("out of fold"), "test": gettext_lazy("on test images")}
#: By the kind of map: who points in the report, and whom it has to beat.
_POINTS: Final = {MapKind.HEAD: "map", MapKind.ACTIVATION: "activation"}
_BEATS: Final = {
    MapKind.HEAD: ("over_centre_prior", "over_activation"),
    MapKind.ACTIVATION: ("over_centre_prior",),
}


@dataclass(frozen=True, slots=True)
class Licence:
    """Whether a version's map may be shown, and why, or why not, in one sentence."""

    is_granted: bool
    reason: str


def licence_of(version: ModelVersion) -> Licence:
    """Return whether the map and the regions of a model version may be shown."""
    return _judged(version.map_kind, {side: _pointing(version.report, side) for side in SIDES}, version.report)


def licences_of(version_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Licence]:
    """Return the licences of several versions in one query that leaves the long reports where they are."""
    if not version_ids:
        return {}
    parts = [f"report__splits__{side}__pointing" for side in SIDES]
    rows = ModelVersion.objects.filter(pk__in=version_ids).values_list("pk", "map_kind", "report__leak", *parts)
    return {
        key: _judged(kind, dict(zip(SIDES, map(_mapping, pointing), strict=True)), {"leak": leak})
        for key, kind, leak, *pointing in rows
    }


def _judged(kind: str, pointing: Mapping[str, Mapping[str, Any]], report: Mapping[str, Any]) -> Licence:
    if kind not in _POINTS:
        return Licence(False, _("This model draws no map."))
    leak = _mapping(report.get("leak"))
    if leak.get("red") is not False:
        return Licence(False, _("No map: its report does not show that its images were free of leaks."))
    measured = {side: figures for side, figures in pointing.items() if _is_of(figures, MapKind(kind))}
    if not measured:
        return Licence(False, _("No map: where it points was never measured on images that it had not learnt from."))
    weighty = {side: figures for side, figures in measured.items() if _groups(figures) >= LEAST_GROUPS}
    if not weighty:
        most = max(map(_groups, measured.values()))
        sentence = _(
            "No map: where it points was measured on %(groups)d groups of images, and %(least)d are needed to judge."
        )
        return Licence(False, sentence % {"groups": most, "least": LEAST_GROUPS})
    for side, figures in weighty.items():
        fault = _fault(figures, MapKind(kind), side)
        if fault:
            return Licence(False, fault)
    return Licence(True, _granted(next(iter(weighty.items())), MapKind(kind)))


def _is_of(figures: Mapping[str, Any], kind: MapKind) -> bool:
    """Whether figures are about the map that the version draws: its differences are told of what drew there."""
    return figures.get("drawn") == _POINTS[kind] and figure(figures, _POINTS[kind]) is not None


def _fault(figures: Mapping[str, Any], kind: MapKind, side: str) -> str:
    """Return why the figures of a side do not carry a map, empty where they do."""
    share = figure(figures, _POINTS[kind])
    if share is None or not share.low >= LEAST_HITS:
        words = {"share": _percent(share), "on": _ON[side], "least": round(LEAST_HITS * 100)}
        return _("No map: it points into a fracture %(share)s %(on)s, not surely more than %(least)d %%.") % words
    beaten = {name: figure(figures, name) for name in _BEATS[kind]}
    if all(found is not None and found.low > 0 for found in beaten.values()):
        return ""
    words = {"share": _percent(share), "on": _ON[side]}
    return _("No map: it points into a fracture %(share)s %(on)s, not surely better than what never looks.") % words


def _granted(best: tuple[str, Mapping[str, Any]], kind: MapKind) -> str:
    side, figures = best
    words = {
        "share": _percent(figure(figures, _POINTS[kind])), "on": _ON[side],
        "groups": _groups(figures), "centre": _percent(figure(figures, "centre_prior")),
    }  # fmt: skip
    if kind == MapKind.ACTIVATION:
        return (
            _("It points into a fracture %(share)s %(on)s (%(groups)d groups); the picture's centre %(centre)s.")
            % words
        )
    return _(
        "It points into a fracture %(share)s %(on)s (%(groups)d groups); Grad-CAM %(rival)s, the picture's centre "
        "%(centre)s."
    ) % {**words, "rival": _percent(figure(figures, "activation"))}


def _percent(share: Figure | None) -> str:
    if share is None:
        return _("an unknown number of times")
    values = {name: round(100 * getattr(share, name)) for name in ("value", "low", "high")}
    return _("%(value)d %% of the time (%(low)d to %(high)d %%)") % values


def _groups(figures: Mapping[str, Any]) -> int:
    found = figures.get("groups")
    return found if isinstance(found, int) else 0


def _pointing(report: Mapping[str, Any], side: str) -> Mapping[str, Any]:
    return _mapping(_mapping(_mapping(report.get("splits")).get(side)).get("pointing"))


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}
