"""Who may do what: pure predicates over a person's standing at a site and a study's facts.

Nothing here reads the database; ``access`` finds the objects, the verbs ask here before they change anything.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from bonefrac.accounts.models import IdentityPolicy, ReadingMode, Role, Site
from studies.models import Study
from studies.states import StudyEvent, StudyStatus

READERS = frozenset({Role.RADIOLOGIST, Role.LEAD})
OVERSEERS = frozenset({Role.ADMIN, Role.AUDITOR})
SITE_WIDE = READERS | OVERSEERS


@dataclass(frozen=True, slots=True)
class Standing:
    """Somebody's roles at one site."""

    person: uuid.UUID
    roles: frozenset[Role]

    @property
    def reads(self) -> bool:
        """Whether the person signs readings here."""
        return bool(self.roles & READERS)

    @property
    def leads(self) -> bool:
        """Whether the person settles disputes and problems here."""
        return Role.LEAD in self.roles

    @property
    def exports(self) -> bool:
        """Whether the person freezes and exports datasets here."""
        return Role.ADMIN in self.roles


def sees_study(standing: Standing, study: Study) -> bool:
    """Whether the person may know that the study exists: everyone site-wide, an uploader only their own."""
    if standing.roles & SITE_WIDE:
        return True
    return Role.UPLOADER in standing.roles and study.uploader_id == standing.person


def sees_reading_side(standing: Standing) -> bool:
    """Whether the person sees more of a study than its uploader does: lists, readings, history."""
    return bool(standing.roles & SITE_WIDE)


def sees_ai(standing: Standing, *, reading_mode: str, has_signed_blind: bool) -> bool:
    """Whether AI output of a study may be handed to the person now.

    Where a site reads blind first, blindness binds the person, whatever their roles: nobody who has not signed a
    blind reading of the round sees what the AI says of the study.
    """
    if not standing.roles & SITE_WIDE:
        return False
    return reading_mode == ReadingMode.ASSISTED or has_signed_blind


def uploader_sees_ai(standing: Standing, study: Study, *, is_signed: bool) -> bool:
    """Whether a study's uploader is told what the AI says: where the site allows it, blind readers first."""
    if not study.site.uploaders_see_ai or standing.person != study.uploader_id:
        return False
    return study.site.reading_mode == ReadingMode.ASSISTED or is_signed


def sees_all_reviews(standing: Standing, study: Study, *, has_read: bool) -> bool:
    """Whether the person sees what others signed: a reader of an open study only after their own reading."""
    if not sees_reading_side(standing):
        return False
    return not standing.reads or has_read or study.status != StudyStatus.AWAITING


def may_read(standing: Standing) -> bool:
    """Whether the person may claim and sign studies of the site."""
    return standing.reads


def may_adjudicate(standing: Standing, *, is_reader_of_round: bool) -> bool:
    """Whether the person may settle a dispute: a lead who is not one of its readers."""
    return standing.leads and not is_reader_of_round


def may_lead(standing: Standing) -> bool:
    """Whether the person may reopen, void, restore, rearrange and settle problems."""
    return standing.leads


def may_answer(standing: Standing, study: Study) -> bool:
    """Whether the person may say which is right where header and entry differ: a lead, or the study's uploader."""
    return standing.leads or (Role.UPLOADER in standing.roles and study.uploader_id == standing.person)


def may_acknowledge(standing: Standing, study: Study) -> bool:
    """Whether the person may note who acknowledged a critical finding: its uploader, or a reader of the site."""
    return standing.reads or (Role.UPLOADER in standing.roles and study.uploader_id == standing.person)


def may_see_differences(standing: Standing) -> bool:
    """Whether the person looks after judgements that differ: leads, and those who oversee the site."""
    return standing.leads or bool(standing.roles & OVERSEERS)


def may_see_identity(standing: Standing) -> bool:
    """Whether the person may learn who a patient is, where that is kept: those who answer for the patient."""
    return standing.reads


def may_see_held(standing: Standing, site: Site) -> bool:
    """Whether the person may look at pictures held for their text: leads, and readers where a clinical site says so."""
    return standing.leads or (may_show_held(site) and standing.reads)


def may_show_held(site: Site) -> bool:
    """Whether a site lets its readers see what is held: a clinical one that was set so."""
    return site.identity_policy == IdentityPolicy.CLINICAL and site.readers_see_held


def may_report_problem(standing: Standing) -> bool:
    """Whether the person may take a study out of the pool."""
    return standing.reads


def may_see_labels(standing: Standing, site: Site) -> bool:
    """Whether the person sees datasets of a site: whoever oversees it.

    Datasets tell how labels relate to what the AI said. Where a site reads blind first, whoever reads there as well
    does not see them: another overseer does.
    """
    is_blind = standing.reads and site.reading_mode == ReadingMode.BLIND_FIRST
    return bool(standing.roles & OVERSEERS) and not is_blind


def may_export(standing: Standing, site: Site) -> bool:
    """Whether the person may freeze and export datasets of the site."""
    return standing.exports and may_see_labels(standing, site)


def may_sign_now(standing: Standing, study: Study, *, has_read: bool) -> bool:
    """Whether the person could sign the study if they hold its claim."""
    return may_read(standing) and study.status == StudyStatus.AWAITING and not study.has_problem and not has_read


def permitted(
    event: StudyEvent, standing: Standing, *, is_reader_of_round: bool, has_read: bool, has_amendable: bool
) -> bool:
    """Whether the person may cause the event in a study whose state allows it; draws the buttons."""
    match event:
        case StudyEvent.SIGN:
            return may_read(standing) and not has_read
        case StudyEvent.AMEND:
            return has_amendable
        case StudyEvent.ADJUDICATE:
            return may_adjudicate(standing, is_reader_of_round=is_reader_of_round)
        case StudyEvent.REPORT_PROBLEM:
            return may_report_problem(standing)
        case StudyEvent.REOPEN | StudyEvent.VOID | StudyEvent.RESTORE:
            return may_lead(standing)
        case StudyEvent.MOVE_IMAGE | StudyEvent.SPLIT | StudyEvent.MERGE:
            return may_lead(standing)
        case StudyEvent.ADD_IMAGE | StudyEvent.UNDO:
            return False
