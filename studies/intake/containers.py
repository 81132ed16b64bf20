"""What lies in an archive, one entry after the other: ZIP, TAR and TAR.GZ, read so that a hostile one can do no harm.

Nothing is ever written under a name out of an archive. Sizes and counts are checked before anything is unpacked, only
as many bytes as were announced are read, and links, devices, encrypted entries and paths that leave the archive become
entries with a fault. Not responsible for what the entries are.
"""

from __future__ import annotations

import gzip
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Final, Protocol

from bonefrac.stores import CHUNK
from training.frames import FrameError

_BLOCK: Final = 512
_LONG_HEADER: Final = 65_536
_END_RECORD: Final = 22
_LOCAL_HEADER: Final = 30
_COMMENT: Final = 65_535
_DIRECTORY_ENTRY: Final = 1_024
_PACKINGS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FILE_TYPES: Final = (0, 0o100000)
_JUNK: Final = frozenset({".ds_store", "thumbs.db", "desktop.ini", "dicomdir"})
_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, EOFError, struct.error, ValueError, NotImplementedError,
)  # fmt: skip


class _Stream(Protocol):
    """What a TAR archive is read from, packed or not."""

    def seek(self, offset: int, /) -> int: ...

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much an archive may hold, with the archives in it."""

    entries: int
    unpacked_bytes: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in an archive; reading one with a fault raises the fault."""

    path: str
    size: int
    chunks: Callable[[], Iterable[bytes]]
    fault: FrameError | None = None

    @property
    def folder(self) -> str:
        """The folder in which it lies, empty for the top."""
        return str(PurePosixPath(self.path).parent) if "/" in self.path else ""

    @property
    def is_junk(self) -> bool:
        """Whether a desktop or a disc left it beside the files: nobody misses it."""
        parts = PurePosixPath(self.path).parts
        last = parts[-1].lower() if parts else ""
        return "__MACOSX" in parts or last in _JUNK or last.startswith("._")

    def read(self) -> Iterator[bytes]:
        """Return the entry's bytes.

        Raises:
            FrameError: its fault, or damaged: it cannot be unpacked.
        """
        if self.fault:
            raise self.fault
        try:
            yield from self.chunks()
        except FrameError:
            raise
        except _BROKEN as error:
            raise FrameError("damaged", "it cannot be unpacked from its archive") from error


def entries_of(handle: IO[bytes], kind: str, bounds: Bounds) -> Iterator[Entry]:
    """Return the files of an archive in their order, each to be read before the next is asked for.

    Args:
        handle: the archive.
        kind: zip, tar or gzip.
        bounds: what it may hold.

    Raises:
        FrameError: encrypted, too_many_entries, archive_too_large, truncated, damaged.
    """
    handle.seek(0)
    try:
        if kind == "zip":
            yield from _zip_entries(handle, bounds)
        elif kind == "tar":
            yield from _tar_entries(handle, bounds)
        else:
            with gzip.GzipFile(fileobj=handle) as unpacked:
                _refuse_what_is_no_tar(unpacked)
                yield from _tar_entries(unpacked, bounds)
    except FrameError:
        raise
    except EOFError as error:
        raise FrameError("truncated", "the archive ends too early") from error
    except _BROKEN as error:
        raise FrameError("damaged", "the archive cannot be read") from error


def _refuse_excess(entries: int, unpacked: int, bounds: Bounds) -> None:
    if entries > bounds.entries:
        raise FrameError("too_many_entries", f"it holds more than the {bounds.entries:,} entries that are allowed")
    if unpacked > bounds.unpacked_bytes:
        megabytes = bounds.unpacked_bytes / 1e6
        raise FrameError("archive_too_large", f"it unpacks to more than the {megabytes:,.0f} MB that are allowed")


def _fault_of_path(path: str) -> FrameError | None:
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or path[1:2] == ":":
        return FrameError("unsafe_path", "its path leaves the archive")
    return None


# --- ZIP --------------------------------------------------------------------------------------------------------


def _zip_entries(handle: IO[bytes], bounds: Bounds) -> Iterator[Entry]:
    _refuse_large_directory(handle, bounds)
    with zipfile.ZipFile(handle) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        _refuse_excess(len(infos), sum(info.file_size for info in infos), bounds)
        _refuse_overlaps(archive.infolist())
        if infos and all(info.flag_bits & 1 for info in infos):
            raise FrameError("encrypted", "the archive is encrypted")
        for info in infos:
            path = _zip_path(info)
            fault = _fault_of_path(path) or _fault_of_info(info)
            yield Entry(path, info.file_size, partial(_unzipped, archive, info), fault)


