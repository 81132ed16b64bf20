"""The API of judgements: sign, amend, adjudicate, and what leads do. The same verbs as the pages."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from bonefrac.accounts.models import User
from bonefrac.accounts.requests import signed_in
from bonefrac.errors import Conflict, Invalid
from studies import access, reviews
from studies.api import judgements, shapes
from studies.api.studies import etag
from studies.models import Review, Study
from studies.reviews import Judgement

Sent = TypeVar("Sent", bound=judgements.JudgementShape)
#: 201 where a review was added; 200 with the same one where just this was signed a moment ago, as by a lost answer.
SIGNED = {201: judgements.ReviewShape, 200: judgements.ReviewShape}
IF_MATCH = [OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="the study's revision, quoted")]


class Sign(APIView):
    """Readings of a study."""

    @extend_schema(
        operation_id="reviews_sign",
        parameters=IF_MATCH,
        request=judgements.JudgementShape,
        responses=SIGNED,
    )
    def post(self, request: Request, study_id: uuid.UUID) -> Response:
        """Sign a reading of a study that the person holds; sent once more within seconds, it answers with the same."""
        user = signed_in(request)
        access.read_study(user, study_id)
        sent = _valid(judgements.JudgementShape(data=request.data))
        said, revision, opened_at = sent.judgement(), _revision(request, sent), sent.when_opened()

        def verb() -> Review:
            return reviews.sign(user, study_id, judgement=said, revision=revision, opened_at=opened_at)

        return _signed_once(user, study_id, said, verb)


class Amend(APIView):
    """Corrections of a reading."""

    @extend_schema(
        operation_id="reviews_amend",
        parameters=IF_MATCH,
        request=judgements.AmendShape,
        responses=SIGNED,
    )
    def post(self, request: Request, review_id: uuid.UUID) -> Response:
        """Supersede one of the person's own readings by one that says something else."""
        user = signed_in(request)
        review = access.own_review(user, review_id)
        sent = _valid(judgements.AmendShape(data=request.data))
        said, revision, reason = sent.judgement(), _revision(request, sent), sent.validated_data["reason"]

        def verb() -> Review:
            return reviews.amend(user, review_id, judgement=said, revision=revision, reason=reason)

        return _signed_once(user, review.study_id, said, verb)


class Undo(APIView):
    """The taking back of a reading."""

    @extend_schema(operation_id="reviews_undo", request=None, responses={201: judgements.ReviewShape})
    def post(self, request: Request, review_id: uuid.UUID) -> Response:
        """Take one of the person's own reviews back within seconds of signing; the answer is what supersedes it."""
        user = signed_in(request)
        access.own_review(user, review_id)
        return _signed(reviews.undo(user, review_id))


class Adjudicate(APIView):
    """The settling of a dispute."""

    @extend_schema(
        operation_id="reviews_adjudicate",
        parameters=IF_MATCH,
        request=judgements.JudgementShape,
        responses=SIGNED,
    )
    def post(self, request: Request, study_id: uuid.UUID) -> Response:
        """Settle a dispute; a lead who is not one of its readers."""
        user = signed_in(request)
        access.read_study(user, study_id)
        sent = _valid(judgements.JudgementShape(data=request.data))
        said, revision, opened_at = sent.judgement(), _revision(request, sent), sent.when_opened()

        def verb() -> Review:
            return reviews.adjudicate(user, study_id, judgement=said, revision=revision, opened_at=opened_at)

        return _signed_once(user, study_id, said, verb)


class Reopen(APIView):
    """Another round of reading."""

    @extend_schema(operation_id="studies_reopen", request=shapes.ReasonShape, responses=shapes.ClaimShape)
    def post(self, request: Request, study_id: uuid.UUID) -> Response:
        """Start another round; a lead, with a reason."""
        user = signed_in(request)
        access.study(user, study_id)
        sent = _valid_any(shapes.ReasonShape(data=request.data))
        return _moved(reviews.reopen(user, study_id, reason=sent["reason"]))


class Void(APIView):
    """The end of a study."""

    @extend_schema(operation_id="studies_void", request=shapes.ReasonShape, responses=shapes.ClaimShape)
    def post(self, request: Request, study_id: uuid.UUID) -> Response:
        """Take a study out of everything; a lead, with a reason."""
        user = signed_in(request)
        access.study(user, study_id)
        sent = _valid_any(shapes.ReasonShape(data=request.data))
        return _moved(reviews.void(user, study_id, reason=sent["reason"]))


class Restore(APIView):
    """The return of a study."""

    @extend_schema(operation_id="studies_restore", request=None, responses=shapes.ClaimShape)
    def post(self, request: Request, study_id: uuid.UUID) -> Response:
        """Bring a void study back; a lead."""
        return _moved(reviews.restore(signed_in(request), study_id))


class Problems(APIView):
    """Problems of a study."""

    @extend_schema(
        operation_id="problems_report", request=shapes.ProblemSentShape, responses={201: shapes.ProblemShape}
    )
    def post(self, request: Request, study_id: uuid.UUID) -> Response:
        """Take a study out of the pool until a lead settles what is wrong with it."""
        user = signed_in(request)
        access.study(user, study_id)
        sent = _valid_any(shapes.ProblemSentShape(data=request.data))
        problem = reviews.report_problem(user, study_id, sentence=sent["sentence"])
        return Response(shapes.ProblemShape(problem).data, status=201)


class Settle(APIView):
    """The settling of a problem."""

    @extend_schema(operation_id="problems_settle", request=shapes.SettlementShape, responses=shapes.ProblemShape)
    def post(self, request: Request, problem_id: uuid.UUID) -> Response:
        """Say how a problem was settled; a lead."""
        user = signed_in(request)
        access.problem(user, problem_id)
        sent = _valid_any(shapes.SettlementShape(data=request.data))
        problem = reviews.settle_problem(user, problem_id, settlement=sent["settlement"])
        return Response(shapes.ProblemShape(problem).data)


def _valid(shape: Sent) -> Sent:
    shape.is_valid(raise_exception=True)
    return shape


def _valid_any(shape: Serializer[Any]) -> dict[str, Any]:
    shape.is_valid(raise_exception=True)
    return dict(shape.validated_data)


def _revision(request: Request, shape: judgements.JudgementShape) -> int:
    """Return the revision that the program looked at, from the body or the header If-Match."""
    sent = shape.validated_data.get("revision")
    if sent is not None:
        return int(sent)
    found = re.fullmatch(r'(?:W/)?"?(\d{1,9})"?', request.headers.get("If-Match", "").strip())
    if not found:
        sentence = _("Say which revision of the study was read: 'revision' in the body, or the header If-Match.")
        raise Invalid(sentence, code="revision_missing", fields={"revision": sentence})
    return int(found.group(1))


def _signed_once(user: User, study_id: uuid.UUID, said: Judgement, verb: Callable[[], Review]) -> Response:
    try:
        return _signed(verb())
    except Conflict:
        done = reviews.just_signed(user, study_id, said)
        if done is None:
            raise
        return _signed(done, status=200)


def _signed(review: Review, *, status: int = 201) -> Response:
    prefetch_related_objects([review], "image_readings__findings", "unlocated_findings")
    return Response(judgements.ReviewShape(review).data, status=status)


def _moved(study: Study) -> Response:
    return Response(shapes.ClaimShape(study).data, headers={"ETag": etag(study)})
