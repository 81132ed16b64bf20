"""How often a test side was looked at: every look is written down before the figures are seen.

Responsible for a run's own file `test-uses.json`; uses across models are counted where models are registered, by the
same digest. A figure on a test side that was used to choose is no test any more, and nobody remembers it unless it is
written down.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

FILE: Final = "test-uses.json"


@dataclass(frozen=True, slots=True)
class Use:
    """One look.

    Attributes:
        when: ISO 8601, UTC.
        digest: of the test side, see `side_digest`.
        images: how many it had.
        artifact: digest of the artifact that told the figures; empty where none came about.
    """

    when: str
    digest: str
    images: int
    artifact: str = ""


def side_digest(items: Iterable[str]) -> str:
    """Return the SHA-256 (hex) of the sorted digests of a side's images: the same images, the same side."""
    return hashlib.sha256("\n".join(sorted(items)).encode()).hexdigest()


def uses(run: Path) -> list[Use]:
    """Return the looks of a run, oldest first.

    Raises:
        ValueError: the file is not what this module writes.
    """
    path = run / FILE
    if not path.is_file():
        return []
    try:
        return [Use(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except (TypeError, ValueError) as error:
        raise ValueError(f"Expected a list of test uses in {path}. Received: {error}.") from error


def add(run: Path, items: Iterable[str]) -> Use:
    """Write down one more look at these images and return it."""
    counted = list(items)
    use = Use(datetime.now(UTC).isoformat(timespec="seconds"), side_digest(counted), len(counted))
    _write(run, [*uses(run), use])
    return use


def name_artifact(run: Path, digest: str) -> None:
    """Write down which artifact came of the last look."""
    *earlier, last = uses(run)
    _write(run, [*earlier, Use(last.when, last.digest, last.images, digest)])


def section(found: list[Use]) -> dict[str, Any]:
    """Return the section `test_uses` of the report: the looks at the side that was looked at last."""
    digest = found[-1].digest if found else None
    same = [asdict(use) for use in found if use.digest == digest]
    return {"count": len(same), "digest": digest, "uses": same}


def _write(run: Path, found: list[Use]) -> None:
    temporary = run / f"{FILE}.new"
    temporary.write_text(json.dumps([asdict(use) for use in found], indent=1) + "\n", encoding="utf-8")
    temporary.replace(run / FILE)
