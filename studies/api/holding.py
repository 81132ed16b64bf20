"""The API of files that are held for a lead: list them, let them in, link them, refuse them."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bonefrac.accounts.requests import signed_in
from studies import intake
from studies.intake import listing
from studies.models import IncomingFile
from studies.states import FileStatus


class HeldShape(serializers.Serializer[Any]):
    """A file that waits for a lead."""

    id = serializers.UUIDField(source="file.pk")
    site = serializers.UUIDField(source="file.site_id")
    code = serializers.CharField(source="file.code")
    why = serializers.CharField()
    is_urgent = serializers.SerializerMethodField()
    is_overdue = serializers.BooleanField(help_text="it waits longer than its site lets anybody wait")
    received_at = serializers.DateTimeField(source="file.received_at")

    def get_is_urgent(self, row: listing.HeldRow) -> bool:
        """Whether the sender called it urgent."""
        return bool(row.file.details.get("urgent"))


class HeldPageShape(serializers.Serializer[Any]):
    """A page of held files."""

    next = serializers.CharField(allow_blank=True)
    results = HeldShape(many=True)


class DecidedShape(serializers.ModelSerializer[IncomingFile]):
    """What became of a held file."""

    status = serializers.ChoiceField(choices=FileStatus.choices)

    class Meta:
        model = IncomingFile
        fields = ["id", "status", "code", "sentence", "study", "study_image"]
        read_only_fields = fields


class Held(APIView):
    """Files that wait for a lead."""

    @extend_schema(operation_id="held_list", parameters=[OpenApiParameter("cursor", str)], responses=HeldPageShape)
    def get(self, request: Request) -> Response:
        """List the held files of the sites that you lead: urgent ones first, then the oldest."""
        page = listing.held_page(signed_in(request), cursor=request.query_params.get("cursor", ""))
        return Response(HeldPageShape({"next": page.next_cursor, "results": page.rows}).data)


class Release(APIView):
    """A held file that is right."""

    @extend_schema(operation_id="held_release", request=None, responses=DecidedShape)
    def post(self, request: Request, file_id: uuid.UUID) -> Response:
        """Let a held file in under the patient that it names; a lead."""
        return Response(DecidedShape(intake.release_held(signed_in(request), file_id)).data)


class Link(APIView):
    """A held file that names the wrong patient."""

    @extend_schema(operation_id="held_link", request=None, responses=DecidedShape)
    def post(self, request: Request, file_id: uuid.UUID) -> Response:
        """Take a held file for what is here: link the same picture, or add a new one to the study; a lead."""
        return Response(DecidedShape(intake.link_held(signed_in(request), file_id)).data)


class Refuse(APIView):
    """A held file that nobody vouches for."""

    @extend_schema(operation_id="held_refuse", request=None, responses=DecidedShape)
    def post(self, request: Request, file_id: uuid.UUID) -> Response:
        """Refuse a held file for good; a lead. Its sender is told."""
        return Response(DecidedShape(intake.refuse_held(signed_in(request), file_id)).data)
