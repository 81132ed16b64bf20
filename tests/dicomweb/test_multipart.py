"""Bodies of parts, read as streams: whatever the pieces in which they come, the parts are the same."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefrac.errors import Invalid
from studies.dicomweb import multipart
from studies.dicomweb.multipart import Broken

EDGE = b"edge"
CONTENTS = st.lists(st.binary(max_size=200).filter(lambda b: b"--edge" not in b), min_size=1, max_size=4)


class Dribble(io.BytesIO):
    """A body that comes a few bytes at a time."""

    def __init__(self, content, step):
        super().__init__(content)
        self.step = step

    def read(self, size=-1, /):
        return super().read(min(size, self.step))


def body(contents, *, end=b"--"):
    parts = (b"--edge\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n" for content in contents)
    return b"".join(parts) + b"--edge" + end


def read(stream):
    return [b"".join(part.chunks) for part in multipart.parts(stream, EDGE)]


@given(CONTENTS, st.integers(1, 40))
def test_parts_come_whole_in_pieces_of_any_size(contents, step):
    assert read(Dribble(body(contents), step)) == contents


@given(CONTENTS, st.integers(1, 40))
def test_a_body_that_ends_early_is_told_from_one_that_ends(contents, step):
    whole = body(contents)
    with pytest.raises(Broken):
        read(Dribble(whole[: -1 - step % (len(whole) - 1)], 1 << 16))


def test_a_preamble_and_unread_parts_are_stepped_over():
    stream = io.BytesIO(b"hello\r\n" + body([b"one", b"two"]) + b"\r\nepilogue")
    assert [part.media_type for part in multipart.parts(stream, EDGE)] == ["application/dicom"] * 2


def test_a_head_without_end_is_bounded():
    with pytest.raises(Broken, match="16 kB"):
        read(io.BytesIO(b"--edge\r\n" + b"X: " + b"y" * 100_000))


def test_what_is_written_is_read():
    written = b"".join(multipart.written([("a/b", [b"on", b"e"]), ("a/b", [b""])], "edge"))
    assert read(io.BytesIO(written)) == [b"one", b""]


def test_a_content_type_names_its_boundary():
    kind, inner, boundary = multipart.boundary_of('multipart/related; type="application/dicom"; boundary="a b"')
    assert (kind, inner, boundary) == ("multipart/related", "application/dicom", b"a b")
    with pytest.raises(Invalid):
        multipart.boundary_of("multipart/related; type=application/dicom")
