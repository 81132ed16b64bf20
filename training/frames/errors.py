"""Why a file is no radiograph that can be read."""

from __future__ import annotations


class FrameError(ValueError):
    """A file cannot become a frame.

    Args:
        code: A stable word: ``truncated``, ``damaged``, ``no_pixels``, ``multi_frame``, ``unsupported_syntax``,
            ``unsupported_depth``, ``too_many_pixels``, ``not_a_radiograph``, ``not_an_image``.
        what: What was found, as one sentence without a full stop, with nothing of the file's own text in it.
    """

    def __init__(self, code: str, what: str) -> None:
        super().__init__(f"{code}: {what}")
        self.code = code
        self.what = what
