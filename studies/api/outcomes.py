"""The API of what follows from readings: critical findings, judgements that differ, how readers agree."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bonefrac.accounts.requests import signed_in
from studies import critical, divergences
from studies.models import Communication
from studies.selectors import agreement as agreements
from studies.selectors import critical as critical_rows
from studies.selectors import divergences as divergence_rows
from studies.selectors.agreement import READINGS
from studies.terms import Channel, DivergenceKind

_PRIVATE = {"Cache-Control": "private, no-store"}


class CommunicationShape(serializers.ModelSerializer[Communication]):
    """Whom somebody told of a critical finding, when and how."""

    told_at = serializers.DateTimeField(required=False, default=None, allow_null=True)
    note = serializers.CharField(required=False, allow_blank=True, default="")
    is_acknowledged = serializers.BooleanField(write_only=True, required=False, default=False)

    class Meta:
        model = Communication
        fields = ["id", "whom", "channel", "note", "told_at", "at", "is_acknowledged"]
        read_only_fields = ["id", "at"]
        extra_kwargs = {"channel": {"choices": Channel.choices}}


class AcknowledgementShape(serializers.Serializer[Any]):
    """Who acknowledged; may be left out where the study's uploader does."""

    name = serializers.CharField(required=False, allow_blank=True, default="", max_length=120)


class CriticalShape(serializers.Serializer[Any]):
    """A critical finding; ``raised_by`` is empty where the person must not know."""

    id = serializers.UUIDField()
    study = serializers.UUIDField()
    state = serializers.ChoiceField(choices=["open", "overdue", "acknowledged", "withdrawn"])
    raised_by = serializers.CharField(allow_blank=True)
    due_at = serializers.DateTimeField()
    acknowledged_by = serializers.CharField(allow_blank=True)
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    communications = CommunicationShape(many=True)


class CriticalPageShape(serializers.Serializer[Any]):
    """A page of critical findings."""

    next = serializers.CharField(allow_blank=True)
    results = CriticalShape(many=True)


class DivergenceShape(serializers.Serializer[Any]):
    """Two judgements of a study that differ, in words."""

    id = serializers.UUIDField()
    study = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=DivergenceKind.choices)
    earlier = serializers.CharField()
    later = serializers.CharField()
    found_at = serializers.DateTimeField()
    looked_at = serializers.DateTimeField(allow_null=True)
    remark = serializers.CharField(allow_blank=True)


class DivergencePageShape(serializers.Serializer[Any]):
    """A page of judgements that differ."""

    next = serializers.CharField(allow_blank=True)
    results = DivergenceShape(many=True)


class RemarkShape(serializers.Serializer[Any]):
    """What the lead who looked has to say."""

    remark = serializers.CharField(required=False, allow_blank=True, default="")


class AgreementShape(serializers.Serializer[Any]):
    """How two readers, or all, agree; without kappa under 20 shared studies."""

    site = serializers.CharField()
    part = serializers.CharField(allow_blank=True)
    first = serializers.CharField(allow_blank=True)
    second = serializers.CharField(allow_blank=True)
    studies = serializers.IntegerField(source="agreement.studies")
    agreed = serializers.IntegerField(source="agreement.agreed")
    kappa = serializers.FloatField(source="agreement.kappa", allow_null=True)
    low = serializers.FloatField(source="agreement.low", allow_null=True)
    high = serializers.FloatField(source="agreement.high", allow_null=True)


class Critical(APIView):
    """Critical findings of the person's sites."""

    @extend_schema(
        operation_id="critical_list",
        parameters=[OpenApiParameter("show", str, enum=critical_rows.SHOWS), OpenApiParameter("cursor", str)],
        responses=CriticalPageShape,
    )
    def get(self, request: Request) -> Response:
        """List critical findings, newest first."""
        user, asked = signed_in(request), request.query_params
        page = critical_rows.page(user, show=asked.get("show", "open"), cursor=asked.get("cursor", ""))
        results = [_critical(row) for row in critical_rows.rows_of(user, page)]
        shown = CriticalPageShape({"next": page.next_cursor, "results": results})
        return Response(shown.data, headers=_PRIVATE)


