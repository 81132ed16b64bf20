"""The subcommand `evaluate`: its arguments and its sentences.

Responsible for reading the command line and for calling `training.evaluation.packing`, which is loaded only then.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from training import exported, readers
from training.calibrate import Way
from training.dataset import DatasetError
from training.evaluation.report import interval
from training.evaluation.runs import Run
from training.sources import SOURCES

if TYPE_CHECKING:
    from training.evaluation.packing import Wishes

_DESCRIPTION: Final = """
Measure a fitted and converted run and write its artifact: figures with 95 % intervals by group, strata, calibration,
operating points, localisation, scope, a report (JSON and one self-contained page) and a card.

A run with folds is calibrated and measured on its out-of-fold answers, another one on the val side of DATA, whose
figures then flatter. --test adds the test side: use it once, when nothing is chosen any more; every use is counted in
the run's folder and told in the report.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to those of the program."""
    parser = commands.add_parser(
        "evaluate",
        help="calibrate, measure, write the artifact with its report",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="folder of fit and convert")
    parser.add_argument("data", type=Path, metavar="DATA", help=readers.FORMS)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of the artifact")
    parser.add_argument("--name", required=True, help="of the model, as people say it")
    parser.add_argument("--version", required=True, help="of this training")
    parser.add_argument("--source", choices=sorted(SOURCES), required=True, help="where the labels come from")
    parser.add_argument("--test", action="store_true", help="measure the test side too; counted")
    parser.add_argument(
        "--points",
        choices=get_args(Way),
        default="quantile",
        help="fit the operating points by the quantiles of these images, or split-conformal (default: quantile)",
    )
    parser.add_argument(
        "--pictures",
        choices=("none", "drawn", "data"),
        default="data",
        help="sample predictions in the page: none, drawn radiographs, or images of DATA (default); a model that is "
        "passed on must not carry images that may not be",
    )
    parser.add_argument("--beside", type=Path, metavar="ARTIFACT", help="show another artifact's headline beside this")
    parser.add_argument("--rounds", type=int, default=1000, help="of the bootstrap (default: 1000)")
    parser.set_defaults(run=_evaluate)


def _evaluate(parsed: argparse.Namespace) -> None:
    run = Run.read(parsed.run_folder)  # what cannot be evaluated is refused before the data are read
    if parsed.rounds < 1:
        raise ValueError(f"Expected at least one round of the bootstrap. Received: {parsed.rounds}.")
    if exported.is_export(parsed.data) != (parsed.source == "export"):
        raise DatasetError(
            "Expected --source export for a dataset that the platform exported, and for no other. "
            f"Received: --source {parsed.source} for {parsed.data}."
        )
    from training.evaluation import packing

    title = packing.Title(parsed.name, parsed.version, parsed.source)
    with readers.opened(parsed.data, run.task, may_leak=bool(run.leak.get("allowed"))) as data:
        for note in data.notes:
            print(note, flush=True)
        digest = packing.pack(parsed.run_folder, data, parsed.out, title, _wishes(parsed))
    for line in told(json.loads((parsed.out / "report.json").read_text(encoding="utf-8"))):
        print(line)
    print(f"Wrote the artifact {parsed.out}, sha256 {digest}.")


def told(report: Mapping[str, Any]) -> list[str]:
    """Return the lines that a terminal shows of a report."""
    first = report["splits"][report["headline"]]
    calibration = report["calibration"]
    lines = [f"LEAK. {report['leak']['sentence']}"] if report["leak"]["red"] else []
    lines.append(report["summary"])
    if report["folds"] and report["folds"]["mean"] is not None:
        lines.append(f"Mean of {report['folds']['count']} folds {report['folds']['mean']:.3f}.")
    lines.append(
        f"Temperature {calibration['temperature']:.3f}; calibration error "
        f"{interval(first['calibration_error_before'])} before it, {interval(first['calibration_error'])} after."
    )
    points = calibration["points"]
    if points is not None:
        lines.append(
            f"Operating points {points['lower']:.3f} and {points['upper']:.3f} ({calibration['way']}): sensitivity "
            f"{interval(first['sensitivity_at_lower'])}, specificity {interval(first['specificity_at_upper'])}, doubt "
            f"{interval(first['doubt'])}."
        )
        lines.append(f"Sensitivity at specificity 0.85: {interval(first['sensitivity_at_specificity_85'])}.")
    uses = report["test_uses"]["count"]
    lines += [f"Test side measured by this run so far: {uses}."] if uses else []
    return lines


def _wishes(parsed: argparse.Namespace) -> Wishes:
    from training.evaluation.packing import Wishes

    return Wishes(
        with_test=parsed.test,
        way=parsed.points,
        pictures=parsed.pictures,
        beside=parsed.beside,
        rounds=parsed.rounds,
    )
