"""Lets a worklist be read by age, by the AI alone, and by the AI under a ceiling, and says what that does to waits.

``simulate_triage`` draws a Poisson stream of studies; ``--log FILE`` replays one; ``--site NAME`` takes a site's
ceiling and, where it has one, its own log, and says which ceilings keep the promises there; ``--apply`` turns its
triage on, or off with the reason and these ceilings on the site's page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bonefrac.accounts.models import Site
from studies import triaging
from studies.selectors.arrivals import log_of, model_in_service
from studies.triage import drawing, studying
from studies.triage.comparison import GROUPS, MEASURES, Comparison, Estimate, compare, keeping, usual_wait
from studies.triage.orders import FIFO, PLAIN, under
from studies.triage.simulation import waits
from studies.triage.streams import Arrival, LogError, Model, Stream, at_load, drawn_again, read_log, timed

#: Of fewer reviewed studies nothing can be said of those that the AI missed.
LEAST_STUDIES: Final = 300
MULTIPLES: Final = (1, 1.5, 2, 2.25, 2.5, 2.75, 3, 3.5, 4)


@dataclass(frozen=True, slots=True)
class Source:
    """Replications of arrivals, and where they came from, in words."""

    replications: list[list[Arrival]]
    words: str


class Command(BaseCommand):
    help = "Simulate what ordering a worklist by the AI does to waits; exits with 1 where a promise is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--site", help="a site's name: its ceiling, and its own log where that is long enough")
        parser.add_argument("--log", type=Path, help="a CSV of arrivals instead of a Poisson stream")
        parser.add_argument("--apply", action="store_true", help="turn triage of the site on, or off with the reason")
        parser.add_argument("--ceiling", type=float, help="minutes; a site's own, else 3 times the mean wait by age")
        parser.add_argument("--load", type=float, default=0.9, help="reading time that arrives, of what readers have")
        parser.add_argument("--readers", type=int, default=1)
        parser.add_argument("--studies", type=int, default=2000, help="of a Poisson stream, in one replication")
        parser.add_argument("--prevalence", type=float, default=0.18)
        parser.add_argument("--sensitivity", type=float, help="share of fractures that the AI calls positive")
        parser.add_argument("--reading-minutes", type=float, default=5.0)
        parser.add_argument("--replications", type=int, default=60)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--svg", type=Path, help="where to draw the waits of the first replication")
        parser.add_argument("--study", action="store_true", help="also try loads, sensitivities and ceilings")

    def handle(self, *args: Any, **options: Any) -> None:
        _require_possible(options)
        site = _site(options["site"])
        if options["apply"] and site is None:
            raise CommandError("--apply changes a site: name it by --site.")
        source, readers = _source(options, site), options["readers"]
        mean = usual_wait(source.replications, readers=readers)
        ceiling = options["ceiling"] or (float(site.wait_ceiling_minutes) if site else studying.USUAL * mean)
        found = compare(source.replications, readers=readers, ceiling=ceiling)
        self.stdout.write("\n".join([source.words, "", *_table(found), "", *_promises(found)]))
        if options["svg"]:
            options["svg"].write_text(_drawn(source, found, readers))
        if options["study"]:
            self.stdout.write("\n".join(["", *studying.lines(_stream(options), options["seed"])]))
        good: list[float] = []
        if found.broken or site is not None:
            good = keeping(source.replications, [part * mean for part in MULTIPLES], readers=readers)
            self.stdout.write(f"Of the ceilings that were tried: {triaging.advice(good)}.")
        if options["apply"] and site is not None:
            self.stdout.write(_applied(site, found, good))
        elif found.broken:
            raise CommandError("Triage breaks a promise.")


def _require_possible(options: dict[str, Any]) -> None:
    for name in ("load", "readers", "studies", "reading_minutes", "replications"):
        if not options[name] > 0:
            raise CommandError(f"Expected --{name.replace('_', '-')} above 0. Received {options[name]}.")
    for name in ("prevalence", "sensitivity"):
        if options[name] is not None and not 0 <= options[name] <= 1:
            raise CommandError(f"Expected --{name} from 0 to 1. Received {options[name]}.")
    if options["ceiling"] is not None and not options["ceiling"] > 0:
        raise CommandError(f"Expected --ceiling above 0 minutes. Received {options['ceiling']}.")


def _site(name: str | None) -> Site | None:
    found = Site.objects.filter(name=name).first() if name else None
    if name and found is None:
        raise CommandError(f"There is no site named {name}.")
    return found


def _source(options: dict[str, Any], site: Site | None) -> Source:
    """Return what is replayed: a log, a site's own log where it is long enough, or a stream."""
    load, readers = options["load"], options["readers"]
    logged = _logged(options, site)
    if logged is None:
        stream = _stream(options)
        seeds = range(options["seed"], options["seed"] + options["replications"])
        words = f"{options['replications']} Poisson streams of {stream.studies} studies"
        return Source([stream.draw(seed) for seed in seeds], _with(words, load, readers))
    if len(logged) < LEAST_STUDIES:
        raise CommandError(f"Expected a log of at least {LEAST_STUDIES} studies. Received {len(logged)}.")
    try:
        dense = at_load(logged, load, readers)
    except LogError as error:
        raise CommandError(str(error)) from error
    again = [drawn_again(dense, options["seed"] + number) for number in range(1, options["replications"])]
    words = f"A log of {len(dense)} studies, and its days drawn again {len(again)} times"
    return Source([dense, *(one for one in again if one)], _with(words, load, readers))


