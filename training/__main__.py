"""The command line: `python -m training synth | fit | convert | evaluate`.

Responsible for arguments, sentences and exit codes (0 done, 2 bad input); everything else is called.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from training import dataset, exported
from training.dataset import Dataset, DatasetError
from training.sources import SOURCES

_DATA: Final = "a folder with manifest.csv, or an export of the platform: its ZIP or the folder that it unpacks to"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code; bad input is one sentence on standard error."""
    parsed = _parser().parse_args(arguments)
    try:
        parsed.run(parsed)
    except (DatasetError, FileNotFoundError, FileExistsError, NotADirectoryError, ValueError) as error:
        print(f"training {parsed.command}: {error}", file=sys.stderr)
        return 2
    return 0


def _synth(parsed: argparse.Namespace) -> None:
    from training import synthetic

    synthetic.write_folder(parsed.out, count=parsed.count, seed=parsed.seed, size=(parsed.rows, parsed.columns))
    print(f"Wrote {parsed.count} drawn radiographs, manifest.csv and boxes.csv to {parsed.out}.")


def _fit(parsed: argparse.Namespace) -> None:
    with _data(parsed.data) as data:
        for side in ("train", "val"):
            data.split(side)  # what cannot be fitted on is refused before the seconds that Keras takes to load
        _fit_on(data, parsed)


def _fit_on(data: Dataset, parsed: argparse.Namespace) -> None:
    from training import fit

    recipe = fit.Recipe(
        network=parsed.network,
        size=parsed.size,
        epochs=parsed.epochs,
        draws=parsed.draws,
        batch=parsed.batch,
        learning_rate=parsed.learning_rate,
        seed=parsed.seed,
    )
    fit.fit(data, parsed.run_folder, recipe, weights=parsed.weights, start=parsed.start)
    print(f"Fitted. The best round is in {parsed.run_folder}; next: python -m training convert {parsed.run_folder}")


def _convert(parsed: argparse.Namespace) -> None:
    from training import convert

    convert.convert(parsed.run_folder)
    print(
        f"Converted; LiteRT answers what Keras answers. Next: python -m training evaluate {parsed.run_folder} DATA OUT"
    )


def _evaluate(parsed: argparse.Namespace) -> None:
    from training import packing

    title = packing.Title(parsed.name, parsed.version, parsed.source)
    with _data(parsed.data) as data:
        if exported.is_export(parsed.data) != (parsed.source == "export"):
            raise DatasetError(
                "Expected --source export for a dataset that the platform exported, and for no other. "
                f"Received: --source {parsed.source} for {parsed.data}."
            )
        digest = packing.pack(parsed.run_folder, data, parsed.out, title, with_test=parsed.test, rounds=parsed.rounds)
    print(f"Wrote the artifact {parsed.out}, sha256 {digest}.")


@contextmanager
def _data(path: Path) -> Iterator[Dataset]:
    """Give out the data set of a folder with a manifest, or of an export, for as long as it is read."""
    if not exported.is_export(path):
        yield dataset.read(path)
        return
    with exported.opened(path) as export:
        print(export.sentence, flush=True)
        yield export.data


def _parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(prog="python -m training", description="Train, measure and pack a model.")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_synth(commands)
    _add_fit(commands)
    convert = commands.add_parser("convert", help="write and prove the LiteRT form of a fitted run (TensorFlow)")
    convert.add_argument("run_folder", type=Path, metavar="RUN")
    convert.set_defaults(run=_convert)
    _add_evaluate(commands)
    return parser


def _add_synth(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    synth = commands.add_parser("synth", help="draw radiographs with and without a fracture, with their boxes")
    synth.add_argument("out", type=Path, metavar="OUT")
    synth.add_argument("--count", type=int, default=100)
    synth.add_argument("--seed", type=int, default=0)
    synth.add_argument("--rows", type=int, default=600)
    synth.add_argument("--columns", type=int, default=500)
    synth.set_defaults(run=_synth)


def _add_fit(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    fit = commands.add_parser(
        "fit", help="fit a classifier on train, choose on val (KERAS_BACKEND chooses the backend)"
    )
    fit.add_argument("data", type=Path, metavar="DATA", help=_DATA)
    fit.add_argument("run_folder", type=Path, metavar="RUN")
    fit.add_argument("--weights", type=Path, help="ImageNet weights of MobileNetV2 without top; random if absent")
    fit.add_argument("--start", type=Path, help="a model.keras to go on from")
    fit.add_argument("--network", default="folded_mobilenet_v2", help="folded_mobilenet_v2 or tiny")
    fit.add_argument("--size", type=int, default=384)
    fit.add_argument("--epochs", type=int, default=8)
    fit.add_argument("--draws", type=int, default=2000, help="images a round")
    fit.add_argument("--batch", type=int, default=16)
    fit.add_argument("--learning-rate", type=float, default=1e-4)
    fit.add_argument("--seed", type=int, default=1)
    fit.set_defaults(run=_fit)


def _add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    evaluate = commands.add_parser("evaluate", help="calibrate on val, measure, write the artifact")
    evaluate.add_argument("run_folder", type=Path, metavar="RUN")
    evaluate.add_argument("data", type=Path, metavar="DATA", help=_DATA)
    evaluate.add_argument("out", type=Path, metavar="OUT")
    evaluate.add_argument("--name", required=True)
    evaluate.add_argument("--version", required=True)
    evaluate.add_argument("--source", choices=sorted(SOURCES), required=True)
    evaluate.add_argument("--test", action="store_true", help="measure test too: once, when nothing is chosen any more")
    evaluate.add_argument("--rounds", type=int, default=1000, help="of the bootstrap")
    evaluate.set_defaults(run=_evaluate)


if __name__ == "__main__":
    sys.exit(main())
