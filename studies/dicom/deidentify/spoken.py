"""What people read of the options by which a stored header was de-identified."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

_WORDS: Final[Mapping[str, StrPromise]] = {
    "113100": gettext_lazy("basic profile: identifying elements, private elements, overlays removed; UIDs replaced"),
    "113105": gettext_lazy("descriptions: only known radiographic words kept"),
    "113107": gettext_lazy("dates shifted by one secret offset per patient, times removed"),
    "113108": gettext_lazy("sex and age kept, ages of 90 years and more as one"),
}
_PICTURE: Final = gettext_lazy("pictures: EXIF, comments and every other segment that is no pixel removed")


def of_images(headers: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return code and words of every option by which any of a study's images was de-identified; pictures have none."""
    found: dict[str, str] = {}
    for header in headers:
        found |= options_of(header) if header else {"": str(_PICTURE)}
    return list(found.items())


def options_of(header: Mapping[str, Any]) -> dict[str, str]:
    """Return the CID 7050 codes that a stored header (DICOM JSON) names, each with its words."""
    items = header.get("00120064", {}).get("Value", [])
    codes = [str(item.get("00080100", {}).get("Value", [""])[0]) for item in items]
    return {code: str(_WORDS.get(code, code)) for code in codes}