class Communicate(APIView):
    """Whom somebody told."""

    @extend_schema(operation_id="critical_communicate", request=CommunicationShape, responses={201: CommunicationShape})
    def post(self, request: Request, finding_id: uuid.UUID) -> Response:
        """Record whom the person told, when and how."""
        sent = _valid(CommunicationShape(data=request.data))
        told = critical.communicate(signed_in(request), finding_id, **sent)
        return Response(CommunicationShape(told).data, status=201)


class Acknowledge(APIView):
    """The acknowledgement of a critical finding."""

    @extend_schema(operation_id="critical_acknowledge", request=AcknowledgementShape, responses={204: None})
    def post(self, request: Request, finding_id: uuid.UUID) -> Response:
        """Note that somebody who treats knows of it: the uploader, or one whose word a reader records."""
        sent = _valid(AcknowledgementShape(data=request.data))
        critical.acknowledge(signed_in(request), finding_id, name=sent["name"])
        return Response(status=204)


class Divergences(APIView):
    """Judgements that differ."""

    @extend_schema(
        operation_id="divergences_list",
        parameters=[
            OpenApiParameter("show", str, enum=divergence_rows.SHOWS, default="new"),
            OpenApiParameter("kind", str, enum=DivergenceKind.values),
            OpenApiParameter("part", str),
            OpenApiParameter("cursor", str),
        ],
        responses=DivergencePageShape,
    )
    def get(self, request: Request) -> Response:
        """List judgements that differ, newest first; leads, administrators and auditors."""
        asked = request.query_params
        filters = divergence_rows.Filters(asked.get("show", "new"), asked.get("kind", ""), None, asked.get("part", ""))
        page = divergence_rows.page(signed_in(request), filters, cursor=asked.get("cursor", ""))
        results = [_divergence(row) for row in divergence_rows.rows_of(page)]
        shown = DivergencePageShape({"next": page.next_cursor, "results": results})
        return Response(shown.data, headers=_PRIVATE)


class LookAtDivergence(APIView):
    """That a lead has looked."""

    @extend_schema(operation_id="divergences_look_at", request=RemarkShape, responses={204: None})
    def post(self, request: Request, divergence_id: uuid.UUID) -> Response:
        """Note that a lead has looked at two judgements that differ."""
        sent = _valid(RemarkShape(data=request.data))
        divergences.look_at(signed_in(request), divergence_id, remark=sent["remark"])
        return Response(status=204)


class Agreement(APIView):
    """How readers agree."""

    @extend_schema(
        operation_id="agreement_read",
        parameters=[
            OpenApiParameter("readings", str, enum=list(READINGS), default="counting"),
            OpenApiParameter("days", OpenApiTypes.INT, description="0 is ever", default=0),
        ],
        responses=AgreementShape(many=True),
    )
    def get(self, request: Request) -> Response:
        """Return Cohen's kappa by site, pair and part; leads, administrators and auditors."""
        asked = request.query_params
        days = asked.get("days", "0")
        lines = agreements.agreements(
            signed_in(request),
            readings=asked.get("readings", "counting"),
            days=int(days) if days.isascii() and days.isdecimal() and len(days) < 5 else 0,
        )
        return Response(AgreementShape(lines, many=True).data, headers=_PRIVATE)


def _valid(shape: serializers.BaseSerializer[Any]) -> dict[str, Any]:
    shape.is_valid(raise_exception=True)
    return dict(shape.validated_data)


def _critical(row: critical_rows.CriticalRow) -> dict[str, Any]:
    found = row.finding
    return {
        "id": found.pk, "study": found.study_id, "state": row.state, "raised_by": row.by, "due_at": found.due_at,
        "acknowledged_by": found.acknowledged_by, "acknowledged_at": found.acknowledged_at,
        "communications": row.communications,
    }  # fmt: skip


def _divergence(row: divergence_rows.DivergenceRow) -> dict[str, Any]:
    found = row.divergence
    return {
        "id": found.pk, "study": found.study_id, "kind": found.kind, "earlier": row.earlier, "later": row.later,
        "found_at": found.found_at, "looked_at": found.looked_at, "remark": found.remark,
    }  # fmt: skip
