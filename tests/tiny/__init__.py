"""A model of a few hundred weights in the full artifact format, so that tests run real engines in milliseconds.

Its logit rises with the mean brightness of the rendition. The files in ``model/`` were made by ``python -m tests.tiny``
with the project's own converter; ``write`` packs them with whatever card, scope or operating points a test wants.
"""

from __future__ import annotations

import json
from pathlib import Path

from training import artifact

FOLDER = Path(__file__).parent / "model"
SIZE = 64
SCOPE = {
    "modalities": ["DX", "CR", "SC"],
    "body_parts": ["hand", "leg", "hip", "shoulder"],
    "not_evaluated": ["hip"],
    "min_age": 18,
    "max_age": None,
    "limits": "drawn pictures only",
}
REPORT = {
    "splits": {
        "val": {
            "auroc": {"value": 0.9, "low": 0.85, "high": 0.94},
            "baseline_auroc": {"value": 0.74, "low": 0.65, "high": 0.83},
        }
    }
}


def files(
    *, name="tiny", card="# Tiny\n\nFor tests.\n", lower=0.3, upper=0.7, temperature=1.0, task="fracture", scope=None
):
    """Return the files of an artifact by name."""
    config = {
        "format": 1,
        "name": name,
        "version": "test",
        "task": task,
        "network": "tiny",
        "preprocessing": {"algorithm": 1, "size": SIZE, "low": 0.5, "high": 99.5},
        "temperature": temperature,
        "operating_points": {"lower": lower, "upper": upper},
    }
    described = {
        "config.json": json.dumps(config),
        "scope.json": json.dumps({**SCOPE, **(scope or {})}),
        "card.md": card,
        "report.json": json.dumps(REPORT),
        "report.html": "<!doctype html><title>Tiny</title><p>Report</p><script>alert(1)</script>",
    }
    weights = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    return weights | {name: text.encode() for name, text in described.items()}


def write(folder, **changes):
    """Write an artifact and return its folder."""
    artifact.write(folder, files(**changes))
    return folder
