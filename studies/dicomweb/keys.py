"""What a search asks (PS3.18 8.3.4): matching keys, attributes to include, how many and from where."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword

from bonefrac.errors import Invalid

MOST_ROWS: Final = 1000
FARTHEST: Final = 100_000
_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")
_FIRST_TAG: Final = 0x00080000  # groups below are of files and messages
_RANGED: Final = frozenset({"DA", "TM", "DT"})
_UNSEARCHABLE: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UN"})
_RESERVED: Final = frozenset({"includefield", "limit", "offset", "fuzzymatching", "accept", "charset"})


@dataclass(frozen=True, slots=True)
class Match:
    """One matching key.

    Attributes:
        path: The attribute's tag, after those of the sequences that hold it.
        vr: Its value representation.
        text: What was asked, never empty nor a lone ``*``.
    """

    path: tuple[str, ...]
    vr: str
    text: str

    @property
    def is_range(self) -> bool:
        """Whether it asks for a span of dates or times."""
        return self.vr in _RANGED and "-" in self.text

    @property
    def has_wildcard(self) -> bool:
        """Whether ``*`` or ``?`` stand for other characters."""
        return self.vr not in _RANGED | {"UI"} and bool(set("*?") & set(self.text))

    @property
    def listed(self) -> list[str]:
        """The values of a list, of which any one may match; only UIDs and code words, which hold no comma, come so."""
        is_list = self.vr in ("UI", "CS")
        return [part for part in re.split(r"[,\\]", self.text) if part] if is_list else [self.text]


@dataclass(frozen=True, slots=True)
class Query:
    """A whole search; ``is_limit_own`` where its limit is the client's and not the platform's."""

    matches: tuple[Match, ...]
    fields: frozenset[str]
    has_all_fields: bool
    limit: int
    is_limit_own: bool
    offset: int
    warnings: tuple[str, ...]


def parsed(asked: QueryDict) -> Query:
    """Return the search that an address asks.

    Raises:
        Invalid: A key is no attribute of the standard, cannot be searched, or a number is none.
    """
    included = [name for value in asked.getlist("includefield") for name in value.split(",") if name]
    fields = {name: _field(name) for name in included if name.lower() != "all"}
    limit = _number(asked, "limit", MOST_ROWS)
    return Query(
        matches=tuple(match for name, value in _keys(asked) if (match := _match(name, value)) is not None),
        fields=frozenset(filter(None, fields.values())),
        has_all_fields=any(name.lower() == "all" for name in included),
        limit=min(limit, MOST_ROWS),
        is_limit_own="limit" in asked and limit <= MOST_ROWS,
        offset=_offset(asked),
        warnings=_warnings(asked, [name for name, number in fields.items() if not number]),
    )


def _field(name: str) -> str:
    """Return the tag of an attribute to include; empty for one that the standard does not know, which nobody has."""
    try:
        return _path(name)[0]
    except Invalid:
        return ""


def _keys(asked: QueryDict) -> list[tuple[str, str]]:
    return [(name, ",".join(asked.getlist(name))) for name in asked if name not in _RESERVED]


def _match(name: str, value: str) -> Match | None:
    path = _path(name)
    vr = dictionary_VR(int(path[-1], 16))[:2]  # the first where the dictionary offers several
    if vr in _UNSEARCHABLE:
        raise Invalid(_("%(name)s cannot be searched.") % {"name": name}, code="bad_key", fields={name: vr})
    text = value.strip()
    return Match(path, vr, text) if text.strip("*") else None


def _path(name: str) -> tuple[str, ...]:
    """Return the tags of a key: a keyword or eight digits, after those of its sequences and a dot each."""
    tags = tuple(_tag(part) for part in name.split("."))
    for holder in tags[:-1]:
        if dictionary_VR(int(holder, 16)) != "SQ":
            raise _unknown(name)
    return tags


def _tag(name: str) -> str:
    number = int(name, 16) if _TAG.fullmatch(name) else tag_for_keyword(name)
    if number is None or number < _FIRST_TAG or not dictionary_has_tag(number):
        raise _unknown(name)
    return f"{number:08X}"


def _unknown(name: str) -> Invalid:
    sentence = _("%(name)s is no attribute of the standard; expected a keyword or eight hexadecimal digits.")
    return Invalid(sentence % {"name": name[:64]}, code="bad_key", fields={name[:64]: "unknown"})


def _number(asked: Mapping[str, str], name: str, default: int) -> int:
    text = asked.get(name, str(default))
    if not text.isascii() or not text.isdigit():
        sentence = _("%(name)s is a whole number from 0; received %(text)s.") % {"name": name, "text": text[:20]}
        raise Invalid(sentence, code="bad_number", fields={name: sentence})
    return int(text[:9])


def _offset(asked: Mapping[str, str]) -> int:
    offset = _number(asked, "offset", 0)
    if offset > FARTHEST:
        sentence = _("offset is at most %(most)d: narrow the search.") % {"most": FARTHEST}
        raise Invalid(sentence, code="bad_number", fields={"offset": sentence})
    return offset


def _warnings(asked: Mapping[str, str], unknown: Sequence[str]) -> tuple[str, ...]:
    said = []
    if asked.get("fuzzymatching", "false").lower() == "true":
        said.append("The fuzzymatching parameter is not supported. Only literal matching has been performed.")
    if unknown:
        said.append(f"No attribute of the standard, and not included: {', '.join(unknown)[:100]}.")
    return tuple(said)
