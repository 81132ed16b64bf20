"""The API of datasets: the same verbs as the pages."""

from __future__ import annotations

import uuid

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bonefrac.accounts.models import Role
from bonefrac.accounts.requests import signed_in
from studies import access
from studies import datasets as verbs
from studies.datasets.criteria import Criteria
from studies.models import Dataset
from studies.selectors.datasets import datasets_of
from studies.states import BodyPart
from studies.views.datasets import stream


class CriteriaSerializer(serializers.Serializer[Criteria]):
    """Which labels of which site."""

    site = serializers.UUIDField()
    body_part = serializers.ChoiceField(choices=BodyPart.choices, required=False, default="", allow_blank=True)
    received_from = serializers.DateField(required=False, default=None, allow_null=True)
    received_until = serializers.DateField(required=False, default=None, allow_null=True)

    def criteria(self) -> Criteria:
        """Return what was asked; call it on valid data only."""
        asked = self.validated_data
        return Criteria(asked["body_part"], asked["received_from"], asked["received_until"])


class FreezeSerializer(CriteriaSerializer):
    """The same, with the name under which it is frozen."""

    name = serializers.CharField(max_length=120)


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    """A frozen dataset."""

    class Meta:
        model = Dataset
        fields = ["id", "site", "name", "frozen_at", "digest", "criteria", "counts"]
        read_only_fields = fields


class DatasetPageSerializer(serializers.Serializer[Dataset]):
    """A page of datasets."""

    next = serializers.CharField(allow_blank=True)
    results = DatasetSerializer(many=True)


class Datasets(APIView):
    """Frozen datasets of the person's sites."""

    @extend_schema(
        operation_id="datasets_list",
        parameters=[OpenApiParameter("cursor", str)],
        responses=DatasetPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List datasets, newest first; ``next`` is the cursor of the next page."""
        user = signed_in(request)
        access.any_site(user, Role.ADMIN, Role.AUDITOR)
        page = datasets_of(user, cursor=request.query_params.get("cursor", ""))
        return Response({"next": page.next_cursor, "results": DatasetSerializer(page.rows, many=True).data})

    @extend_schema(operation_id="datasets_freeze", request=FreezeSerializer, responses={201: DatasetSerializer})
    def post(self, request: Request) -> Response:
        """Freeze the current labels of a site under a name."""
        asked = FreezeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user = signed_in(request)
        site = access.site(user, asked.validated_data["site"], Role.ADMIN)
        made = verbs.freeze(user, site=site, name=asked.validated_data["name"], criteria=asked.criteria())
        return Response(DatasetSerializer(made).data, status=201)


class DatasetPreview(APIView):
    """What a freeze would take."""

    @extend_schema(operation_id="datasets_preview", request=CriteriaSerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        """Return the counts of what would be frozen now; nothing is written."""
        asked = CriteriaSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user = signed_in(request)
        site = access.site(user, asked.validated_data["site"], Role.ADMIN)
        return Response(verbs.preview(user, site=site, criteria=asked.criteria()))


class DatasetDetail(APIView):
    """One frozen dataset."""

    @extend_schema(operation_id="datasets_read", responses=DatasetSerializer)
    def get(self, request: Request, dataset_id: uuid.UUID) -> Response:
        """Return one dataset."""
        return Response(DatasetSerializer(access.dataset(signed_in(request), dataset_id)).data)


class DatasetFile(APIView):
    """One frozen dataset as a file."""

    @extend_schema(
        operation_id="datasets_export",
        parameters=[OpenApiParameter("corrected_only", bool)],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, dataset_id: uuid.UUID, file_format: str) -> HttpResponseBase:
        """Stream the dataset as csv, coco or zip."""
        user = signed_in(request)
        found = access.dataset(user, dataset_id)
        corrected_only = request.query_params.get("corrected_only", "") in {"1", "true"}
        return stream(verbs.export(user, found, file_format=file_format, corrected_only=corrected_only))
