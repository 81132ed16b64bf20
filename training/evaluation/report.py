"""What is known of a model, as plain values: `report.json`.

Responsible for the layout below, which pages read; not for computing the figures (`verdicts`, `classes`, `strata`,
`pointing`) nor for the page that shows them (`page`). A *figure* is `{"value", "low", "high"}` with its 95 % interval
by group, or null where the images say nothing of it (one label only, nothing predicted).

    format      2
    name, version, task, classes
    summary     one sentence with the headline figure
    headline    name of the split whose figures stand first: `test` where it was measured, else `oof`, else `val`
    made        config.json of the run (network, size, phases, data digest, weights, versions, ...) and "source"
    history     the run's history.json, as it is
    leak        {"status": clean | leaking | unchecked, "pairs", "allowed", "red": bool, "sentence",
                 "learnt_from": {split: how many of its images or groups the model had learnt from}}
    calibration {"temperature", "fitted_on": oof | val, "way": quantile | conformal, "sensitivity": 0.95,
                 "specificity": 0.95, "points": {"lower", "upper"} or null}
    splits      {oof | val | test: split}
    folds       null, or {"count", "auroc" (of many classes: "accuracy"): [number a fold], "mean", "deviation"}
    pictures    {"kind": none | drawn | data, "sentence"}
    beside      null, or {"name", "version", "sha256", "leak", "dataset_digest", "splits": {split: {headline figures}}}
    test_uses   {"count", "digest" of the test side or null, "uses": [{"when", "digest", "images", "artifact"}]}

A split of a task of two classes has

    images, fractured, groups, fractured_groups, other_groups, evaluated
    auroc, average_precision, brier, brier_before, calibration_error, calibration_error_before (the temperature),
    mean_probability, prevalence, doubt (share between the points), sensitivity_at_specificity_85,
    accuracy_at_X, sensitivity_at_X, specificity_at_X for X in lower, half, upper            figures
    states      {fractured | not_fractured: {positive | doubt | negative: count}}
    confusion   {"classes", "at": {lower | half | upper: [[row a label, column what was said]]}}
    per_class   [{"class", "support", "groups", "evaluated", "precision", "recall", "f1"}], at 0.5
    predictive  [{"at": lower | half | upper, "prevalence", "ppv", "npv"}]
    by_group    the same counts, figures, states and confusion, the worst image of a group speaking for it
    regions     {"within": {part: auroc figure}, "mean": figure}

a split of more classes has

    images, groups, evaluated, accuracy, macro_auroc, brier, brier_before, calibration_error,
    calibration_error_before, confusion {"classes", "at": {"largest": ...}}, per_class (with "auroc")

and both have

    strata      [{"name", "kind": region | view | shortcut | size, counts, "evaluated", figures where both
                labels occur}]
    baseline_auroc   figure: what region, view, hardware, panels and size reach without a pixel (macro for more
                classes; region is left out where it is the answer), or null
    pointing    null, or {"boxed", "groups", "tolerance", "map", "activation", "centre_prior", "constant": figure or
                null, "over_activation", "over_centre_prior": figure of the difference of what draws the map, or null}
    worst       [{"item", "group", "label", "said", "probability", "region"}], the worst errors first
"""
