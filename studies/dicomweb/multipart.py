"""Bodies of several parts (RFC 2387), read and written as streams: no part is ever whole in memory here."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Final, Protocol

from bonefrac.errors import Invalid

CHUNK: Final = 1 << 16
HEADER_BYTES: Final = 16_384


class Readable(Protocol):
    """Where a body comes from."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, none at the end."""


class Broken(Exception):
    """The body ends too early or is not what it says; parts that were read before are whole."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its media type, and its bytes, to be read once and before the next part is asked for."""

    media_type: str
    chunks: Iterator[bytes]


def boundary_of(content_type: str) -> tuple[str, str, bytes]:
    """Return a content type's media type, the type of its parts, and the boundary between them.

    Raises:
        Invalid: It is multipart and names no boundary of 1 to 70 characters.
    """
    told = Message()
    told["Content-Type"] = content_type
    kind, inner = told.get_content_type(), str(told.get_param("type") or "")
    boundary = str(told.get_param("boundary") or "")
    if kind.startswith("multipart/") and not 0 < len(boundary) <= 70:
        raise Invalid("The Content-Type names no boundary of 1 to 70 characters.", code="no_boundary")
    return kind, inner.lower(), boundary.encode("utf-8", "surrogateescape")


def parts(body: Readable, boundary: bytes) -> Iterator[Part]:
    """Yield the parts of a body one after the other; what the caller leaves of one is skipped.

    Raises:
        Broken: It ends before its last boundary, or a part's head is damaged.
    """
    reader = _Reader(body, b"\r\n--" + boundary)
    for _preamble in reader.until_boundary():
        pass
    while reader.has_part():
        head = reader.head()
        chunks = reader.until_boundary()
        yield Part(head.get_content_type() if "Content-Type" in head else "", chunks)
        for _rest in chunks:
            pass


def alone(body: Readable, media_type: str) -> Iterator[Part]:
    """Yield a body that is one part and nothing else; nothing where it is empty.

    Raises:
        Broken: The connection breaks off.
    """
    first = _read(body)
    if first:
        yield Part(media_type, itertools.chain((first,), iter(lambda: _read(body), b"")))


def _read(body: Readable) -> bytes:
    try:
        return body.read(CHUNK)
    except OSError as error:  # the client has gone, or sent no chunk where one was announced
        raise Broken("the connection broke off before the body ended") from error


class _Reader:
    """A window onto the body, a little longer than a boundary."""

    def __init__(self, body: Readable, delimiter: bytes) -> None:
        self._body, self._delimiter = body, delimiter
        self._held = bytearray(b"\r\n")  # the first boundary may be the first line

    def until_boundary(self) -> Iterator[bytes]:
        """Yield what stands before the next boundary, and step over it."""
        keep = len(self._delimiter) - 1
        while (at := self._held.find(self._delimiter)) < 0:
            if len(self._held) > keep:
                yield bytes(self._held[:-keep])
                del self._held[:-keep]
            self._fill()
        if at:
            yield bytes(self._held[:at])
        del self._held[: at + len(self._delimiter)]

    def has_part(self) -> bool:
        """Return whether a part follows the boundary that was just stepped over; two dashes end the body."""
        while len(self._held) < 2:
            self._fill()
        return not self._held.startswith(b"--")

    def head(self) -> Message:
        """Return the headers of a part and step over them."""
        while (at := self._held.find(b"\r\n\r\n")) < 0:
            if len(self._held) > HEADER_BYTES:
                raise Broken("a part's head is longer than 16 kB")
            self._fill()
        lines = self._held[:at].decode("latin-1").split("\r\n")[1:]
        del self._held[: at + 2]  # an empty part is its boundary at once, with this line break before it
        if not self._held.startswith(self._delimiter):
            del self._held[:2]
        told = Message()
        for line in lines:
            name, colon, value = line.partition(":")
            if colon:
                told[name.strip()] = value.strip()
        return told

    def _fill(self) -> None:
        chunk = _read(self._body)
        if not chunk:
            raise Broken("the body ends before its last boundary")
        self._held += chunk


def written(bodies: Iterable[tuple[str, Iterable[bytes]]], boundary: str) -> Iterator[bytes]:
    """Yield a body of parts, each a content type and its bytes."""
    for content_type, chunks in bodies:
        yield f"\r\n--{boundary}\r\nContent-Type: {content_type}\r\n\r\n".encode()
        yield from chunks
    yield f"\r\n--{boundary}--\r\n".encode()
