"""The audit record for programs; it only reads."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bonefrac.accounts.requests import signed_in
from bonefrac.audit import selectors
from bonefrac.audit.models import AuditEvent, Verb


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    """One event."""

    class Meta:
        model = AuditEvent
        fields = ["id", "occurred_at", "actor", "verb", "target_type", "target_id", "site", "request_id", "data"]
        read_only_fields = fields


class AuditPageSerializer(serializers.Serializer[AuditEvent]):
    """A page of events."""

    next = serializers.CharField(allow_blank=True)
    results = AuditEventSerializer(many=True)


class AuditFilterSerializer(serializers.Serializer[AuditEvent]):
    """What the list may be narrowed by."""

    verb = serializers.ChoiceField(choices=Verb.choices, required=False, allow_blank=True)
    username = serializers.CharField(required=False, allow_blank=True, max_length=150)
    target_id = serializers.CharField(required=False, allow_blank=True, max_length=64)
    cursor = serializers.CharField(required=False, allow_blank=True)


class AuditEvents(APIView):
    """Events of the sites of an auditor or administrator."""

    @extend_schema(
        operation_id="audit_events_list",
        parameters=[
            OpenApiParameter("verb", str),
            OpenApiParameter("username", str),
            OpenApiParameter("target_id", str),
            OpenApiParameter("cursor", str),
        ],
        responses=AuditPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List events, newest first; ``next`` is the cursor of the next page."""
        asked = AuditFilterSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        page = selectors.events_page(signed_in(request), **asked.validated_data)
        return Response({"next": page.next_cursor, "results": AuditEventSerializer(page.rows, many=True).data})
