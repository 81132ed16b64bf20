"""The command line: `python -m training synth | inspect | fit | convert | evaluate`.

Responsible for arguments, sentences and exit codes (0 done, 1 a leak was found, 2 bad input or a full disk); everything
else is called.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from training import config, inspection, readers
from training.config import Config
from training.dataset import Dataset, DatasetError
from training.evaluation import command
from training.inspection import command as inspecting
from training.tasks import FRACTURE, Task

#: As a shell tells of a program that Ctrl-C ended.
_STOPPED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code; bad input is one sentence on standard error."""
    parsed = _parser().parse_args(arguments)
    try:
        return int(parsed.run(parsed) or 0)
    except (OSError, ValueError) as error:
        print(f"training {parsed.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            f"training {parsed.command}: stopped. What was finished is kept; the same command goes on.", file=sys.stderr
        )
        return _STOPPED


def _synth(parsed: argparse.Namespace) -> None:
    from training import synthetic

    write = synthetic.write_types if parsed.types else synthetic.write_folder
    write(parsed.out, count=parsed.count, seed=parsed.seed, size=(parsed.rows, parsed.columns))
    print(f"Wrote {parsed.count} drawn radiographs, manifest.csv and boxes.csv to {parsed.out}.")


def _fit(parsed: argparse.Namespace) -> None:
    wanted = _config(parsed)
    with _data(parsed.data, wanted.question, may_leak=parsed.allow_leak) as data:
        if not wanted.folds:
            for side in ("train", "val"):
                data.split(side)  # what cannot be fitted on is refused before the seconds that Keras takes to load
        found = inspection.copies(data.samples)
        leak = _leak(data, found, is_allowed=parsed.allow_leak)
        print(f"First weights: {parsed.weights or 'random, since --weights names none'}.", flush=True)
        whole = replace(data, samples=inspection.regrouped(data.samples, found))
        from training.fitting import run

        run.fit(whole, parsed.run_folder, wanted, weights=parsed.weights, leak=leak)
    print(f"Fitted: {parsed.run_folder}. Next: python -m training convert {parsed.run_folder}")


def _leak(data: Dataset, copies: inspection.Copies, *, is_allowed: bool) -> dict[str, Any]:
    """Return what the report says of leaks across the sides; refuse them where they are not allowed."""
    found = inspection.leaks_of(data.samples, copies)
    print(found.sentence, flush=True)
    if found.pairs and not is_allowed:
        pairs = "\n".join(found.lines())
        raise DatasetError(
            f"Expected a split without leaks (--allow-leak fits on it all the same, and every report will say so). "
            f"Received: {found.sentence}\n{pairs}"
        )
    return {"status": found.status, "pairs": len(found.pairs), "allowed": is_allowed, "sentence": found.sentence}


def _config(parsed: argparse.Namespace) -> Config:
    """Return the recipe with what the command line changes in it."""
    recipe = config.read(parsed.recipe)
    changed = {
        name: getattr(parsed, name) for name in ("folds", "size", "seed", "batch") if getattr(parsed, name) is not None
    }
    if parsed.rounds is not None:
        changed["phases"] = tuple(replace(phase, epochs=min(phase.epochs, parsed.rounds)) for phase in recipe.phases)
    return replace(recipe, **changed)


def _convert(parsed: argparse.Namespace) -> None:
    from training import convert

    convert.convert(parsed.run_folder)
    print(
        f"Converted; LiteRT answers what Keras answers. Next: python -m training evaluate {parsed.run_folder} DATA OUT"
    )


@contextmanager
def _data(path: Path, task: Task = FRACTURE, *, may_leak: bool = False) -> Iterator[Dataset]:
    """Give out a data set of any form for as long as it is read, and say what was left out."""
    with readers.opened(path, task, may_leak=may_leak) as data:
        for note in data.notes:
            print(note, flush=True)
        yield data


def _parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(prog="python -m training", description="Train, measure and pack a model.")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_synth(commands)
    inspecting.add(commands)
    _add_fit(commands)
    convert = commands.add_parser("convert", help="write and prove the LiteRT form of a fitted run (TensorFlow)")
    convert.add_argument("run_folder", type=Path, metavar="RUN")
    convert.set_defaults(run=_convert)
    command.add(commands)
    return parser


def _add_synth(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    synth = commands.add_parser("synth", help="draw radiographs with and without a fracture, with their boxes")
    synth.add_argument("out", type=Path, metavar="OUT")
    synth.add_argument("--types", action="store_true", help="the ten types of fracture in turn, each on a long bone")
    synth.add_argument("--count", type=int, default=100)
    synth.add_argument("--seed", type=int, default=0)
    synth.add_argument("--rows", type=int, default=600)
    synth.add_argument("--columns", type=int, default=500)
    synth.set_defaults(run=_synth)


def _add_fit(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    fit = commands.add_parser(
        "fit",
        help="carry out a recipe; the same command goes on after a stop",
        description="Carry out a recipe on a data set. After every round what is needed to go on is on disk: the same "
        "command goes on where a stopped or killed one was. KERAS_BACKEND chooses what Keras runs on.",
    )
    fit.add_argument("recipe", metavar="RECIPE", help="a JSON file, or the name of one in training/recipes")
    fit.add_argument("data", type=Path, metavar="DATA", help=readers.FORMS)
    fit.add_argument("run_folder", type=Path, metavar="RUN", help="a folder for the run")
    fit.add_argument("--weights", type=Path, help="pretrained weights of the network, without top; random if absent")
    fit.add_argument("--folds", type=int, help="let so many folds answer for each other, then fit on all")
    fit.add_argument("--rounds", type=int, help="at most so many rounds a phase: a short run, named as such")
    fit.add_argument("--size", type=int, help="side of the input, px")
    fit.add_argument("--batch", type=int, help="images a step")
    fit.add_argument("--seed", type=int, help="of sampling, views and first weights")
    fit.add_argument(
        "--allow-leak", action="store_true", help="fit on a split that leaks; its report says so in red for ever"
    )
    fit.set_defaults(run=_fit)


if __name__ == "__main__":
    sys.exit(main())
