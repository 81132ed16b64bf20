"""Whether a picture looks like those that a model was fitted on: the learned part of its scope.

    rows = np.stack([description(features, rendition) for ...])      # what the served file says of the train side
    learned = Likeness.fit(rows, regions, groups)
    learned.judge(features, rendition, parts)                        # why the model must not speak, or a caution

Responsible for describing a picture, for bounds that hold back a known share of radiographs like the fitted ones, and
for the sentences of a refusal or a caution; not for what a header says (`training.scope`). NumPy and Pillow only:
workers import it.
"""

from training.likeness.learned import CAUTIONS, FEWEST, Judgement, Likeness, description

__all__ = ["CAUTIONS", "FEWEST", "Judgement", "Likeness", "description"]
