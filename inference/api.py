"""Models and jobs for programs: the same verbs as the pages. A job names a radiograph, never a study."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bonefrac.accounts.requests import signed_in
from inference import access, comparisons, jobs, policies, registry, selectors
from inference.explanations import Licence, licence_of
from inference.models import GateVerdict, ModelVersion, PredictionJob
from inference.states import JobStatus, Task


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
            "map_kind",
            "scope",
            "registered_at",
            "activated_at",
        ]
        read_only_fields = fields


class LicenceShape(serializers.Serializer[Licence]):
    """Whether a version's map may be shown, and why, or why not."""

    is_granted = serializers.BooleanField()
    reason = serializers.CharField()


class WholeModelSerializer(ModelSerializer):
    """A registered model with its card and figures."""

    map_licence = serializers.SerializerMethodField()

    class Meta(ModelSerializer.Meta):
        fields = [*ModelSerializer.Meta.fields, "preprocessing", "map_licence", "report", "card"]
        read_only_fields = fields

    @extend_schema_field(LicenceShape)
    def get_map_licence(self, version: ModelVersion) -> dict[str, Any]:
        """Return whether its map may be shown."""
        return dict(LicenceShape(licence_of(version)).data)


class ModelListSerializer(serializers.Serializer[ModelVersion]):
    """Every registered model; they are few."""

    results = ModelSerializer(many=True)


class GateSerializer(serializers.ModelSerializer[GateVerdict]):
    """What the gate once answered; ``report`` holds every check as ``training.comparison`` tells it."""

    class Meta:
        model = GateVerdict
        fields = ["id", "candidate", "active", "verdict", "images", "positives", "created_at", "report"]
        read_only_fields = fields


class GateListSerializer(serializers.Serializer[GateVerdict]):
    """What the gate answered about a model, newest first."""

    results = GateSerializer(many=True)


class OverrideQuery(serializers.Serializer[Any]):
    """Why a model goes into service although it does not pass the gate; empty to abide by the gate."""

    override_reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=500)


class ReasonQuery(serializers.Serializer[Any]):
    """Why a model never serves."""

    reason = serializers.CharField(max_length=500)


class TaskQuery(serializers.Serializer[Any]):
    """Which task is rolled back."""

    task = serializers.ChoiceField(choices=Task.choices)


class AgreementSerializer(serializers.Serializer[Any]):
    """How often the active model said the one thing and the shadow the other."""

    active = serializers.CharField()
    shadow = serializers.CharField()
    radiographs = serializers.IntegerField()
    is_same = serializers.BooleanField()


class ShadowSerializer(serializers.Serializer[Any]):
    """What a shadow said of live radiographs beside the model in service."""

    shadow = serializers.UUIDField(source="shadow.pk")
    active = serializers.UUIDField(source="active.pk", allow_null=True, default=None)
    radiographs = serializers.IntegerField()
    agreements = serializers.IntegerField()
    waiting = serializers.IntegerField()
    failed = serializers.IntegerField()
    cells = AgreementSerializer(many=True)


class FigureSerializer(serializers.Serializer[Any]):
    """A value with its 95 % interval."""

    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class LineSerializer(serializers.Serializer[Any]):
    """One figure of both versions; null where a report does not hold it."""

    name = serializers.CharField()
    first = FigureSerializer(allow_null=True)
    second = FigureSerializer(allow_null=True)


class StratumSerializer(LineSerializer):
    """One part of the measured images."""

    is_first_evaluated = serializers.BooleanField()
    is_second_evaluated = serializers.BooleanField()


class ComparisonSerializer(serializers.Serializer[Any]):
    """Two versions side by side; ``paired`` is the report of ``training.comparison``, or null and why not."""

    first = serializers.UUIDField(source="first.pk")
    second = serializers.UUIDField(source="second.pk")
    lines = LineSerializer(many=True)
    strata = StratumSerializer(many=True)
    paired = serializers.DictField(source="paired_values", allow_null=True)
    why_not = serializers.CharField(allow_blank=True)


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


