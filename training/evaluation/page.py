"""The report as one self-contained page.

Responsible for the order in which figures are told and for the words around them: what warns comes first, then the
headline beside what needs no pixel, then everything else. Every number comes from the report
(`training.evaluation.report`), every plot from `training.evaluation.plots`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from training.evaluation import markup, plots
from training.evaluation.answers import Answers
from training.evaluation.markup import heading, paragraph, table
from training.evaluation.report import Calibration, first_figures, interval, words_of
from training.evaluation.strata import PLAIN
from training.evaluation.verdicts import ENOUGH_GROUPS

Splits = Mapping[str, Mapping[str, Any]]
_POINTS: Final = (("lower", "lower point"), ("half", "0.5, fixed beforehand"), ("upper", "upper point"))
_RIVALS: Final = (
    ("map", "the network's own map"),
    ("activation", "Grad-CAM in closed form"),
    ("centre_prior", "the centre of the picture"),
    ("constant", "the best constant point, from other images' boxes"),
    ("over_activation", "what draws the map, minus Grad-CAM"),
    ("over_centre_prior", "what draws the map, minus the centre"),
)
_STRATA_OF_VERDICTS: Final = {
    "auroc": "AUROC",
    "sensitivity_at_lower": "sensitivity (lower)",
    "specificity_at_upper": "specificity (upper)",
    "calibration_error": "ECE",
}
_STRATA_OF_CLASSES: Final = {"accuracy": "accuracy", "macro_auroc": "AUROC", "calibration_error": "ECE"}
_NAMES: Final = {"oof": "out of fold", "val": "val", "test": "test"}


def page(report: Mapping[str, Any], answers: Mapping[str, Answers], calibration: Calibration, gallery: str) -> str:
    """Return the page of a report.

    Args:
        report: what is written as report.json.
        answers: by split, in the order of the report, for the plots.
        calibration: for the plots.
        gallery: the sample predictions as HTML, empty for none.
    """
    splits = report["splits"]
    title = f"{report['name']} {report['version']}"
    return markup.document(
        title,
        [
            heading(title, 1),
            paragraph(markup.NOTICE, "notice"),
            _leak(report["leak"]),
            paragraph(report["summary"]),
            _standing(report),
            *_figures(splits, calibration),
            *_states(splits),
            *_predictive(splits),
            *_per_class(splits),
            heading("Plots"),
            plots.pictures(_plots(answers, calibration)),
            *_strata(splits),
            *_pointing(splits, report),
            *_samples(splits, report["pictures"], gallery),
            *_history(report["history"]),
            *_making(report),
        ],
    )


def _leak(leak: Mapping[str, Any]) -> str:
    """Return the banner, or the sentence, about leaks."""
    if leak["red"]:
        return paragraph(f"Leak. {leak['sentence']}", "red")
    return paragraph(leak["sentence"], "dim")


def _standing(report: Mapping[str, Any]) -> str:
    """Return how far the figures can be believed: what they were chosen on, and how often test was looked at."""
    uses, fitted_on = report["test_uses"]["count"], report["calibration"]["fitted_on"]
    words = {
        "oof": "Out-of-fold figures: each image was answered by a model that had not seen its group; temperature and "
        "operating points were fitted on the same answers, which flatters them a little.",
        "val": "Val chose the round, the temperature and the operating points, so its figures flatter.",
    }[fitted_on]
    if "test" in report["splits"]:
        words += f" The test side was measured {'once' if uses == 1 else f'{uses} times'} by this run."
    else:
        words += " The test side was not looked at for this version."
    return paragraph(words + " Intervals are 95 %, by resampling groups of images that may show one patient.")


def _figures(splits: Splits, calibration: Calibration) -> list[str]:
    """Return the table of the first figures, a column a split."""
    verdict = calibration.points is not None
    rows: list[tuple[str, ...]] = [("images", *(_images(split) for split in splits.values()))]
    rows += _discrimination(splits) if verdict else _of_classes(splits)
    rows += _at_points(splits) if verdict else []
    rows += [
        ("Calibration",),
        _row(splits, "Brier score", "brier"),
        _row(splits, "Brier score before temperature scaling", "brier_before"),
        _row(splits, "calibration error (ECE)", "calibration_error"),
        _row(splits, "calibration error before temperature scaling", "calibration_error_before"),
    ]
    if verdict:
        rows += [
            _row(splits, "mean probability", "mean_probability"),
            _row(splits, "share fractured", "prevalence"),
        ]
    return [heading("Figures"), table(("", *_titles(splits)), rows, "Figures by image")]


def _discrimination(splits: Splits) -> list[tuple[str, ...]]:
    """Return the rows about discrimination, the baseline without pixels right below the headline."""
    plain: list[Mapping[str, Any]] = [
        next((row for row in split["strata"] if row["name"] == PLAIN), {}) for split in splits.values()
    ]
    regions = [split["regions"] or {} for split in splits.values()]
    grouped = [split["by_group"] for split in splits.values()]
    return [
        ("Discrimination",),
        _row(splits, "AUROC", "auroc"),
        _row(splits, "AUROC without any pixel (region, view, hardware, panels, size)", "baseline_auroc"),
        ("AUROC within a region, mean", *(interval(region.get("mean")) for region in regions)),
        ("AUROC without hardware and several panels", *(interval(row.get("auroc")) for row in plain)),
        ("AUROC by group, the worst image speaks", *(interval(group["auroc"]) for group in grouped)),
        _row(splits, "AUPRC (average precision)", "average_precision"),
        _row(splits, "sensitivity at specificity 0.85", "sensitivity_at_specificity_85"),
    ]


def _at_points(splits: Splits) -> list[tuple[str, ...]]:
    """Return the rows of the thresholds, by image and by group."""
    rows: list[tuple[str, ...]] = []
    for key, words in _POINTS:
        rows.append((f"At the {words}" if key != "half" else f"At {words}",))
        for name in ("sensitivity", "specificity", "accuracy"):
            rows.append(_row(splits, name, f"{name}_at_{key}"))
        for name in ("sensitivity", "specificity"):
            told = (interval(split["by_group"][f"{name}_at_{key}"]) for split in splits.values())
            rows.append((f"{name} by group", *told))
    return [*rows, ("Doubt",), _row(splits, "share between the points", "doubt")]


def _of_classes(splits: Splits) -> list[tuple[str, ...]]:
    """Return the rows about discrimination between more than two classes."""
    return [
        ("Discrimination",),
        _row(splits, "accuracy", "accuracy"),
        _row(splits, "AUROC, one against the rest, mean of classes", "macro_auroc"),
        _row(splits, "the same without any pixel", "baseline_auroc"),
    ]


def _states(splits: Splits) -> list[str]:
    """Return what is said of fractured and other images and groups."""
    tables = []
    for name, split in splits.items():
        if "states" not in split:
            continue
        for words, found in (("images", split["states"]), ("groups", split["by_group"]["states"])):
            rows = [
                (label.replace("_", " "), *(str(said[state]) for state in ("positive", "doubt", "negative")))
                for label, said in found.items()
            ]
            head = ("", "fracture suspected", "unsure", "nothing suspected")
            tables.append(table(head, rows, f"{_NAMES[name]}, {words}"))
    return [heading("What the operating points do"), markup.side_by_side(tables)] if tables else []


def _predictive(splits: Splits) -> list[str]:
    """Return the predictive values, a table a split."""
    tables = []
    for name, split in splits.items():
        rows: list[tuple[str, ...]] = []
        for key, words in _POINTS:
            found = [row for row in split.get("predictive", ()) if row["at"] == key]
            rows += [(f"at the {words}" if key != "half" else f"at {words}",)] if found else []
            rows += [
                (f"{row['prevalence']:.0%} fractured", interval(row["ppv"]), interval(row["npv"])) for row in found
            ]
        if rows:
            head = ("", "of those above it are fractured (PPV)", "of those below it are not (NPV)")
            tables.append(table(head, rows, _NAMES[name]))
    lead = (
        "What a prediction is worth where other shares of the images are fractured, from sensitivity and specificity."
    )
    return [heading("Predictive values"), paragraph(lead), markup.side_by_side(tables)] if tables else []


def _per_class(splits: Splits) -> list[str]:
    """Return confusion matrices and the report of each class."""
    parts = [heading("By class")]
    for name, split in splits.items():
        head = ("", "precision", "recall", "F1", "images", "groups", "standing")
        rows = [
            (
                words_of(entry["class"]),
                *(interval(entry[key]) for key in ("precision", "recall", "f1")),
                str(entry["support"]),
                str(entry["groups"]),
                _standing_of(entry),
            )
            for entry in split["per_class"]
        ]
        at = " at 0.5" if "states" in split else ""
        parts.append(table(head, rows, f"{_NAMES[name]}{at}"))
        matrices = split["confusion"]["at"].items()
        parts.append(markup.side_by_side([_confusion(name, key, split["confusion"], found) for key, found in matrices]))
    return parts


def _confusion(name: str, key: str, confusion: Mapping[str, Any], found: Sequence[Sequence[int]]) -> str:
    classes = [words_of(word) for word in confusion["classes"]]
    rows = [(f"is {word}", *map(str, row)) for word, row in zip(classes, found, strict=True)]
    words = dict(_POINTS).get(key, "most probable class")
    return table(("", *(f"said {word}" for word in classes)), rows, f"Confusion, {_NAMES[name]}, {words}")


def _strata(splits: Splits) -> list[str]:
    """Return the tables of the strata."""
    lead = (
        f"A stratum with fewer than {ENOUGH_GROUPS} groups of either label is not evaluated: its figures prove "
        "nothing, and a part of the body among them is outside the declared scope."
    )
    parts = [heading("Strata"), paragraph(lead)]
    for name, split in splits.items():
        columns = _STRATA_OF_VERDICTS if "states" in split else _STRATA_OF_CLASSES
        head = ("", "images", "groups", *columns.values(), "standing")
        rows = [
            (row["name"], _images(row), _groups(row), *(interval(row.get(key)) for key in columns), _standing_of(row))
            for row in split["strata"]
        ]
        parts.append(table(head, rows, _NAMES[name]))
    return parts


def _pointing(splits: Splits, report: Mapping[str, Any]) -> list[str]:
    """Return who points at the boxes."""
    played = {name: split["pointing"] for name, split in splits.items() if split["pointing"]}
    if not played:
        return []
    lead = (
        "How often the strongest cell lies in a fracture's box (widened by half a cell of the features for everyone), "
        "beside points that never look at the picture. "
    )
    lead += (
        "The network's own map is proven better than Grad-CAM and the centre on images that it had not learnt from."
        if report["shows_regions"]
        else "No map is proven better than both Grad-CAM and the centre on images that it had not learnt from, so "
        "none is shown as a finding."
    )
    rows = [("images with boxes", *(f"{found['boxed']} in {found['groups']} groups" for found in played.values()))]
    rows += [(words, *(interval(found[key]) for found in played.values())) for key, words in _RIVALS]
    return [heading("Where it points"), paragraph(lead), table(("", *_titles(played)), rows, "Pointing game")]


def _samples(splits: Splits, pictures: Mapping[str, str], gallery: str) -> list[str]:
    """Return the worst errors as a list, and the pictures."""
    lists = []
    for name, split in splits.items():
        rows = [
            (
                row["item"][:12],
                row["region"],
                words_of(row["label"]),
                words_of(row["said"]),
                f"{row['probability']:.2f}",
            )
            for row in split["worst"]
        ]
        if rows:
            head = ("image", "region", "is", "said", "score")
            lists.append(table(head, rows, f"Worst errors, {_NAMES[name]}", numbers=False))
    return [
        heading("Sample predictions, the worst errors first"),
        markup.side_by_side(lists),
        paragraph(pictures["sentence"]),
        gallery,
    ]


def _history(history: Sequence[Mapping[str, Any]]) -> list[str]:
    drawn = plots.history_plots(history)
    return [heading("How it learnt"), plots.pictures(drawn)] if drawn else []


def _making(report: Mapping[str, Any]) -> list[str]:
    """Return what it was made of, what stands beside it, its folds, and the looks at the test side."""
    parts = [heading("How it was made")]
    made = {name: value for name, value in report["made"].items() if name != "recipe"}
    for words, found in (("Recipe", report["made"]["recipe"]), ("Run", made), ("Calibration", report["calibration"])):
        rows = [(name.replace("_", " "), markup.plain_text(found[name])) for name in sorted(found)]
        parts.append(table(("", "value"), rows, words, numbers=False))
    if report["folds"]:
        parts.append(_folds(report["folds"]))
    if report["beside"]:
        parts.append(_beside(report))
    uses = [
        (use["when"], str(use["images"]), use["artifact"][:12] or "this one") for use in report["test_uses"]["uses"]
    ]
    if uses:
        parts.append(table(("when", "images", "artifact"), uses, "Looks at the test side by this run"))
    return parts


def _folds(folds: Mapping[str, Any]) -> str:
    name = "auroc" if "auroc" in folds else "accuracy"
    found = enumerate(folds[name])
    rows = [(f"fold {number}", "one label only" if value is None else f"{value:.3f}") for number, value in found]
    if folds["mean"] is not None:
        rows.append(("mean ± deviation", f"{folds['mean']:.3f} ± {folds['deviation']:.3f}"))
    return table(("", name.upper() if name == "auroc" else name), rows, "Folds")


def _beside(report: Mapping[str, Any]) -> str:
    """Return the headline of this model and of the other one, each on the data that it was measured on."""
    this = {
        "name": report["name"],
        "version": report["version"],
        "leak": report["leak"]["status"],
        "splits": {name: first_figures(split) for name, split in report["splits"].items()},
    }
    rows: list[tuple[str, ...]] = []
    for model in (this, report["beside"]):
        rows.append((f"{model['name']} {model['version']}, leak: {model['leak']}",))
        for name, split in model["splits"].items():
            headline = interval(split.get("auroc") or split.get("macro_auroc"))
            accuracy = interval(split.get("accuracy_at_half") or split.get("accuracy"))
            rows.append(
                (_NAMES[name], str(split.get("images", "–")), headline, accuracy, interval(split.get("baseline_auroc")))
            )
    head = ("", "images", "AUROC", "accuracy", "AUROC without pixels")
    return table(head, rows, "Beside another model, each on the split that it was measured on")


def _plots(answers: Mapping[str, Answers], calibration: Calibration) -> list[plots.Plot]:
    if calibration.points is None:
        return plots.class_plots(answers)
    return plots.verdict_plots(answers, calibration.points)


def _row(splits: Splits, words: str, key: str) -> tuple[str, ...]:
    return (words, *(interval(split[key]) for split in splits.values()))


def _titles(splits: Mapping[str, Any]) -> list[str]:
    return [_NAMES[name] for name in splits]


def _images(row: Mapping[str, Any]) -> str:
    return f"{row['images']}, {row['fractured']} fractured" if "fractured" in row else str(row["images"])


def _groups(row: Mapping[str, Any]) -> str:
    return f"{row['fractured_groups']} and {row['other_groups']}" if "fractured" in row else str(row["groups"])


def _standing_of(row: Mapping[str, Any]) -> str:
    return "evaluated" if row["evaluated"] else "not evaluated"
