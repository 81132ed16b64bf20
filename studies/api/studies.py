"""The API of studies: the list, one study, and who holds it."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bonefrac.accounts.requests import signed_in
from studies import access, forms, worklist
from studies.api import shapes
from studies.models import Study
from studies.policies import sees_reading_side
from studies.selectors import listing, map_of, open_as_uploader, open_study
from studies.selectors.rows import uploads_page, worklist_page

LIST_PARAMETERS = [
    OpenApiParameter("cursor", str),
    OpenApiParameter("show", str, enum=listing.SHOWS, default="open"),
    OpenApiParameter("site", OpenApiTypes.UUID),
    OpenApiParameter("part", str),
    OpenApiParameter("ai", str, enum=sorted(listing.AI_RANKS)),
    OpenApiParameter("urgent", bool),
    OpenApiParameter("search", str, description="P- and a patient's first digits, an accession, or a study's id"),
    OpenApiParameter("size", int, description="at most 200"),
]


class Studies(APIView):
    """The studies that the person may see."""

    @extend_schema(operation_id="studies_list", parameters=LIST_PARAMETERS, responses=shapes.StudyPageShape)
    def get(self, request: Request) -> Response:
        """List studies in the order of the worklist; ``next`` is the cursor of the next page."""
        user = signed_in(request)
        filters = forms.filters(request.query_params)
        cursor, size = request.query_params.get("cursor", ""), forms.size(request.query_params)
        if filters.show == "uploads" or listing.only_uploads(user):
            uploads, following = uploads_page(user, cursor=cursor, size=size)
            results = [shapes.of_upload(row) for row in uploads]
        else:
            rows, following = worklist_page(user, filters, cursor=cursor, size=size)
            results = [shapes.of_row(row) for row in rows]
        return Response(shapes.StudyPageShape({"next": following, "results": results}).data)


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
