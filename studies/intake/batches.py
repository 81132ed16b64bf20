"""One upload as its sender finds it again: who, when, where, what became of each file, and the files themselves."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from django.db import transaction
from django.db.models import Count, Min
from django.utils.translation import gettext as _

from bonefrac.accounts.models import Role, Site
from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.errors import Forbidden, Invalid, NotFound
from bonefrac.stores import INCOMING, ORIGINALS
from studies import access
from studies.intake import listing, names
from studies.intake.listing import FileRow
from studies.intake.safekeeping import WAITING
from studies.models import IncomingFile, StudyImage
from studies.states import FileStatus

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

PAGE_SIZE: Final = 100
TROUBLE: Final = (FileStatus.REFUSED, FileStatus.HELD)


@dataclass(frozen=True, slots=True)
class BatchPage:
    """A page of an upload's files in the order in which they came, and what is true of all of them.

    ``following`` is the position after which the next page starts, empty at the end.
    """

    batch: uuid.UUID
    site: Site
    begun_at: datetime
    counts: list[tuple[str, int]]
    total: int
    is_open: bool
    rows: list[FileRow]
    following: str


def page_of(user: User, batch: uuid.UUID, *, after: str = "", only_trouble: bool = False) -> BatchPage:
    """Return a page of the files of an upload that the person handed in.

    Raises:
        NotFound: The person handed in no such upload.
        Invalid: ``after`` is no position.
    """
    if after and not (after.isascii() and after.isdigit()):
        raise Invalid(_("This page's address is damaged: open the list anew."), code="bad_cursor")
    files = listing.handed_in_by(user).filter(batch=batch)
    counted: dict[str, int] = dict(files.order_by().values_list("status").annotate(Count("id")))
    if not counted:
        raise NotFound
    wanted = files.filter(status__in=TROUBLE) if only_trouble else files
    found = list(wanted.filter(position__gt=int(after or -1)).order_by("position", "id")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    return BatchPage(
        batch=batch,
        site=files.order_by("position")[0].site,
        begun_at=files.aggregate(begun=Min("received_at"))["begun"],
        counts=[(str(FileStatus(status).label), counted[status]) for status in FileStatus if counted.get(status)],
        total=sum(counted.values()),
        is_open=bool({FileStatus.RECEIVED, FileStatus.JUDGING} & set(counted)),
        rows=listing.rows_of(user, shown),
        following=str(shown[-1].position) if len(found) > PAGE_SIZE else "",
    )


def open_original(user: User, file_id: uuid.UUID) -> tuple[str, BinaryIO]:
    """Open the bytes of a file exactly as they were handed in; the look is recorded.

    Returns:
        The sender's own name of the file, for the sender alone, and the bytes.

    Raises:
        NotFound: The person may not see the file, or its bytes are no longer kept.
        Forbidden: The person is neither its sender nor a lead of its site.
    """
    file = access.incoming_file(user, file_id)
    is_own = file.sender_id == user.pk
    if not is_own and Role.LEAD not in access.standing(user, file.site).roles:
        raise Forbidden(_("Originals are open to whoever sent them and to leads of the site."))
    handle = _bytes_of(file)
    with transaction.atomic():
        about: dict[str, Any] = {"study": str(file.study_id or "")}
        record(user, Verb.ORIGINAL_VIEWED, target_type="incoming_file", target_id=file.pk, site=file.site, data=about)
    return (names.opened(file.name) if is_own else "") or f"{file.pk}", handle


def _bytes_of(file: IncomingFile) -> BinaryIO:
    try:
        if file.status in WAITING:
            return INCOMING.open(file.sha256)
        if file.sha256 and StudyImage.everything.filter(original=file.sha256, study__site=file.site_id).exists():
            return ORIGINALS.open(file.sha256)
    except FileNotFoundError:
        pass
    raise NotFound(_("The bytes of this file are no longer kept."))