def _logged(options: dict[str, Any], site: Site | None) -> list[Arrival] | None:
    if options["log"]:
        try:
            with options["log"].open(encoding="utf-8-sig", newline="") as lines:
                return read_log(lines, otherwise=options["reading_minutes"])
        except (OSError, UnicodeDecodeError, LogError) as error:
            raise CommandError(f"{options['log']}: {error}") from error
    rows = log_of(site) if site else []
    return timed(rows, otherwise=options["reading_minutes"]) if len(rows) >= LEAST_STUDIES else None


def _stream(options: dict[str, Any]) -> Stream:
    model = model_in_service() or Model()
    if options["sensitivity"] is not None:
        model = model.with_sensitivity(options["sensitivity"])
    return Stream(
        load=options["load"], readers=options["readers"], studies=options["studies"], model=model,
        prevalence=options["prevalence"], reading_minutes=options["reading_minutes"],
    )  # fmt: skip


def _with(words: str, load: float, readers: int) -> str:
    return f"{words}, load {load:.0%}, readers: {readers}. Minutes, 95 % intervals over the replications."


def _table(found: Comparison) -> list[str]:
    orders = (FIFO, PLAIN, under(found.ceiling))
    lines = [f"{'':44}" + "".join(f"{order.name:>30}" for order in orders)]
    for group in GROUPS:
        for measure in MEASURES:
            told = "".join(f"{_minutes(found.minutes(order, group, measure)):>30}" for order in orders)
            lines.append(f"{group + ', ' + measure:44}{told}")
    return lines


def _minutes(estimate: Estimate) -> str:
    return f"{estimate.value:.1f} ({estimate.low:.1f} to {estimate.high:.1f})"


def _promises(found: Comparison) -> list[str]:
    lines = []
    for order in (under(found.ceiling), PLAIN):
        ceiling = f", ceiling {found.ceiling:.0f} minutes" if order is not PLAIN else ""
        lines += [f"{order.name}{ceiling}:"]
        lines += [f"  {'kept' if kept.is_kept else 'BROKEN':7} {kept.sentence}" for kept in found.promises(order)]
    return lines


def _drawn(source: Source, found: Comparison, readers: int) -> str:
    first = source.replications[0]
    waited = {order.name: waits(first, order, readers=readers) for order in (FIFO, PLAIN, under(found.ceiling))}
    return drawing.waits_over_time(first, waited, ceiling=found.ceiling, title=source.words)


def _applied(site: Site, found: Comparison, good: Sequence[float]) -> str:
    has_changed = triaging.apply(None, site, broken=found.broken, good=good)
    state = "on" if site.triage else f"off. {site.triage_off_because}"
    return f"Triage of {site} is {state}" if has_changed else f"Triage of {site} stays as it was: {state}"
