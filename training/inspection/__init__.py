"""A data set looked at before it is learnt from: copies, leaks, conflicts, shortcuts.

Responsible for what pixels and tables of a data set show about itself; not for reading them (`training.readers`), nor
for splitting (`training.splits`). Needs NumPy, Pillow and SciPy.

    leaks(samples) -> Leaks            what `fit` refuses: .status, .pairs, .sentence, .lines()
    copies(samples) -> Copies          which files show one radiograph, rotated by any angle or mirrored
    regrouped(samples, copies(samples))    the samples, groups that share a radiograph made one: what folds are made of
"""

from training.inspection.copies import Copies, copies, regrouped
from training.inspection.leaks import Leak, Leaks, leaks, leaks_of

__all__ = ["Copies", "Leak", "Leaks", "copies", "leaks", "leaks_of", "regrouped"]
