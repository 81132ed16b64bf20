"""Every format, cut at every tenth byte: refused with a code, never a picture with a part filled in."""

from __future__ import annotations

import pytest

from studies.decoding.parent import Decoder
from studies.intake.sentences import ADVICE
from tests.intake.table import ACCEPTED
from training.frames import FrameError


@pytest.fixture(scope="module")
def child():
    child = Decoder(seconds=20)
    yield child
    child.stop()


def verdict(child, path, content):
    path.write_bytes(content)
    try:
        child.decode(path, max_pixels=10**7, preprocessings=[])
    except FrameError as error:
        return error.code
    return "accepted"


@pytest.mark.parametrize("kind", ACCEPTED)
def test_what_is_cut_anywhere_is_refused(kind, child, tmp_path):
    content = ACCEPTED[kind]()
    assert verdict(child, tmp_path / "file", content) == "accepted"
    seen = [verdict(child, tmp_path / "file", content[: len(content) * tenth // 10]) for tenth in range(10)]
    assert set(seen) <= set(ADVICE)
