"""The page of an inspection: one self-contained HTML file.

Responsible for order and words; pieces of HTML come from `training.evaluation.markup`.
"""

from __future__ import annotations

import base64
import html
import io
from collections import Counter
from typing import Final

from PIL import Image

from training.evaluation.markup import NOTICE, document, heading, paragraph, table
from training.inspection import sheets
from training.inspection.survey import Survey, name_of

_MOST_ROWS: Final = 200


def page(survey: Survey) -> str:
    """Return the page."""
    data = survey.data
    return document(
        f"Inspection of {data.root.name}",
        [
            heading(f"Inspection of {data.root.name}", 1),
            paragraph(NOTICE, "notice"),
            paragraph(survey.leaks.sentence, "red" if survey.leaks.pairs else ""),
            *(paragraph(sentence) for sentence in survey.sentences[:-1]),
            paragraph(f"Task {data.task.name}; digest {data.digest}.", "dim"),
            *_leaks(survey),
            heading("Images by side and class"),
            _counted(survey, "Side", survey.counts),
            _counted(survey, "Region", survey.regions),
            _sizes(survey),
            *_shortcuts(survey),
            *_conflicts(survey),
            heading("Some of each class"),
            _picture(sheets.of_classes(data.samples, data.task), "Some images of each class"),
        ],
    )


def _leaks(survey: Survey) -> list[str]:
    """Return the pairs that leak, some of them as pictures."""
    pairs, root = survey.leaks.pairs, survey.data.root
    if not pairs:
        return []
    words = {"file": "the same file", "copy": "a copy", "group": "the same group"}
    rows = [
        (
            name_of(root, leak.measured),
            leak.measured.split,
            words[leak.kind],
            name_of(root, leak.learnt),
            leak.learnt.split,
        )
        for leak in pairs[:_MOST_ROWS]
    ]
    head = ("Measured on", "Side", "Is", "As learnt from", "Side")
    return [
        heading("Leaks across the sides"),
        _picture(sheets.of_leaks(pairs), "Pairs that leak, above measured on, below learnt from"),
        table(head, rows, _first(len(rows), len(pairs), "pairs"), numbers=False),
    ]


def _counted(survey: Survey, what: str, counts: dict[str, Counter[str]]) -> str:
    classes = survey.data.task.classes
    rows = [
        (name, *(str(found[label]) for label in classes), str(found.total()), _share(found[classes[-1]], found.total()))
        for name, found in counts.items()
    ]
    return table((what, *classes, "All", f"Share of {classes[-1]}"), rows, f"Images by {what.lower()}")


def _sizes(survey: Survey) -> str:
    sizes = survey.to_dict()["sizes"]
    rows = [(name, f"{sizes[name][0]} × {sizes[name][1]}") for name in ("smallest", "median", "largest")]
    return table(("Size", "Width × height, px"), [*rows, ("different sizes", str(sizes["distinct"]))], "Sizes")


def _shortcuts(survey: Survey) -> list[str]:
    """Return what metadata alone predict."""
    rows = [(shortcut.name, f"{shortcut.auroc:.3f}") for shortcut in survey.shortcuts]
    words = (
        "What a logistic regression reaches on metadata alone, each group answered by a fit that has not seen it. "
        "A model that reaches no more than this has not been shown to look at bones."
    )
    shown = table(("Known without a pixel", "AUROC"), rows, "Shortcuts") if rows else paragraph(survey.sentences[-2])
    return [heading("Shortcuts"), paragraph(words), shown]


def _conflicts(survey: Survey) -> list[str]:
    """Return the radiographs that carry two labels."""
    found, root = survey.conflicts, survey.data.root
    if not found:
        return []
    rows = [("; ".join(f"{name_of(root, one)} ({one.label})" for one in images),) for images in found[:_MOST_ROWS]]
    items = "".join(f"<li>{html.escape(row[0])}</li>" for row in rows)
    return [
        heading("One radiograph, two labels"),
        paragraph(_first(len(rows), len(found), "radiographs")),
        f"<ul>{items}</ul>",
    ]


def _first(shown: int, count: int, what: str) -> str:
    return f"{count} {what}" if shown == count else f"The first {shown} of {count} {what}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "–"


def _picture(image: Image.Image, words: str) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return f'<figure><img alt="{html.escape(words)}" src="data:image/jpeg;base64,{encoded}"></figure>'
