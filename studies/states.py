"""The states of people's work: incoming files and studies, and the words in which everyone speaks of them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models
from django.utils.translation import gettext_lazy as _

from bonefrac.transitions import TransitionTable


class FileStatus(models.TextChoices):
    """Where an incoming file stands."""

    RECEIVED = "RECEIVED", _("received")
    JUDGING = "JUDGING", _("being checked")
    HELD = "HELD", _("held")
    ACCEPTED = "ACCEPTED", _("accepted")
    REFUSED = "REFUSED", _("not accepted")
    DUPLICATE = "DUPLICATE", _("already here")


class FileEvent(models.TextChoices):
    """What may happen to an incoming file."""

    START = "start"
    ACCEPT = "accept"
    REFUSE = "refuse"
    LINK = "link"
    HOLD = "hold"
    LAPSE = "lapse"
    LOOK = "look"


FILE_TRANSITIONS: TransitionTable[FileStatus, FileEvent] = TransitionTable(
    "incoming file",
    {
        (FileStatus.RECEIVED, FileEvent.START): (FileStatus.JUDGING,),
        (FileStatus.JUDGING, FileEvent.ACCEPT): (FileStatus.ACCEPTED,),
        (FileStatus.JUDGING, FileEvent.REFUSE): (FileStatus.REFUSED,),
        (FileStatus.JUDGING, FileEvent.LINK): (FileStatus.DUPLICATE,),
        (FileStatus.JUDGING, FileEvent.HOLD): (FileStatus.HELD,),
        (FileStatus.JUDGING, FileEvent.LAPSE): (FileStatus.RECEIVED, FileStatus.REFUSED),
        (FileStatus.HELD, FileEvent.ACCEPT): (FileStatus.ACCEPTED,),
        (FileStatus.HELD, FileEvent.LINK): (FileStatus.DUPLICATE,),
        (FileStatus.HELD, FileEvent.LOOK): (FileStatus.RECEIVED,),
        (FileStatus.HELD, FileEvent.REFUSE): (FileStatus.REFUSED,),
    },
)


class StudyStatus(models.TextChoices):
    """Where people stand with a study. A claim is a lease, not a state."""

    AWAITING = "AWAITING", _("awaiting reading")
    DISPUTED = "DISPUTED", _("disputed")
    REVIEWED = "REVIEWED", _("reviewed")
    VOID = "VOID", _("void")


class StudyEvent(models.TextChoices):
    """What may happen to a study."""

    SIGN = "sign", _("Sign")
    ADJUDICATE = "adjudicate", _("Adjudicate")
    AMEND = "amend", _("Amend")
    UNDO = "undo", _("Undo")
    REOPEN = "reopen", _("Reopen")
    ADD_IMAGE = "add_image", _("Add image")
    MOVE_IMAGE = "move_image", _("Move images away")
    SPLIT = "split", _("Split")
    MERGE = "merge", _("Merge into another study")
    REPORT_PROBLEM = "report_problem", _("Report a problem")
    VOID = "void", _("Void")
    RESTORE = "restore", _("Restore")


_ANY_SETTLED = (StudyStatus.AWAITING, StudyStatus.REVIEWED, StudyStatus.DISPUTED)
#: A study that loses images is read again; one that loses all of them is void.
_REARRANGED: dict[tuple[StudyStatus, StudyEvent], tuple[StudyStatus, ...]] = {
    (state, event): targets
    for state in _ANY_SETTLED
    for event, targets in (
        (StudyEvent.MOVE_IMAGE, (StudyStatus.AWAITING, StudyStatus.VOID)),
        (StudyEvent.SPLIT, (StudyStatus.AWAITING,)),
        (StudyEvent.MERGE, (StudyStatus.VOID,)),
    )
}

STUDY_TRANSITIONS: TransitionTable[StudyStatus, StudyEvent] = TransitionTable(
    "study",
    {
        (StudyStatus.AWAITING, StudyEvent.SIGN): _ANY_SETTLED,
        (StudyStatus.AWAITING, StudyEvent.AMEND): _ANY_SETTLED,
        (StudyStatus.AWAITING, StudyEvent.UNDO): _ANY_SETTLED,
        (StudyStatus.AWAITING, StudyEvent.ADD_IMAGE): (StudyStatus.AWAITING,),
        (StudyStatus.AWAITING, StudyEvent.REPORT_PROBLEM): (StudyStatus.AWAITING,),
        (StudyStatus.AWAITING, StudyEvent.VOID): (StudyStatus.VOID,),
        (StudyStatus.DISPUTED, StudyEvent.ADJUDICATE): (StudyStatus.REVIEWED,),
        (StudyStatus.DISPUTED, StudyEvent.AMEND): _ANY_SETTLED,
        (StudyStatus.DISPUTED, StudyEvent.UNDO): _ANY_SETTLED,
        (StudyStatus.DISPUTED, StudyEvent.ADD_IMAGE): (StudyStatus.AWAITING,),
        (StudyStatus.DISPUTED, StudyEvent.REPORT_PROBLEM): (StudyStatus.DISPUTED,),
        (StudyStatus.DISPUTED, StudyEvent.VOID): (StudyStatus.VOID,),
        (StudyStatus.REVIEWED, StudyEvent.AMEND): _ANY_SETTLED,
        (StudyStatus.REVIEWED, StudyEvent.UNDO): _ANY_SETTLED,
        (StudyStatus.REVIEWED, StudyEvent.REOPEN): (StudyStatus.AWAITING,),
        (StudyStatus.REVIEWED, StudyEvent.ADD_IMAGE): (StudyStatus.AWAITING,),
        (StudyStatus.REVIEWED, StudyEvent.REPORT_PROBLEM): (StudyStatus.REVIEWED,),
        (StudyStatus.REVIEWED, StudyEvent.VOID): (StudyStatus.VOID,),
        (StudyStatus.VOID, StudyEvent.RESTORE): _ANY_SETTLED,
        (StudyStatus.VOID, StudyEvent.MOVE_IMAGE): (StudyStatus.VOID,),
    }
    | _REARRANGED,
)


class NoticeKind(models.TextChoices):
    """Why somebody is told something about a study."""

    IMAGE_ADDED = "image_added", _("image added")
    IMAGE_MOVED = "image_moved", _("image moved")
    SPLIT = "split", _("split")
    MERGED = "merged", _("merged")
    VOIDED = "voided", _("voided")
    RESTORED = "restored", _("restored")
    REOPENED = "reopened", _("reopened")
    CONTRADICTED = "contradicted", _("header and entry differ")
    VERDICT_SIGNED = "verdict_signed", _("verdict signed")
    VERDICT_CHANGED = "verdict_changed", _("verdict changed")
    DISPUTED = "disputed", _("readings differ")
    CRITICAL = "critical", _("critical finding")
    CRITICAL_OVERDUE = "critical_overdue", _("critical, overdue")
    TRIAGE = "triage", _("triage")


class Fact(models.TextChoices):
    """What a header and a person may both say of a study."""

    SIDE = "side", _("side")
    BODY_PART = "body_part", _("body part")
    SEX = "sex", _("sex")


class BodyPart(models.TextChoices):
    """The coarse part of the skeleton, as the shipped models know it, and what they do not know."""

    HAND = "hand", _("hand, wrist, forearm")
    ELBOW = "elbow", _("elbow, upper arm")
    SHOULDER = "shoulder", _("shoulder")
    HIP = "hip", _("hip, pelvis")
    LEG = "leg", _("leg, knee, ankle, foot")
    CHEST = "chest", _("chest, ribs")
    SPINE = "spine", _("spine")
    SKULL = "skull", _("skull, face")
    OTHER = "other", _("other")
    UNKNOWN = "unknown", _("unknown")


class Side(models.TextChoices):
    """Laterality, as in DICOM (0020,0060), and unknown."""

    LEFT = "left", _("left")
    RIGHT = "right", _("right")
    BOTH = "both", _("both sides")
    UNPAIRED = "unpaired", _("unpaired")
    UNKNOWN = "unknown", _("unknown")


class Sex(models.TextChoices):
    """Patient's sex, as in DICOM (0010,0040), and unknown."""

    FEMALE = "F", _("female")
    MALE = "M", _("male")
    OTHER = "O", _("other")
    UNKNOWN = "unknown", _("unknown")


