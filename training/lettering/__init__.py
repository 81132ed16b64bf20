"""Finds letters that are burnt into a picture, and reads them just well enough to know what is no name.

``marks`` finds small sharp marks, ``chains`` the lines that they stand in, ``glyphs`` and ``reader`` which letter each
is, ``words`` whether a line is made of words that are known. NumPy and Pillow only: it runs for every picture that
comes in. ``fit`` makes the reader's weights. Whether a picture is held is not decided here.
"""

from training.lettering.lines import Line, lines_of
from training.lettering.words import Vocabulary

__all__ = ["Line", "Vocabulary", "lines_of"]
