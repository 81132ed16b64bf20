"""The JSON shapes of studies: what a program reads, and what it sends; what is signed has a module of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from inference.states import Task
from studies.api.judgements import ReviewShape
from studies.models import Problem, Study, StudyImage
from studies.ranking import rank_at
from studies.selectors.ai import StudyAI
from studies.selectors.reads import ReadRow
from studies.selectors.rows import Row, UploadRow, rank_word
from studies.selectors.story import Story, UploaderStory
from studies.states import (
    BodyPart,
    Rank,
    Sex,
    Side,
    StudyEvent,
    StudyStatus,
)
from studies.wording import names_of


class ReasonShape(serializers.Serializer[Any]):
    """Why a lead does something."""

    reason = serializers.CharField(allow_blank=True)


class ProblemSentShape(serializers.Serializer[Any]):
    """What is wrong with a study."""

    sentence = serializers.CharField(allow_blank=True)


class SettlementShape(serializers.Serializer[Any]):
    """How a problem was settled."""

    settlement = serializers.CharField(allow_blank=True)


class ShareShape(serializers.Serializer[Any]):
    """One class and its calibrated probability."""

    class_name = serializers.CharField()
    word = serializers.CharField()
    probability = serializers.FloatField()


class ClassesAIShape(serializers.Serializer[Any]):
    """What a model that names classes says of one image: the bone part, or the type of a fracture."""

    task = serializers.ChoiceField(choices=Task.choices)
    state = serializers.CharField()
    sentence = serializers.CharField()
    model_version = serializers.CharField(allow_blank=True)
    class_name = serializers.CharField(allow_blank=True)
    score = serializers.FloatField(allow_null=True)
    shares = ShareShape(many=True)
    caution = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)


class ImageAIShape(serializers.Serializer[Any]):
    """What the AI says of one image."""

    image = serializers.UUIDField()
    state = serializers.CharField()
    sentence = serializers.CharField()
    model_version = serializers.CharField()
    score = serializers.FloatField(allow_null=True)
    regions = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))
    certainty = serializers.ChoiceField(choices=["definite", "suspicious", ""])
    map_name = serializers.CharField(allow_blank=True)
    map_reason = serializers.CharField(allow_blank=True)
    caution = serializers.CharField(allow_blank=True)
    classes = ClassesAIShape(many=True)


class StudyAIShape(serializers.Serializer[Any]):
    """What the AI says of a study; ``state`` is null where it is withheld from the person."""

    state = serializers.CharField(allow_null=True)
    sentence = serializers.CharField()
    model_version = serializers.CharField()
    score = serializers.FloatField(allow_null=True)
    images = ImageAIShape(many=True)


class StudyRowShape(serializers.Serializer[Any]):
    """A study in a list; an uploader is shown the first fields and ``verdict`` alone."""

    id = serializers.UUIDField()
    site = serializers.UUIDField()
    pseudonym = serializers.CharField()
    status = serializers.ChoiceField(choices=StudyStatus.choices)
    body_part = serializers.ChoiceField(choices=BodyPart.choices)
    side = serializers.ChoiceField(choices=Side.choices)
    sex = serializers.ChoiceField(choices=Sex.choices)
    age_months = serializers.IntegerField(allow_null=True)
    question = serializers.CharField()
    urgent = serializers.BooleanField()
    has_problem = serializers.BooleanField()
    received_at = serializers.DateTimeField()
    verdict = serializers.CharField(required=False)
    accession = serializers.CharField(required=False, allow_null=True)
    study_date = serializers.DateField(required=False, allow_null=True, help_text="as the de-identified headers say")
    rank = serializers.ChoiceField(choices=Rank.choices, required=False)
    rank_word = serializers.CharField(required=False)
    round = serializers.IntegerField(required=False)
    revision = serializers.IntegerField(required=False)
    readings = serializers.IntegerField(required=False)
    readings_required = serializers.IntegerField(required=False)
    claimed_by_me = serializers.BooleanField(required=False)
    claimed_until = serializers.DateTimeField(required=False, allow_null=True)
    ai = StudyAIShape(required=False)
    review = serializers.UUIDField(required=False, help_text="of the person's own readings: the review")
    signed_at = serializers.DateTimeField(required=False)


class StudyPageShape(serializers.Serializer[Any]):
    """A page of studies; ``next`` is the cursor of the next one, empty at the end."""

    next = serializers.CharField(allow_blank=True)
    results = StudyRowShape(many=True)


class ProblemShape(serializers.ModelSerializer[Problem]):
    """A reported problem."""

    class Meta:
        model = Problem
        fields = ["id", "study", "sentence", "reported_at", "settled_at", "settlement"]
        read_only_fields = fields


class ImageShape(serializers.Serializer[Any]):
    """An image of a study and where its pixels are."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    view = serializers.CharField()
    side = serializers.ChoiceField(choices=Side.choices)
    rows = serializers.IntegerField()
    columns = serializers.IntegerField()


class QuestionShape(serializers.Serializer[Any]):
    """Where header and entry differ, and nobody has said which is right."""

    id = serializers.UUIDField()
    sentence = serializers.CharField()
    choices = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))


class FactShape(serializers.Serializer[Any]):
    """One thing that a reading says, in words."""

    name = serializers.CharField()
    value = serializers.CharField()


class ChangeShape(serializers.Serializer[Any]):
    """One thing that an amendment says differently, in words."""

    name = serializers.CharField()
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)


class AmendmentShape(serializers.Serializer[Any]):
    """What changed in a signed reading since it was known."""

    at = serializers.DateTimeField()
    reason = serializers.CharField(allow_blank=True)
    changes = ChangeShape(many=True)


