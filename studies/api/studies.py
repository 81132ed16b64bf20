"""The API of studies: the list, one study, and who holds it."""

from __future__ import annotations

import uuid
from typing import Any, TypedDict

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bonefrac.accounts.requests import signed_in
from studies import access, worklist
from studies.api import shapes
from studies.models import Study
from studies.policies import sees_reading_side
from studies.selectors import filtering, listing, map_of, open_as_uploader, open_study
from studies.selectors.reads import reads_page
from studies.selectors.rows import uploads_page, worklist_page
from studies.standings import standings_of
from studies.states import AgeBand, AIState, BodyPart, Side

LIST_PARAMETERS = [
    OpenApiParameter("cursor", str),
    OpenApiParameter("show", str, enum=filtering.SHOWS, default="open"),
    OpenApiParameter("site", OpenApiTypes.UUID),
    OpenApiParameter("part", str, enum=BodyPart.values),
    OpenApiParameter("side", str, enum=Side.values),
    OpenApiParameter("ai", str, enum=AIState.values, description="what the AI said when the study was ranked last"),
    OpenApiParameter("urgent", bool),
    OpenApiParameter("band", str, enum=AgeBand.values, description="the patient's age"),
    OpenApiParameter("missing", str, enum=[filtering.FIRST, filtering.FURTHER], description="which reading is missing"),
    OpenApiParameter("since", OpenApiTypes.DATE, description="received on this day or later"),
    OpenApiParameter("until", OpenApiTypes.DATE, description="received on this day or earlier"),
    OpenApiParameter(
        "search", str, description="P-, S- or A- and first digits, an accession, a study's id, or words of the question"
    ),
    OpenApiParameter("size", int, description="at most 200"),
]


class Asked(TypedDict):
    """Which page of a list, and how long."""

    cursor: str
    size: int


class Studies(APIView):
    """The studies that the person may see."""

    @extend_schema(operation_id="studies_list", parameters=LIST_PARAMETERS, responses=shapes.StudyPageShape)
    def get(self, request: Request) -> Response:
        """List studies in the order of the worklist; ``next`` is the cursor of the next page."""
        user = signed_in(request)
        at, filters = standings_of(user), filtering.parse(request.query_params)
        asked: Asked = {"cursor": request.query_params.get("cursor", ""), "size": filtering.size(request.query_params)}
        results: list[dict[str, Any]]
        if filters.show == "uploads" or listing.only_uploads(at):
            uploads, following = uploads_page(user, **asked)
            results = [shapes.of_upload(row) for row in uploads]
        elif filters.show == "reads":
            reads, following = reads_page(user, filters, at=at, **asked)
            results = [shapes.of_read(row) for row in reads]
        else:
            rows, following = worklist_page(user, filters, at=at, **asked)
            results = [shapes.of_row(row) for row in rows]
        # Not by way of the serializers: they cost a long page more than all that the database does for it.
        return Response({"next": following, "results": results})


class StudyDetail(APIView):
    """One study."""

    @extend_schema(operation_id="studies_read", responses=shapes.StudyShape)
    def get(self, request: Request, study_id: uuid.UUID) -> Response:
        """Return one study; its revision is the ETag."""
        user = signed_in(request)
        study = access.study(user, study_id)
        if sees_reading_side(access.standing(user, study.site)):
            shown = shapes.of_story(open_study(user, study))
        else:
            shown = shapes.of_uploader_story(open_as_uploader(user, study))
        headers = {"ETag": etag(study), "Cache-Control": "private, no-store"}
        return Response(shapes.StudyShape(shown).data, headers=headers)


class Claim(APIView):
    """The lease of a study."""

    @extend_schema(operation_id="studies_claim", request=None, responses=shapes.ClaimShape)
    def post(self, request: Request, study_id: uuid.UUID) -> Response:
        """Claim a study, or extend the claim that the person holds."""
        return _claimed(worklist.claim(signed_in(request), study_id))


class HandBack(APIView):
    """The end of a lease."""

    @extend_schema(operation_id="studies_hand_back", request=None, responses=shapes.ClaimShape)
    def post(self, request: Request, study_id: uuid.UUID) -> Response:
        """Give a study back to the pool."""
        return _claimed(worklist.hand_back(signed_in(request), study_id))


class Skip(APIView):
    """Passing over a study."""

    @extend_schema(operation_id="studies_skip", request=shapes.ReasonShape, responses={204: None})
    def post(self, request: Request, study_id: uuid.UUID) -> Response:
        """Pass over a study with a reason: the pool does not hand it to the person again in this round."""
        shape = shapes.ReasonShape(data=request.data)
        shape.is_valid(raise_exception=True)
        worklist.skip(signed_in(request), study_id, reason=shape.validated_data["reason"])
        return Response(status=204)


class Next(APIView):
    """What the person should read next."""

    @extend_schema(operation_id="sites_next_study", request=None, responses={200: shapes.ClaimShape, 204: None})
    def post(self, request: Request, site_id: uuid.UUID) -> Response:
        """Claim and return the next study of a site; 204 where nothing waits for the person."""
        user = signed_in(request)
        study = worklist.next_for(user, access.site(user, site_id))
        return _claimed(study) if study else Response(status=204)


class HeatMap(APIView):
    """Where the model looked."""

    @extend_schema(operation_id="images_map", responses={(200, "image/png"): OpenApiTypes.BINARY})
    def get(self, request: Request, study_id: uuid.UUID, image_id: uuid.UUID) -> HttpResponse:
        """Return the map as a small grey PNG; 404 where there is none that the person may see."""
        user = signed_in(request)
        return HttpResponse(
            map_of(user, access.image(user, study_id, image_id)),
            content_type="image/png",
            headers={"Cache-Control": "private, no-store"},
        )


def etag(study: Study) -> str:
    """Return the ETag of a study: its revision."""
    return f'"{study.revision}"'


def _claimed(study: Study) -> Response:
    return Response(shapes.ClaimShape(study).data, headers={"ETag": etag(study)})