class AIState(models.TextChoices):
    """What the AI says of a whole study; the words of every face, never 'no fracture'."""

    POSITIVE = "positive", _("fracture suspected")
    UNKNOWN = "unknown", _("not assessed")
    DOUBT = "doubt", _("unsure")
    NEGATIVE = "negative", _("nothing suspected")


def state_of(states: Iterable[str]) -> AIState:
    """Return a study's AI state from its images': positive if any is; else unknown, doubt; negative only if all are."""
    present = set(states)
    if "positive" in present:
        return AIState.POSITIVE
    if not present or present - {"positive", "doubt", "negative"}:
        return AIState.UNKNOWN
    return AIState.DOUBT if "doubt" in present else AIState.NEGATIVE


class AgeBand(models.TextChoices):
    """How old a patient is, as coarse as a filter needs it."""

    CHILD = "child", _("under 16 years")
    ADULT = "adult", _("16 to 64 years")
    OLDER = "older", _("65 years and more")
    UNKNOWN = "unknown", _("age unknown")


class Rank(models.IntegerChoices):
    """The order of the worklist under the wait ceiling."""

    URGENT = 0, _("urgent")
    POSITIVE = 1, _("fracture suspected")
    UNCERTAIN = 2, _("unsure or not assessed")
    NEGATIVE = 3, _("nothing suspected")


