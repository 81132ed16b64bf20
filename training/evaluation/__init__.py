"""From a converted run to an honest account of it: figures, strata, localisation, report, card and artifact.

Responsible for measuring and for telling; not for fitting (`training.fitting`), for the format of an artifact
(`training.artifact`) nor for the gate between two models (`training.comparison`). Importing the package itself loads
nothing heavy: matplotlib is loaded by `training.evaluation.plots` alone.
"""
