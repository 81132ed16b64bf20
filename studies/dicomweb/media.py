"""What a client accepts (PS3.18 8.7): media types with their parameters, in the client's order of liking."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from django.utils.translation import gettext as _

from bonefrac.errors import DomainError
from training.frames.codecs import EXPLICIT_LITTLE, NATIVE

DICOM: Final = "application/dicom"
JSON: Final = "application/dicom+json"
OCTETS: Final = "application/octet-stream"
MULTIPART: Final = "multipart/related"
_JPEG = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
#: The media type of one encoded frame by its transfer syntax (PS3.18 table 8.7.3-5).
FRAME_MEDIA: Final[Mapping[str, str]] = {
    **dict.fromkeys(_JPEG, "image/jpeg"),
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}
_ENTRY: Final = re.compile(r'(?:[^,"]|"[^"]*")+')
_FIELD: Final = re.compile(r'(?:[^;"]|"[^"]*")+')


class NotAcceptable(DomainError):
    """Nothing that the client accepts can be made of the resource (406)."""

    status: ClassVar[int] = 406
    default_code: ClassVar[str] = "not_acceptable"


class UnsupportedMediaType(DomainError):
    """The body is of a type that is not taken (415)."""

    status: ClassVar[int] = 415
    default_code: ClassVar[str] = "unsupported_media_type"


@dataclass(frozen=True, slots=True)
class Accepted:
    """One media type that a client accepts; a multipart one by the type of its parts.

    ``syntax`` is empty where the client names none, and ``*`` where it takes any.
    """

    media: str
    is_multipart: bool
    syntax: str

    def takes(self, media: str) -> bool:
        """Return whether it covers a media type."""
        return self.media in (media, "*/*", media.partition("/")[0] + "/*")


def accepted(header: str) -> list[Accepted]:
    """Return what an ``Accept`` names, best liked first; nothing named is everything taken."""
    found = [entry for text in _ENTRY.findall(header or "*/*") if (entry := _entry(text)) is not None]
    return [entry for _quality, entry in sorted(found, key=lambda pair: -pair[0])]


def _entry(text: str) -> tuple[float, Accepted] | None:
    media, *fields = (field.strip() for field in _FIELD.findall(text))
    told = {name.strip().lower(): value.strip().strip('"') for name, _, value in (f.partition("=") for f in fields)}
    is_multipart = media.lower() == MULTIPART
    inner = told.get("type", "*/*") if is_multipart else media
    try:
        quality = float(told.get("q", "1"))
    except ValueError:
        quality = 0.0
    if quality <= 0:
        return None
    return quality, Accepted(inner.lower(), is_multipart, told.get("transfer-syntax", ""))


def json_of(wanted: Iterable[Accepted]) -> str:
    """Return the content type in which JSON goes to the client; raise ``NotAcceptable`` where it takes none."""
    for entry in wanted:
        if entry.is_multipart:
            continue
        if entry.media == "application/json":
            return "application/json"
        if entry.takes(JSON):
            return JSON
    raise NotAcceptable(_("Metadata is offered as application/dicom+json only."))


def served_syntax(stored: str) -> str:
    """Return the transfer syntax in which stored pixels go out unchanged; uncompressed ones are all explicit."""
    return EXPLICIT_LITTLE if stored in NATIVE else stored


def instance_syntax(wanted: Iterable[Accepted], stored: str) -> tuple[str, bool] | None:
    """Return transfer syntax and whether in parts for an instance; None where the client takes none that there is.

    Whoever names no transfer syntax gets the standard's default, Explicit VR Little Endian (PS3.18 8.7.3.4).
    """
    own = served_syntax(stored)
    for entry in wanted:
        syntax = own if entry.syntax == "*" else entry.syntax or EXPLICIT_LITTLE
        if entry.takes(DICOM) and syntax in (own, EXPLICIT_LITTLE):
            return syntax, entry.is_multipart or entry.media != DICOM
    return None


def frame_syntax(wanted: Iterable[Accepted], stored: str) -> tuple[str, str, bool] | None:
    """Return media type, transfer syntax and whether in parts for a frame; None and the default as for an instance."""
    own = served_syntax(stored)
    own_media = FRAME_MEDIA.get(own, OCTETS)
    for entry in wanted:
        is_multipart = entry.is_multipart or "*" in entry.media
        if entry.takes(OCTETS) and entry.syntax in ("", EXPLICIT_LITTLE):
            return OCTETS, EXPLICIT_LITTLE, is_multipart
        if entry.takes(own_media) and entry.syntax in ("", "*", own):
            return own_media, own, is_multipart
        if entry.takes(OCTETS) and entry.syntax == "*":
            return own_media, own, is_multipart
    return None


def not_offered() -> NotAcceptable:
    """Return the refusal of an encoding that is not made here."""
    return NotAcceptable(
        _("Pixels are offered as they are stored, or uncompressed in Explicit VR Little Endian; ask for one of them.")
    )