class Verdict(models.TextChoices):
    """What a reader decides about a study."""

    FRACTURE = "fracture", _("fracture (acute)")
    NO_FRACTURE = "no_fracture", _("no acute fracture")
    NOT_ASSESSABLE = "not_assessable", _("not assessable")


class NotAssessableReason(models.TextChoices):
    """Why a study cannot be assessed."""

    QUALITY = "quality", _("image quality")
    NOT_BONE = "not_bone", _("not a bone radiograph")
    WRONG_PART = "wrong_part", _("wrong patient or part")
    INCOMPLETE = "incomplete", _("incomplete")


class Confidence(models.TextChoices):
    """How sure a reader is."""

    DEFINITE = "definite", _("definite")
    PROBABLE = "probable", _("probable")
    POSSIBLE = "possible", _("possible")


class ImageVerdict(models.TextChoices):
    """What a reader says of one image; an image that nobody marked has no row."""

    FRACTURE_VISIBLE = "fracture_visible", _("fracture visible")
    NO_FRACTURE = "no_fracture", _("none")
    NOT_VISIBLE_HERE = "not_visible_here", _("not visible here")
    NOT_ASSESSABLE = "not_assessable", _("not assessable")


class ReviewKind(models.TextChoices):
    """Whether a review is a reader's own or settles a dispute."""

    READING = "reading", _("reading")
    ADJUDICATION = "adjudication", _("adjudication")


class ReviewMode(models.TextChoices):
    """Whether the reader had seen AI output of the study when signing."""

    BLIND = "blind", _("before any AI output")
    ASSISTED = "assisted", _("after AI output")


class ImageLabel(models.TextChoices):
    """What an exported image is labelled as."""

    FRACTURE = "fracture", _("fracture")
    NO_FRACTURE = "no_fracture", _("no fracture")
    UNLOCATED = "unlocated", _("fracture somewhere in the study, not located on this image")
    NOT_VISIBLE_HERE = "not_visible_here", _("fracture not visible on this image")
    NOT_ASSESSABLE = "not_assessable", _("not assessable")


class ReviewState(models.TextChoices):
    """How an exported image came to its label."""

    REVIEWED_POSITIVE = "reviewed_positive", _("reviewed, fracture")
    REVIEWED_NEGATIVE = "reviewed_negative", _("reviewed, no fracture")
    REVIEWED_NOT_ASSESSABLE = "reviewed_not_assessable", _("reviewed, not assessable")


class Phase(models.TextChoices):
    """When the deciding judgement was made, in relation to the AI."""

    BLIND = "blind", _("blind")
    ASSISTED_CONFIRMED = "assisted_confirmed", _("with the AI, agreeing with it")
    ASSISTED_CHANGED = "assisted_changed", _("with the AI, differing from it or from the blind reading")
    ADJUDICATED = "adjudicated", _("adjudicated")


class Agreement(models.TextChoices):
    """How the label compares with what the AI had said."""

    AGREED = "agreed", _("agreed")
    CORRECTED = "corrected", _("corrected")
    NO_AI = "no_ai", _("no AI state to compare")


class Split(models.TextChoices):
    """The side on which a group of images lies for ever."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"
