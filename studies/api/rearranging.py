"""The API of putting images where they belong, of what header and entry say differently, and of notices."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bonefrac.accounts.requests import signed_in
from studies import access, discrepancies, notices, rearranging
from studies.api import shapes
from studies.api.studies import etag
from studies.models import Discrepancy, Notice, Study
from studies.rearranging import Patient

_PATIENTS = [(patient.value, patient.value) for patient in Patient]


class MoveShape(shapes.ReasonShape):
    """Which images go where, and why."""

    images = serializers.ListField(child=serializers.UUIDField(), allow_empty=False)
    to = serializers.UUIDField()
    revision = serializers.IntegerField(required=False, default=None, allow_null=True)
    other_patient = serializers.BooleanField(
        required=False, default=False, help_text="yes, the other study names another patient"
    )


class SplitShape(shapes.ReasonShape):
    """Which images make a study of their own, whose they are, and why."""

    images = serializers.ListField(child=serializers.UUIDField(), allow_empty=False)
    revision = serializers.IntegerField(required=False, default=None, allow_null=True)
    patient = serializers.ChoiceField(choices=_PATIENTS, required=False, default=Patient.SAME.value)
    patient_code = serializers.CharField(required=False, default="", allow_blank=True, max_length=64)


class MergeShape(shapes.ReasonShape):
    """Into which study, and why."""

    into = serializers.UUIDField()
    revision = serializers.IntegerField(required=False, default=None, allow_null=True)
    other_patient = serializers.BooleanField(required=False, default=False)


class AnswerShape(serializers.Serializer[Any]):
    """Which of the two values is right."""

    chosen = serializers.CharField(max_length=16)


class DiscrepancyShape(serializers.ModelSerializer[Discrepancy]):
    """What a header and a person say differently of a study."""

    class Meta:
        model = Discrepancy
        fields = ["id", "study", "fact", "header_value", "entered_value", "chosen", "found_at", "answered_at"]
        read_only_fields = fields


class NoticeShape(serializers.ModelSerializer[Notice]):
    """What the person was told about a study."""

    class Meta:
        model = Notice
        fields = ["id", "study", "kind", "sentence", "made_at", "seen_at"]
        read_only_fields = fields


class NoticePageShape(serializers.Serializer[Any]):
    """A page of notices."""

    next = serializers.CharField(allow_blank=True)
    results = NoticeShape(many=True)


class Move(APIView):
    """Images that belong to another study."""

    @extend_schema(operation_id="studies_move_images", request=MoveShape, responses=shapes.ClaimShape)
    def post(self, request: Request, study_id: uuid.UUID) -> Response:
        """Move images to another study of the site; a lead, with a reason. The answer is that study."""
        user = signed_in(request)
        access.study(user, study_id)
        return _moved(rearranging.move_images(user, study_id, **_valid(MoveShape(data=request.data))))


class Split(APIView):
    """Images that belong to a study of their own."""

    @extend_schema(operation_id="studies_split", request=SplitShape, responses={201: shapes.ClaimShape})
    def post(self, request: Request, study_id: uuid.UUID) -> Response:
        """Put images into a new study; a lead, with a reason. The answer is the new study."""
        user = signed_in(request)
        access.study(user, study_id)
        sent = _valid(SplitShape(data=request.data))
        sent["patient"] = Patient(sent["patient"])
        return _moved(rearranging.split(user, study_id, **sent), status=201)


class Merge(APIView):
    """A study that belongs to another one."""

    @extend_schema(operation_id="studies_merge", request=MergeShape, responses=shapes.ClaimShape)
    def post(self, request: Request, study_id: uuid.UUID) -> Response:
        """Merge the study into another of the site; a lead, with a reason. The answer is that study."""
        user = signed_in(request)
        access.study(user, study_id)
        return _moved(rearranging.merge(user, study_id, **_valid(MergeShape(data=request.data))))


class Answer(APIView):
    """A question where header and entry differ."""

    @extend_schema(operation_id="discrepancies_answer", request=AnswerShape, responses=DiscrepancyShape)
    def post(self, request: Request, discrepancy_id: uuid.UUID) -> Response:
        """Say which of the two values is right; the study's uploader or a lead, once."""
        user = signed_in(request)
        access.discrepancy(user, discrepancy_id)
        sent = _valid(AnswerShape(data=request.data))
        return Response(DiscrepancyShape(discrepancies.answer(user, discrepancy_id, chosen=sent["chosen"])).data)


class Notices(APIView):
    """What the person was told."""

    @extend_schema(operation_id="notices_list", parameters=[OpenApiParameter("cursor", str)], responses=NoticePageShape)
    def get(self, request: Request) -> Response:
        """List your notices, newest first; ``next`` is the cursor of the next page."""
        page = notices.page_of(signed_in(request), cursor=request.query_params.get("cursor", ""))
        return Response(NoticePageShape({"next": page.next_cursor, "results": page.rows}).data)


class NoticeSeen(APIView):
    """A notice that was seen."""

    @extend_schema(operation_id="notices_seen", request=None, responses=NoticeShape)
    def post(self, request: Request, notice_id: uuid.UUID) -> Response:
        """Note that you have seen a notice; again changes nothing."""
        return Response(NoticeShape(notices.mark_seen(signed_in(request), notice_id)).data)


def _valid(shape: serializers.Serializer[Any]) -> dict[str, Any]:
    shape.is_valid(raise_exception=True)
    return dict(shape.validated_data)


def _moved(study: Study, status: int = 200) -> Response:
    return Response(shapes.ClaimShape(study).data, status=status, headers={"ETag": etag(study)})
