"""The subcommand `inspect`: its arguments, its sentences and the files that it writes.

Responsible for reading the command line and for writing all files or none; what is found is
`training.inspection.survey`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from training import readers
from training.inspection.survey import Survey
from training.splits import SIDES
from training.tasks import FRACTURE, TASKS, named

#: Exit code where a radiograph or a patient lies on two sides.
LEAKING: Final = 1
_DESCRIPTION: Final = """
Look a data set over before anything is learnt from it: counts and class balance by side and region, sizes, a sheet of
samples, files that are copies byte for byte, radiographs that occur again turned by any angle, mirrored, compressed or
exposed otherwise, radiographs with two labels, what metadata alone predict, and leaks across the sides.

DATA without sides is dealt by groups (patients, else file names) and copies. Copy splits.csv from OUT beside the data:
from then on no group changes its side when images are added, and what would join two sides is left out.

Exit codes: 0 nothing leaks, 1 the split leaks, 2 DATA cannot be read.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to those of the program."""
    parser = commands.add_parser(
        "inspect",
        help="show counts, copies, leaks, label conflicts and shortcuts of a data set",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path, metavar="DATA", help=readers.FORMS)
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write inspection.html, .json, sheet.png, splits.csv"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of sentences")
    parser.add_argument(
        "--task", choices=sorted(TASKS), default=FRACTURE.name, help="what is asked (default: fracture)"
    )
    parser.add_argument("--label-column", metavar="NAME", help="of a .csv, where it has an unusual name")
    parser.set_defaults(run=_inspect)


def _inspect(parsed: argparse.Namespace) -> int:
    from training.inspection.survey import survey

    if parsed.out is not None:
        _require_empty(parsed.out)
    asked = named(parsed.task)
    with readers.opened(parsed.data, asked, label_column=parsed.label_column, may_leak=True) as data:
        print(f"Looking for copies among {len(data.samples)} images ...", file=sys.stderr, flush=True)
        found = survey(data)
        if parsed.out is not None:
            _write(parsed.out, found)
    if parsed.json:
        print(json.dumps(found.to_dict(), indent=1))
    else:
        print("\n".join((*found.sentences, *found.leaks.lines())))
    return LEAKING if found.leaks.pairs else 0


def _require_empty(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"Expected an empty or absent folder. Received: {out}.")


def _write(out: Path, found: Survey) -> None:
    """Write all files of an inspection, or none of them."""
    from training.inspection import sheets
    from training.inspection.page import page

    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        (partial / "inspection.json").write_text(json.dumps(found.to_dict(), indent=1) + "\n", encoding="utf-8")
        (partial / "inspection.html").write_text(page(found), encoding="utf-8")
        sheets.of_classes(found.data.samples, found.data.task).save(partial / "sheet.png")
        if found.data.dealt:
            (partial / SIDES).write_bytes(found.data.dealt)
        partial.chmod(0o755)
        if out.exists():
            out.rmdir()
        partial.replace(out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
