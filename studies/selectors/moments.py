"""Everything that ever happened to a study, each as one moment: who did what, when, and what it was before.

It knows the sources and what one person may learn from each; the order and the pages are ``timeline``'s.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.db.models import Prefetch, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bonefrac.accounts.models import Role
from bonefrac.audit.events import history_of
from bonefrac.audit.models import AuditEvent, Verb
from inference.models import Prediction
from inference.states import PredictionState, Task
from studies import notices
from studies.consensus import Reading, counting, difference_among, status_of
from studies.models import (
    Communication,
    CriticalFinding,
    Dataset,
    Decision,
    Discrepancy,
    IncomingFile,
    Problem,
    Review,
    Study,
    StudyImage,
)
from studies.policies import Standing
from studies.selectors.readings import as_reading, findings_with_size, reads_blind_first
from studies.states import FileStatus, NoticeKind, ReviewKind, StudyEvent, StudyStatus
from studies.wording import Change, Fact, Names, changes_between, facts_of, verdict_in_words

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

_DECIDED: Final = {
    StudyEvent.REOPEN: gettext_lazy("reopened"),
    StudyEvent.VOID: gettext_lazy("voided"),
    StudyEvent.MOVE_IMAGE: gettext_lazy("images moved to another study"),
    StudyEvent.SPLIT: gettext_lazy("split: images moved to a study of their own"),
    StudyEvent.MERGE: gettext_lazy("merged into another study"),
}
#: What people did that says who reads a study, and so is told only to those who may know what they read.
_OF_READING: Final = {
    Verb.STUDY_CLAIMED: gettext_lazy("claimed"),
    Verb.STUDY_HANDED_BACK: gettext_lazy("handed back"),
    Verb.CLAIM_LAPSED: gettext_lazy("claim ran out"),
    Verb.STUDY_SKIPPED: gettext_lazy("passed over"),
}
_PLAIN: Final = {
    Verb.STUDY_RESTORED: gettext_lazy("restored"),
    Verb.SITE_CHANGED: gettext_lazy("the site works otherwise now: the readings there are decide"),
    Verb.IDENTITY_VIEWED: gettext_lazy("looked at who the patient is"),
    Verb.CRITICAL_ESCALATED: gettext_lazy("critical finding overdue: leads were told"),
}
#: Notices whose being sent says what was read.
_ABOUT_READINGS: Final = frozenset(
    {NoticeKind.DISPUTED, NoticeKind.VERDICT_SIGNED, NoticeKind.VERDICT_CHANGED, NoticeKind.CRITICAL,
     NoticeKind.CRITICAL_OVERDUE, NoticeKind.TRIAGE}
)  # fmt: skip
_AI_WORDS: Final = {
    PredictionState.POSITIVE: gettext_lazy("fracture suspected"),
    PredictionState.DOUBT: gettext_lazy("unsure"),
    PredictionState.NEGATIVE: gettext_lazy("nothing suspected"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened: ``who`` is person, machine or system; ``key`` breaks ties of one moment."""

    at: datetime
    key: uuid.UUID
    who: str
    text: str
    detail: str = ""
    by: str = ""
    is_superseded: bool = False
    facts: tuple[Fact, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """What one person may learn of one study.

    ``knows_readings`` is whether they may know what others signed, ``settles`` whether they are to settle a dispute
    without knowing who said what, ``knows_ai`` whether AI output is open to them.
    """

    user: User
    study: Study
    standing: Standing
    names: Names
    knows_readings: bool
    settles: bool
    knows_ai: bool

    @property
    def knows_readers(self) -> bool:
        """Whether the person may know who reads and read the study."""
        return self.knows_readings and not self.settles

    @property
    def oversees_datasets(self) -> bool:
        """Whether the person may know which datasets there are."""
        return bool(self.standing.roles & {Role.ADMIN, Role.AUDITOR})


def all_rows(sight: Sight) -> Iterator[Moment]:
    """Yield what happened as the rows of a study tell it, in no order; there are few of them."""
    study = sight.study
    yield Moment(study.received_at, study.pk, "system", _("received"))
    yield from _files(sight)
    yield from _images(sight)
    if sight.knows_ai:
        yield from _predictions(sight)
    yield from _reviews(sight)
    yield from _decided(study)
    yield from _problems(study)
    yield from _questions(study)
    yield from _notices(sight)
    if sight.knows_readings:
        yield from _critical(sight)
    yield from _datasets(sight)


def events_of(sight: Sight, *, after: tuple[datetime, uuid.UUID] | None, size: int) -> list[AuditEvent]:
    """Return so many audit events that tell more than the rows, oldest first, after a moment."""
    verbs = set(_PLAIN) if sight.knows_readings else set(_PLAIN) - {Verb.CRITICAL_ESCALATED, Verb.SITE_CHANGED}
    of_readers = {*_OF_READING} | ({Verb.AI_DISCLOSED} if sight.knows_ai else set())
    about_readers = Q(verb__in=of_readers) if sight.knows_readers else Q(verb__in=of_readers, actor=sight.user)
    events = history_of("study", sight.study.pk).filter(Q(verb__in=verbs) | about_readers)
    if after:
        at, key = after
        events = events.filter(occurred_at__gte=at).exclude(occurred_at=at, pk__lte=key)
    return list(events[:size])


def of_event(event: AuditEvent) -> Moment:
    """Return the moment that an audit event tells."""
    verb = Verb(event.verb)
    if verb == Verb.AI_DISCLOSED:
        number = len(event.data.get("predictions", []))
        words = ngettext("was shown %(number)d prediction", "was shown %(number)d predictions", number)
        return _event(event, words % {"number": number})
    return _event(event, str({**_OF_READING, **_PLAIN}[verb]))


def _event(event: AuditEvent, text: str) -> Moment:
    by = str(event.actor) if event.actor else ""
    return Moment(event.occurred_at, event.pk, "person" if by else "system", text, by=by)


def _files(sight: Sight) -> Iterator[Moment]:
    for file in IncomingFile.objects.filter(study=sight.study).select_related("sender"):
        yield Moment(file.received_at, file.pk, "person", _("file sent: %(kind)s") % {"kind": file.kind},
                     by=str(file.sender))  # fmt: skip
        if file.judged_at and file.status != FileStatus.ACCEPTED:
            yield Moment(file.judged_at, file.pk, "system", str(FileStatus(file.status).label), file.sentence)
    keys = IncomingFile.objects.filter(study=sight.study).values_list("pk", flat=True)
    seen = AuditEvent.objects.filter(target_type="incoming_file", target_id__in=[str(key) for key in keys])
    words = {Verb.ORIGINAL_VIEWED: _("took the original file"), Verb.FILE_RELEASED: _("held file let in"),
             Verb.TEXT_CLEARED: _("text in the picture looked at and cleared"),
             Verb.REGION_MASKED: _("text in the picture masked")}  # fmt: skip
    for event in seen.filter(verb__in=words).select_related("actor"):
        yield _event(event, words[Verb(event.verb)])


def _images(sight: Sight) -> Iterator[Moment]:
    for image in StudyImage.everything.filter(study=sight.study):
        came = _("image moved here: %(name)s") if image.moved_from_id else _("image added: %(name)s")
        name = {"name": sight.names.get(image.pk) or image.view or _("image")}
        yield Moment(image.added_at, image.pk, "system", came % name)
        if image.withdrawn_at:
            yield Moment(image.withdrawn_at, image.pk, "system", _("image moved away: %(name)s") % name)


def _predictions(sight: Sight) -> Iterator[Moment]:
    """Yield what every version that ever served said of each image; a shadow's word is shown to nobody."""
    images = {image.radiograph_id: image.pk for image in sight.study.images.all()}
    rows = Prediction.objects.filter(radiograph__in=images, model_version__activated_at__isnull=False)
    for row in rows.select_related("model_version"):
        name = sight.names[images[row.radiograph_id]]
        words = _AI_WORDS.get(PredictionState(row.state))
        said = str(words) if words else (row.label or _("not assessed: %(reason)s") % {"reason": row.reason})
        of_task = "" if row.model_version.task == Task.FRACTURE else f"{Task(row.model_version.task).label}: "
        score = "" if row.probability is None else _("score %(score).2f") % {"score": row.probability}
        text = f"{name}: {of_task}{said}"
        yield Moment(row.created_at, row.pk, "machine", text, score, str(row.model_version))


def _reviews(sight: Sight) -> Iterator[Moment]:
    with_marks = Prefetch("image_readings__findings", findings_with_size())
    rows = Review.objects.filter(study=sight.study).select_related("reader", "superseded_by")
    reviews = list(rows.prefetch_related(with_marks, "unlocated_findings").order_by("signed_at", "id"))
    by_key = {review.pk: review for review in reviews}
    for review in reviews:
        is_hidden = sight.settles and review.round == sight.study.round
        if review.reader_id == sight.user.pk or (sight.knows_readings and not is_hidden):
            yield _signed(sight, review, by_key)
    if sight.knows_readers:
        yield from _disputes(sight.study, reviews)


def _signed(sight: Sight, review: Review, others: Mapping[uuid.UUID, Review]) -> Moment:
    before = others.get(review.supersedes_id) if review.supersedes_id else None
    is_amendment = before is not None and not before.is_withdrawal and not review.is_withdrawal
    facts = (str(review.get_mode_display()), _("round %(round)d") % {"round": review.round}, review.reason)
    return Moment(
        review.signed_at,
        review.pk,
        "person",
        _what(review, is_amendment=is_amendment),
        " · ".join(fact for fact in facts if fact),
        str(review.reader),
        is_superseded=hasattr(review, "superseded_by"),
        facts=() if is_amendment or review.is_withdrawal else facts_of(review, sight.names)[1:],
        changes=changes_between(before, review, sight.names) if before and is_amendment else (),
    )


def _what(review: Review, *, is_amendment: bool) -> str:
    if review.is_withdrawal:
        return _("taken back: %(verdict)s") % {"verdict": verdict_in_words(review)}
    done = _("adjudicated") if review.kind == ReviewKind.ADJUDICATION else _("signed")
    return f"{_('amended') if is_amendment else done}: {verdict_in_words(review)}"


def _disputes(study: Study, reviews: Sequence[Review]) -> Iterator[Moment]:
    """Yield when readings came to differ, and in what, by signing them once more in their order."""
    current: dict[int, dict[uuid.UUID, Reading]] = defaultdict(dict)
    blind_first, was = reads_blind_first(study), StudyStatus.AWAITING
    for review in reviews:
        standing = current[review.round]
        if review.supersedes_id:
            standing.pop(review.supersedes_id, None)
        if not review.is_withdrawal:
            standing[review.pk] = as_reading(review)
        readings = list(standing.values())
        now = status_of(readings, required=study.readings_required, blind_first=blind_first)
        difference = difference_among(counting(readings, blind_first=blind_first))
        if now == StudyStatus.DISPUTED and was != now and difference:
            text = _("disputed: readings differ %(how)s") % {"how": difference.label}
            just_after = uuid.UUID(int=review.pk.int + 1)
            yield Moment(review.signed_at, just_after, "system", text)
        was = now


def _decided(study: Study) -> Iterator[Moment]:
    for decision in Decision.objects.filter(study=study).select_related("lead"):
        text = str(_DECIDED[StudyEvent(decision.event)])
        yield Moment(decision.at, decision.pk, "person", text, decision.reason, str(decision.lead))


def _problems(study: Study) -> Iterator[Moment]:
    for row in Problem.objects.filter(study=study).select_related("reporter", "settled_by"):
        yield Moment(row.reported_at, row.pk, "person", _("problem reported"), row.sentence, str(row.reporter))
        if row.settled_at:
            yield Moment(row.settled_at, row.pk, "person", _("problem settled"), row.settlement, str(row.settled_by))


def _questions(study: Study) -> Iterator[Moment]:
    for row in Discrepancy.objects.filter(study=study).select_related("answered_by"):
        said = {"fact": row.get_fact_display(), "header": row.header_value, "entered": row.entered_value}
        text = _("%(fact)s differs: the header says %(header)s, %(entered)s was entered") % said
        yield Moment(row.found_at, row.pk, "system", text)
        if row.answered_at:
            answer = _("%(fact)s settled: %(chosen)s") % {"fact": said["fact"], "chosen": row.chosen}
            yield Moment(row.answered_at, row.pk, "person", answer, by=str(row.answered_by))


def _notices(sight: Sight) -> Iterator[Moment]:
    sent = notices.shown().filter(study=sight.study)
    if not sight.knows_readers:
        sent = sent.exclude(kind__in=_ABOUT_READINGS)
    if not sight.knows_ai:
        sent = sent.exclude(kind=NoticeKind.TRIAGE)
    grouped: dict[tuple[datetime, str], list[uuid.UUID]] = defaultdict(list)
    for at, sentence, key in sent.order_by("due_at", "id").values_list("due_at", "sentence", "pk"):
        grouped[(at, sentence)].append(key)
    for (at, sentence), keys in grouped.items():
        told = ngettext("%(number)d person told", "%(number)d people told", len(keys)) % {"number": len(keys)}
        yield Moment(at, keys[0], "system", told, sentence)


def _critical(sight: Sight) -> Iterator[Moment]:
    told = Prefetch("communications", Communication.objects.select_related("by"))
    rows = CriticalFinding.objects.filter(study=sight.study).select_related("raised_by", "acknowledged_through")
    for row in rows.prefetch_related(told):
        by = "" if sight.settles else str(row.raised_by)
        if not sight.settles:
            yield Moment(row.raised_at, row.pk, "person", _("critical finding raised"), by=by)
        for one in row.communications.all():
            how = {"whom": one.whom, "channel": one.get_channel_display()}
            text = _("told %(whom)s of the critical finding %(channel)s") % how
            yield Moment(one.told_at, one.pk, "person", text, one.note, "" if sight.settles else str(one.by))
        if row.acknowledged_at:
            text = _("critical finding acknowledged by %(whom)s") % {"whom": row.acknowledged_by}
            yield Moment(row.acknowledged_at, row.pk, "person", text, by=str(row.acknowledged_through))
        if row.withdrawn_at and not sight.settles:
            yield Moment(row.withdrawn_at, row.pk, "system", _("critical finding withdrawn"))


def _datasets(sight: Sight) -> Iterator[Moment]:
    found = Dataset.objects.filter(items__study_image__study=sight.study).select_related("frozen_by").distinct()
    for dataset in found:
        name = dataset.name if sight.oversees_datasets else ""
        text = _("frozen into dataset %(name)s") % {"name": name} if name else _("frozen into a dataset")
        yield Moment(dataset.frozen_at, dataset.pk, "person", text, by=str(dataset.frozen_by))
        if sight.oversees_datasets:
            for event in history_of("dataset", dataset.pk).filter(verb=Verb.DATASET_EXPORTED):
                yield _event(event, _("downloaded in dataset %(name)s") % {"name": name})
