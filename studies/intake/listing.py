"""What became of files, as their sender sees it: name, verdict, study, and the signed verdict of that study."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts.models import IdentityPolicy, Role, Site
from bonefrac.accounts.roles import Person, sites_with
from bonefrac.errors import Invalid, NotFound
from bonefrac.paging import PAGE_SIZE, Page, make_cursor, newest_first, read_cursor
from studies import access
from studies.intake import judging, lettering, names, sentences
from studies.intake.safekeeping import WAITING
from studies.models import IncomingFile, Study
from studies.policies import READERS
from studies.selectors.decided import status_for_uploader, verdicts_for_uploader
from studies.states import FileStatus

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

_AT_ONCE, _COUNTED = 500, 99
_URGENT, _OTHER = "u", "o"
_BRANCHES = (_URGENT, _OTHER)


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file as its sender sees it; a study of somebody else to which it was linked is not shown."""

    file: IncomingFile
    name: str
    study: Study | None
    study_status: str
    verdict: str

    @property
    def is_open(self) -> bool:
        """Whether the file still waits for its verdict."""
        return self.file.judged_at is None

    @property
    def is_kept(self) -> bool:
        """Whether the bytes that were handed in can still be downloaded."""
        image = self.file.study_image
        return self.file.status in WAITING or (image is not None and image.original == self.file.sha256)

    @property
    def word(self) -> str:
        """The file's status in words."""
        return str(FileStatus(self.file.status).label)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON of the upload page and the API."""
        return {
            "id": str(self.file.pk),
            "batch": str(self.file.batch),
            "name": self.name,
            "status": self.file.status,
            "word": self.word,
            "code": self.file.code,
            "sentence": self.file.sentence,
            "study": str(self.study.pk) if self.study else None,
            "study_status": self.study_status,
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A held file as a lead sees it: why it waits, and whether longer than its site lets anybody wait."""

    file: IncomingFile
    why: str
    is_overdue: bool
    owner: User | None = None


@dataclass(frozen=True, slots=True)
class HeldPage:
    """Held files in the order in which they want a decision, and the cursor of the next page, empty at the end."""

    rows: list[HeldRow]
    next_cursor: str


def sites_to_upload(user: User) -> QuerySet[Site]:
    """Return the sites for which a person uploads."""
    return sites_with(user, Role.UPLOADER)


def rows_of(user: User, files: Iterable[IncomingFile]) -> list[FileRow]:
    """Return files of a person with what became of them."""
    found = list(files)
    shown = _own_studies(user, found)
    verdicts = verdicts_for_uploader(shown.values())
    return [_row(file, shown.get(file.study_id), verdicts) for file in found]


def files_page(user: User, *, cursor: str = "", size: int = PAGE_SIZE) -> tuple[list[FileRow], str]:
    """Return a page of the files that a person handed in, newest first, and the cursor of the next."""
    page: Page[IncomingFile] = newest_first(handed_in_by(user), time="received_at", cursor=cursor, size=size)
    return rows_of(user, page.rows), page.next_cursor


def files_by_id(user: User, ids: Sequence[uuid.UUID]) -> list[FileRow]:
    """Return those of the named files that the person handed in."""
    return rows_of(user, handed_in_by(user).filter(pk__in=ids[:_AT_ONCE]).order_by("received_at", "position"))


def one_file(user: User, file_id: uuid.UUID) -> FileRow:
    """Return a file that the person handed in; raise ``NotFound`` for any other."""
    rows = files_by_id(user, [file_id])
    if not rows:
        raise NotFound
    return rows[0]


def held_page(user: User, *, cursor: str = "", size: int = PAGE_SIZE) -> HeldPage:
    """Return a page of held files of the sites where the person is lead: urgent ones first, then the oldest.

    Readers of a clinical site that lets them see held images find there what is held for its text.

    Raises:
        Forbidden: The person leads no site, and reads for none that shows what is held.
        Invalid: The cursor is none of ours.
    """
    if not sees_held(user):
        access.any_site(user, Role.LEAD)
    branch, after = cursor[:1] or _URGENT, cursor[1:]
    if branch not in _BRANCHES:
        raise Invalid(_("This page's address is damaged: open the list anew."), code="bad_cursor")
    found: list[tuple[str, IncomingFile]] = []
    for name in _BRANCHES[_BRANCHES.index(branch) :]:
        waiting = _held_for(user).filter(_is_of(name)).select_related("site", "sender")
        if after and name == branch:
            when, key = read_cursor(after)
            waiting = waiting.filter(Q(received_at__gte=when) & (Q(received_at__gt=when) | Q(id__gt=key)))
        found += [(name, file) for file in waiting.order_by("received_at", "id")[: size + 1 - len(found)]]
    shown, now = found[:size], timezone.now()
    last = shown[-1] if len(found) > size else None
    following = last[0] + make_cursor(last[1].received_at, last[1].pk) if last else ""
    owners = lettering.owners_of([file for _name, file in shown])
    return HeldPage([_held_row(file, now, owners.get(file.pk)) for _name, file in shown], following)


def _is_of(branch: str) -> Q:
    if branch == _URGENT:
        return Q(details__urgent=True)
    return Q(details__urgent=False) | Q(details__urgent__isnull=True)


def _held_row(file: IncomingFile, now: datetime, owner: User | None) -> HeldRow:
    ceiling = timedelta(minutes=file.site.wait_ceiling_minutes)
    return HeldRow(file, sentences.why_held(file.code), is_overdue=file.received_at < now - ceiling, owner=owner)


def held_count(user: Person) -> str:
    """Return how many files wait for a lead, at most "99+"; empty where none does."""
    found = len(_held_for(user).order_by().values_list("pk")[: _COUNTED + 1])
    return f"{_COUNTED}+" if found > _COUNTED else str(found or "")


def sees_held(user: Person) -> bool:
    """Whether the person sees held pictures as a reader of a clinical site that lets readers do so."""
    return _open_sites(user).exists()


def _open_sites(user: Person) -> QuerySet[Site]:
    return sites_with(user, *READERS).filter(identity_policy=IdentityPolicy.CLINICAL, readers_see_held=True)


def _held_for(user: Person) -> QuerySet[IncomingFile]:
    led = Q(site__in=sites_with(user, Role.LEAD))
    seen = Q(site__in=_open_sites(user), code=judging.TEXT_IN_PIXELS)
    return IncomingFile.objects.filter(led | seen, status=FileStatus.HELD)


def handed_in_by(user: User) -> QuerySet[IncomingFile]:
    """Return the files that a person handed in, for sites where the person still uploads."""
    mine = IncomingFile.objects.filter(sender=user, site__in=sites_to_upload(user))
    return mine.select_related("site", "study_image")


def _own_studies(user: User, files: Sequence[IncomingFile]) -> dict[uuid.UUID | None, Study]:
    wanted = {file.study_id for file in files if file.study_id}
    if not wanted:
        return {}
    return {study.pk: study for study in access.visible_to(user).filter(pk__in=wanted, uploader=user)}


def _row(file: IncomingFile, study: Study | None, verdicts: dict[uuid.UUID, str]) -> FileRow:
    return FileRow(
        file=file,
        name=names.opened(file.name),
        study=study,
        study_status=status_for_uploader(study, is_known=study.pk in verdicts) if study else "",
        verdict=verdicts.get(study.pk, "") if study else "",
    )
