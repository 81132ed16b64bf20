"""Models and jobs for programs: the same verbs as the pages. A job names a radiograph, never a study."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bonefrac.accounts.requests import signed_in
from inference import access, jobs, registry, selectors
from inference.models import ModelVersion, PredictionJob
from inference.states import JobStatus


class ModelSerializer(serializers.ModelSerializer[ModelVersion]):
    """A registered model without its long texts."""

    class Meta:
        model = ModelVersion
        fields = [
            "id",
            "task",
            "name",
            "version",
            "status",
            "artifact_sha256",
            "operating_points",
            "temperature",
            "scope",
            "registered_at",
            "activated_at",
        ]
        read_only_fields = fields


class WholeModelSerializer(ModelSerializer):
    """A registered model with its card and figures."""

    class Meta(ModelSerializer.Meta):
        fields = [*ModelSerializer.Meta.fields, "preprocessing", "report", "card"]
        read_only_fields = fields


class ModelListSerializer(serializers.Serializer[ModelVersion]):
    """Every registered model; they are few."""

    results = ModelSerializer(many=True)


class JobSerializer(serializers.ModelSerializer[PredictionJob]):
    """A prediction job."""

    class Meta:
        model = PredictionJob
        fields = [
            "id",
            "radiograph",
            "model_version",
            "status",
            "attempt",
            "error_code",
            "error_detail",
            "requested_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields


class JobPageSerializer(serializers.Serializer[PredictionJob]):
    """A page of jobs."""

    next = serializers.CharField(allow_blank=True)
    results = JobSerializer(many=True)


class JobQuery(serializers.Serializer[PredictionJob]):
    """What a list of jobs is asked for."""

    status = serializers.ChoiceField(choices=JobStatus.choices, required=False, default="", allow_blank=True)
    cursor = serializers.CharField(required=False, default="", allow_blank=True)


class Models(APIView):
    """Registered models."""

    @extend_schema(operation_id="models_list", responses=ModelListSerializer)
    def get(self, _request: Request) -> Response:
        """List every model, by task and name, newest version first."""
        return Response({"results": ModelSerializer(selectors.model_versions(), many=True).data})


class Model(APIView):
    """One registered model."""

    @extend_schema(operation_id="models_retrieve", responses=WholeModelSerializer)
    def get(self, request: Request, model_version_id: uuid.UUID) -> Response:
        """Return a model with its card and figures."""
        return Response(WholeModelSerializer(access.model_version(signed_in(request), model_version_id)).data)


class Promotion(APIView):
    """Putting a model into service."""

    @extend_schema(operation_id="models_promote", request=None, responses=ModelSerializer)
    def post(self, request: Request, model_version_id: uuid.UUID) -> Response:
        """Promote a model; the one before it retires and unread studies are asked again."""
        user = signed_in(request)
        return Response(ModelSerializer(registry.promote(user, access.model_version(user, model_version_id))).data)


class Retirement(APIView):
    """Taking a model out of service."""

    @extend_schema(operation_id="models_retire", request=None, responses=ModelSerializer)
    def post(self, request: Request, model_version_id: uuid.UUID) -> Response:
        """Retire the active model; its waiting jobs are cancelled, what it said stays."""
        user = signed_in(request)
        return Response(ModelSerializer(registry.retire(user, access.model_version(user, model_version_id))).data)


class Jobs(APIView):
    """Prediction jobs, for those who look after models."""

    @extend_schema(
        operation_id="jobs_list",
        parameters=[OpenApiParameter("status", str, enum=JobStatus.values), OpenApiParameter("cursor", str)],
        responses=JobPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List jobs, newest first; ``next`` is the cursor of the next page."""
        access.require_jobs(signed_in(request))
        asked = JobQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        page = selectors.jobs_page(**asked.validated_data)
        return Response({"next": page.next_cursor, "results": JobSerializer(page.rows, many=True).data})


class Job(APIView):
    """One prediction job."""

    @extend_schema(operation_id="jobs_retrieve", responses=JobSerializer)
    def get(self, request: Request, job_id: uuid.UUID) -> Response:
        """Return a job."""
        return Response(JobSerializer(access.job(signed_in(request), job_id)).data)


class Retry(APIView):
    """Asking again for what failed."""

    @extend_schema(operation_id="jobs_retry", request=None, responses={201: JobSerializer})
    def post(self, request: Request, job_id: uuid.UUID) -> Response:
        """Queue a new job for a failed one; the failed one stays as it is."""
        user = signed_in(request)
        return Response(JobSerializer(jobs.retry(user, access.job(user, job_id))).data, status=201)