class Beside(APIView):
    """Two versions of one task side by side."""

    @extend_schema(operation_id="models_compare", responses=ComparisonSerializer)
    def get(self, request: Request, model_version_id: uuid.UUID, other_id: uuid.UUID) -> Response:
        """Return the figures of both, and what they say of the same images that neither has learnt from."""
        user = signed_in(request)
        first, second = (access.model_version(user, key) for key in (model_version_id, other_id))
        return Response(ComparisonSerializer(comparisons.between(first, second)).data)


class Gates(APIView):
    """The gate before a promotion."""

    @extend_schema(operation_id="models_gates", responses=GateListSerializer)
    def get(self, request: Request, model_version_id: uuid.UUID) -> Response:
        """List what the gate answered about a model, newest first."""
        version = access.model_version(signed_in(request), model_version_id)
        return Response({"results": GateSerializer(selectors.gates_of(version), many=True).data})

    @extend_schema(operation_id="models_gate", request=None, responses={201: GateSerializer})
    def post(self, request: Request, model_version_id: uuid.UUID) -> Response:
        """Ask the gate about a model now, and keep its answer."""
        user = signed_in(request)
        verdict = registry.gate(user, access.model_version(user, model_version_id))
        return Response(GateSerializer(verdict).data, status=201)


class Promotion(APIView):
    """Putting a model into service."""

    @extend_schema(operation_id="models_promote", request=OverrideQuery, responses=ModelSerializer)
    def post(self, request: Request, model_version_id: uuid.UUID) -> Response:
        """Promote a model that passes the gate; the one before it retires and unread studies are asked again."""
        user = signed_in(request)
        version = access.model_version(user, model_version_id)
        sent = _parsed(OverrideQuery, request)
        return Response(ModelSerializer(registry.promote(user, version, **sent)).data)


class RollBack(APIView):
    """Going back to the model that served before."""

    @extend_schema(operation_id="models_roll_back", request=TaskQuery, responses=ModelSerializer)
    def post(self, request: Request) -> Response:
        """Put the model back into service that served last before the active one of a task."""
        sent = _parsed(TaskQuery, request)
        return Response(ModelSerializer(registry.roll_back(signed_in(request), Task(sent["task"]))).data)


class Shadow(APIView):
    """A model that predicts silently beside the one in service."""

    @extend_schema(operation_id="models_shadow", responses=ShadowSerializer)
    def get(self, request: Request, model_version_id: uuid.UUID) -> Response:
        """Return what a shadow said of live radiographs beside the model in service."""
        user = signed_in(request)
        version = access.model_version(user, model_version_id)
        policies.require_live_answers(user)
        return Response(ShadowSerializer(selectors.shadow_comparison(version)).data)

    @extend_schema(operation_id="models_start_shadow", request=None, responses=ModelSerializer)
    def post(self, request: Request, model_version_id: uuid.UUID) -> Response:
        """Let a candidate predict new radiographs silently."""
        user = signed_in(request)
        return Response(ModelSerializer(registry.shadow(user, access.model_version(user, model_version_id))).data)


class ShadowEnd(APIView):
    """The end of a shadow."""

    @extend_schema(operation_id="models_end_shadow", request=None, responses=ModelSerializer)
    def post(self, request: Request, model_version_id: uuid.UUID) -> Response:
        """Make a shadow a candidate again."""
        user = signed_in(request)
        return Response(ModelSerializer(registry.end_shadow(user, access.model_version(user, model_version_id))).data)


class Rejection(APIView):
    """Deciding that a model never serves."""

    @extend_schema(operation_id="models_reject", request=ReasonQuery, responses=ModelSerializer)
    def post(self, request: Request, model_version_id: uuid.UUID) -> Response:
        """Reject a candidate or a shadow for ever, with a reason."""
        user = signed_in(request)
        version = access.model_version(user, model_version_id)
        return Response(ModelSerializer(registry.reject(user, version, **_parsed(ReasonQuery, request))).data)


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


def _parsed(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    sent = shape(data=request.data)
    sent.is_valid(raise_exception=True)
    parsed: dict[str, Any] = sent.validated_data
    return parsed