def _refuse_large_directory(handle: IO[bytes], bounds: Bounds) -> None:
    """Raise ``FrameError`` before a directory is read that is larger than so many entries need."""
    end = handle.seek(0, 2)
    start = max(0, end - _END_RECORD - _COMMENT)
    handle.seek(start)
    tail = handle.read()
    found = tail.rfind(b"PK\5\6")
    if found < 0 or len(tail) < found + _END_RECORD:
        raise FrameError("truncated", "the archive ends too early")
    entries, size = struct.unpack_from("<HL", tail, found + 10)
    if (entries == 0xFFFF or size == 0xFFFFFFFF) and tail[max(0, found - 20) : found - 16] == b"PK\6\7":
        (offset,) = struct.unpack_from("<Q", tail, found - 12)
        handle.seek(min(offset, end))
        entries, size = struct.unpack_from("<QQ", handle.read(56), 32)
    _refuse_excess(max(entries, size // (46 + _DIRECTORY_ENTRY)), 0, bounds)
    if size > (bounds.entries + 1) * _DIRECTORY_ENTRY:
        raise FrameError("too_many_entries", "its table of contents is larger than is allowed")


def _refuse_overlaps(infos: Iterable[zipfile.ZipInfo]) -> None:
    """Raise ``FrameError`` where two entries share bytes: few packed bytes would be unpacked again and again."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise FrameError("damaged", "entries of the archive lie over each other")
        end = info.header_offset + _LOCAL_HEADER + info.compress_size


def _zip_path(info: zipfile.ZipInfo) -> str:
    """Return an entry's path; a name without the flag of UTF-8 is often UTF-8 all the same."""
    path = info.filename
    if not info.flag_bits & 0x800:
        try:
            path = path.encode("cp437").decode("utf-8")
        except UnicodeError:
            path = info.filename
    return path.replace("\\", "/")


def _fault_of_info(info: zipfile.ZipInfo) -> FrameError | None:
    if info.flag_bits & 1:
        return FrameError("encrypted", "it is encrypted")
    if info.external_attr >> 16 & 0o170000 not in _FILE_TYPES:
        return FrameError("link_in_archive", "it is a link or a device, not a file")
    if info.compress_type not in _PACKINGS:
        return FrameError("unsupported_packing", "it is packed by a method other than deflate")
    return None


def _unzipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(info) as entry:
        while chunk := entry.read(CHUNK):
            yield chunk


# --- TAR --------------------------------------------------------------------------------------------------------


def _tar_entries(stream: _Stream, bounds: Bounds) -> Iterator[Entry]:
    """Walk over the headers (POSIX.1-2001 pax, with the long names of GNU)."""
    position, count, unpacked, long_name = 0, 0, 0, ""
    while header := _header_at(stream, position):
        size, kind, start = _number(header[124:136]), header[156:157], position + _BLOCK
        position = start + -(-size // _BLOCK) * _BLOCK
        if kind in b"Lxg":
            long_name = _long_name(stream, start, size, kind) or long_name
            continue
        count, unpacked = count + 1, unpacked + size
        _refuse_excess(count, unpacked, bounds)
        path = long_name or _short_name(header)
        long_name = ""
        if kind in b"5K":
            continue
        fault = None if kind in b"07\0" else FrameError("link_in_archive", "it is a link or a device, not a file")
        yield Entry(path, size, partial(_part, stream, start, size), _fault_of_path(path) or fault)


def _refuse_what_is_no_tar(stream: _Stream) -> None:
    """Raise ``FrameError`` where a single file was packed, as many a program does with an image."""
    header = stream.read(_BLOCK)
    if header.strip(b"\0") and len(header) == _BLOCK and not _is_header(header):
        raise FrameError("unsupported_packing", "what is packed in it by gzip is no TAR archive")


def _is_header(header: bytes) -> bool:
    """Whether a block of a TAR archive has the sum that it says."""
    try:
        return sum(header[:148]) + sum(header[156:]) + 8 * 32 == _number(header[148:156])
    except ValueError:
        return False


def _header_at(stream: _Stream, position: int) -> bytes:
    """Return the header at a position; nothing at the end."""
    stream.seek(position)
    header = stream.read(_BLOCK)
    if not header.strip(b"\0"):
        return b""
    if len(header) < _BLOCK:
        raise FrameError("truncated", "the archive ends too early")
    if not _is_header(header):
        raise FrameError("damaged", "the archive cannot be read")
    return header


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    return int(field.strip(b" \0") or b"0", 8)


def _short_name(header: bytes) -> str:
    name, prefix = (header[a:b].partition(b"\0")[0] for a, b in ((0, 100), (345, 500)))
    has_prefix = prefix and header[257:263] == b"ustar\0"
    return _decoded(prefix + b"/" + name if has_prefix else name)


def _long_name(stream: _Stream, start: int, size: int, kind: bytes) -> str:
    """Return the path that an extended header gives to the next entry; empty where it gives none."""
    if size > _LONG_HEADER:
        raise FrameError("damaged", "the archive cannot be read")
    content = b"".join(_part(stream, start, size))
    if kind == b"L":
        return _decoded(content.partition(b"\0")[0])
    if kind == b"g":
        return ""
    return _decoded(_record(content, b"path"))


def _record(content: bytes, key: bytes) -> bytes:
    """Return the value of a pax record ``length key=value``; nothing where there is none."""
    value = b""
    while content:
        length = int(content.partition(b" ")[0])
        if length < 5:
            raise FrameError("damaged", "the archive cannot be read")
        name, _, found = content[:length].partition(b" ")[2].partition(b"=")
        value, content = (found.removesuffix(b"\n") if name == key else value), content[length:]
    return value


def _decoded(name: bytes) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("latin-1")


def _part(stream: _Stream, start: int, size: int) -> Iterator[bytes]:
    stream.seek(start)
    while size > 0:
        chunk = stream.read(min(size, CHUNK))
        if not chunk:
            raise EOFError
        size -= len(chunk)
        yield chunk