class KnownCriticalShape(serializers.Serializer[Any]):
    """A critical finding that the study's uploader has to acknowledge."""

    id = serializers.UUIDField()
    due_at = serializers.DateTimeField()
    acknowledged_by = serializers.CharField(allow_blank=True)
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    facts = FactShape(many=True)


class AnonymousReadingShape(serializers.Serializer[Any]):
    """A reading with a letter in the place of its reader."""

    letter = serializers.CharField()
    facts = FactShape(many=True)


class DisputeShape(serializers.Serializer[Any]):
    """In what readings differ, and what they say, in an order that tells nothing."""

    difference = serializers.CharField()
    readings = AnonymousReadingShape(many=True)


class StudyShape(StudyRowShape):
    """One study with its images, what was signed and what the person may do."""

    images = ImageShape(many=True)
    reviews = ReviewShape(many=True, required=False)
    problems = ProblemShape(many=True)
    questions = QuestionShape(many=True)
    events = serializers.ListField(child=serializers.ChoiceField(choices=StudyEvent.choices), required=False)
    dispute = DisputeShape(required=False, help_text="to a lead who may settle it: the readings without names")
    signed_at = serializers.DateTimeField(required=False, allow_null=True)
    facts = FactShape(many=True, required=False, help_text="to the uploader: what the signed reading says")
    amendments = AmendmentShape(many=True, required=False)
    critical_findings = KnownCriticalShape(many=True, required=False)


class ClaimShape(serializers.Serializer[Any]):
    """A claim on a study."""

    id = serializers.UUIDField()
    claimed_until = serializers.DateTimeField(allow_null=True)
    revision = serializers.IntegerField()


def of_ai(ai: StudyAI) -> dict[str, Any]:
    """Return what the AI says, as far as the selector handed it out."""
    images = [
        {
            "image": row.image, "state": row.state, "sentence": row.sentence, "model_version": row.model_version,
            "score": row.score, "regions": row.regions, "certainty": row.certainty, "map_name": row.map_name,
            "map_reason": row.map_reason, "caution": row.caution, "classes": row.classes,
        }
        for row in ai.images
    ]  # fmt: skip
    state = None if ai.state is None else str(ai.state)
    return {
        "state": state, "sentence": ai.sentence, "model_version": ai.model_version, "score": ai.score, "images": images,
    }  # fmt: skip


def of_row(row: Row) -> dict[str, Any]:
    """Return a row of the worklist."""
    return {
        **_facts(row.study, row.pseudonym),
        **_reading_side(row.study, is_mine=row.is_mine),
        "study_date": row.study_date,
        "readings": row.readings,
        "ai": of_ai(row.ai),
    }


def of_read(row: ReadRow) -> dict[str, Any]:
    """Return a review that the person signed, with its study."""
    review = row.review
    told = {"verdict": review.verdict, "review": review.pk, "signed_at": review.signed_at}
    return {**_facts(row.study, row.pseudonym), **told}


def of_upload(row: UploadRow) -> dict[str, Any]:
    """Return a row of an uploader's list."""
    return {**_facts(row.study, row.pseudonym), "status": row.state, "verdict": row.verdict}


def of_story(story: Story) -> dict[str, Any]:
    """Return one study as a reader sees it."""
    return {
        **_facts(story.study, story.pseudonym),
        **_reading_side(story.study, is_mine=story.is_mine),
        "verdict": story.verdict,
        "ai": of_ai(story.ai),
        "images": _images(story.images),
        "reviews": story.reviews,
        "problems": story.problems,
        "questions": story.questions,
        "events": [str(event) for event in story.events],
        **({"dispute": story.dispute} if story.dispute else {}),
    }


def of_uploader_story(story: UploaderStory) -> dict[str, Any]:
    """Return one study as its uploader sees it."""
    return {
        **_facts(story.study, story.pseudonym),
        "status": story.state,
        "verdict": story.verdict,
        "signed_at": story.signed_at,
        "facts": story.facts,
        "amendments": story.amendments,
        "critical_findings": [
            {
                "id": row.pk,
                "due_at": row.due_at,
                "acknowledged_by": row.acknowledged_by,
                "acknowledged_at": row.acknowledged_at,
                "facts": facts,
            }
            for row, facts in story.critical
        ],
        **({"ai": of_ai(story.ai)} if story.ai else {}),
        "images": _images(story.images),
        "problems": story.problems,
        "questions": story.questions,
    }


def _facts(study: Study, pseudonym: str) -> dict[str, Any]:
    names = (
        "id", "status", "body_part", "side", "sex", "age_months", "question", "urgent", "has_problem", "received_at",
    )  # fmt: skip
    return {"pseudonym": pseudonym, "site": study.site_id, **{name: getattr(study, name) for name in names}}


def _reading_side(study: Study, *, is_mine: bool) -> dict[str, Any]:
    names = ("accession", "round", "revision", "readings_required")
    until = study.claimed_until if is_mine else None
    shown = {name: getattr(study, name) for name in names} | {"rank": rank_at(study.site, study.rank)}
    return {**shown, "rank_word": rank_word(study), "claimed_by_me": is_mine, "claimed_until": until}


def _images(images: Sequence[StudyImage]) -> list[dict[str, Any]]:
    names = names_of(images)
    return [_image(image, names[image.pk]) for image in images]


def _image(image: StudyImage, name: str) -> dict[str, Any]:
    radiograph = image.radiograph
    facts = {"id": image.pk, "view": image.view, "side": image.side, "name": name}
    return {**facts, "rows": radiograph.rows, "columns": radiograph.columns}
