"""Files that are sent again: an answer was lost, a tab was closed. The same file of one upload is taken in once.

A sender gives each file a key of its own choice. Only a keyed hash of it is kept, for it may hold names. Files without
a key are never compared here: the judge finds equal pixels.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _

from bonefrac.accounts import pseudonyms
from bonefrac.errors import Invalid
from studies.models import IncomingFile

if TYPE_CHECKING:
    from bonefrac.accounts.models import Site, User
    from studies.intake.receiving import Handed

#: What is kept with one file alone; the rest of its details was entered for the whole upload.
_OF_ONE_FILE: Final = (
    "key", "folder", "archive", "arrival", "lettering", "preview", "size", "is_text_cleared", "masks",
)  # fmt: skip


def hashed(site: Site, key: str) -> str:
    """Return what is kept of a sender's key, empty for an empty one."""
    return pseudonyms.uid(site, f"file key:{key}") if key else ""


def found(batch: uuid.UUID, keys: Iterable[str]) -> dict[str, list[IncomingFile]]:
    """Return the files of an upload under their hashed keys; a key may have been given twice."""
    wanted = {key for key in keys if key}
    rows = IncomingFile.objects.filter(batch=batch, details__key__in=wanted) if wanted else ()
    by_key: dict[str, list[IncomingFile]] = {}
    for row in rows:
        by_key.setdefault(row.details["key"], []).append(row)
    return by_key


def same_as(rows: Iterable[IncomingFile], *, sha256: str, code: str) -> IncomingFile | None:
    """Return the row of the very same bytes, or of the same refusal where none were kept."""
    same = (row for row in rows if row.sha256 == sha256 and (sha256 or row.code == code))
    return next(same, None)


def details_of(actor: User, site: Site, batch: uuid.UUID) -> dict[str, Any]:
    """Return what was entered for an upload that goes on.

    Raises:
        Invalid: The actor has handed in nothing of it yet.
    """
    mine = IncomingFile.objects.filter(batch=batch, sender=actor, site=site, details__archive__isnull=True)
    first = mine.order_by("position").first()
    if first is None:
        sentence = _("Nothing of this upload is in, so that it cannot go on. Start a new one. Nothing was uploaded.")
        raise Invalid(sentence, code="nothing_to_go_on_with")
    return {name: value for name, value in first.details.items() if name not in _OF_ONE_FILE}


def new_sizes(site: Site, batch: uuid.UUID, files: Sequence[Handed]) -> list[int]:
    """Return the lengths of those files under whose keys the upload holds none yet."""
    keys = [hashed(site, file.key) for file in files]
    known = found(batch, keys)
    return [file.size or 0 for file, key in zip(files, keys, strict=True) if key not in known]
