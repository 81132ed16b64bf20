"""A model of a few hundred weights in the full artifact format, so that tests run real engines in milliseconds.

Its logit rises with the mean brightness of the rendition. The files in ``model/`` were made by ``python -m tests.tiny``
with the project's own converter; ``write`` packs them with whatever card, scope or operating points a test wants.
``rows`` draws what a model could have said of labelled images: the gate reads those, no test runs them.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np

from training import artifact, predictions, seen, tasks
from training.predictions import Row
from training.seen import Seen

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


def pointing(kind="activation", *, share=0.62, margin=0.05, rival=0.28, centre=0.25, groups=260):
    """Return what the pointing game could have measured of a map of a kind, in the words of a report."""

    def around(value):
        return {"value": value, "low": value - margin, "high": value + margin}

    drawn = "map" if kind == "head" else "activation"
    told = {"map": around(share), "activation": around(rival)} if kind == "head" else {"activation": around(share)}
    over = {"over_activation": around(share - rival) if kind == "head" else None}
    return {
        "boxed": groups, "groups": groups, "drawn": drawn, "centre_prior": around(centre),
        "over_centre_prior": around(share - centre), **told, **over,
    }  # fmt: skip


def report(kind="activation"):
    """Return a report of a model whose map, of a kind, has its licence."""
    return {
        "leak": {"red": False, "sentence": "No image lies on two sides."},
        "splits": {
            "oof": {"pointing": pointing(kind)},
            "val": {
                "auroc": {"value": 0.9, "low": 0.85, "high": 0.94},
                "baseline_auroc": {"value": 0.74, "low": 0.65, "high": 0.83},
            },
        },
    }


REPORT = report()


def digest(word):
    """Return a SHA-256 in hex, as images are named by."""
    return hashlib.sha256(word.encode()).hexdigest()


def rows(positives=320, others=340, *, apart=8.0, seed=1, role="oof", name="image"):
    """Return what a model said of images, each its own group: logits that mean the odds that they say.

    ``apart`` is the distance between the mean logits of both labels, and their variance: such logits are calibrated.
    """
    random = np.random.default_rng(seed)
    found = []
    for number in range(positives + others):
        fractured = number < positives
        logit = random.normal(apart / 2 if fractured else -apart / 2, apart**0.5)
        found.append(
            Row(
                item=digest(f"{name} {number}"),
                group=predictions.group_digest(f"{name} {number}"),
                label=tasks.FRACTURE.classes[fractured],
                role=role,
                fold=number % 5 if role == "oof" else None,
                logits=(float(logit),),
                facts={"region": ("hand", "leg")[number % 2], "frontal": "1", "hardware": "0"},
            )
        )
    return found


def named_rows(classes, count=400, *, correct=0.98, seed=1):
    """Return what a model that names classes said of images, each its own group; so many it names rightly."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        label = number % len(classes)
        logits = random.normal(0, 0.3, len(classes))
        logits[label if random.random() < correct else label - 1] += 5
        name = f"named {number}"
        values = tuple(float(logit) for logit in logits)
        found.append(Row(digest(name), predictions.group_digest(name), classes[label], "oof", number % 5, values))
    return found


def learnt(table):
    """Return the rows of seen.csv that belong to out-of-fold rows: each was learnt from and calibrated on."""
    kinds = ("train", "calibrate")
    return [Seen(row.item, row.group, kind) for row in table if row.role == "oof" for kind in kinds]


def files(*, card="# Tiny\n\nFor tests.\n", scope=None, table=None, known=None, version=2, **changes):
    """Return the files of an artifact by name.

    ``table`` and ``known`` are rows of predictions.csv and seen.csv; further arguments are fields of config.json, or
    ``lower`` and ``upper``, its operating points.
    """
    points = {"lower": changes.pop("lower", 0.3), "upper": changes.pop("upper", 0.7)}
    config = {
        "format": version,
        "name": "tiny",
        "version": "test",
        "task": "fracture",
        "network": "tiny",
        "preprocessing": {"algorithm": 1, "size": SIZE, "low": 0.5, "high": 99.5},
        "temperature": 1.0,
        "operating_points": points,
    }
    described = {
        "scope.json": json.dumps({**SCOPE, **(scope or {})}),
        "card.md": card,
        "report.json": json.dumps(changes.pop("report", REPORT)),
        "report.html": "<!doctype html><title>Tiny</title><p>Report</p><script>alert(1)</script>",
    }
    made = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    if version == 2:
        table = rows() if table is None else table
        config |= {
            "classes": list(tasks.FRACTURE.classes),
            "map": "activation",
            "shows_regions": True,
            "dataset_digest": digest("data"),
        }
        made |= {
            "predictions.csv": predictions.encoded(table),
            "seen.csv": seen.encoded(learnt(table) if known is None else known),
            "scope.npz": arrays(),
        }
    described["config.json"] = json.dumps(config | changes)
    return made | {name: text.encode() for name, text in described.items()}


def arrays(**named):
    """Return an .npz file."""
    content = io.BytesIO()
    np.savez(content, **named)
    return content.getvalue()


def write(folder, **changes):
    """Write an artifact and return its folder."""
    artifact.write(folder, files(**changes))
    return folder
