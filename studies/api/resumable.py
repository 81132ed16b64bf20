"""Uploads in pieces: the protocol tus 1.0 with what its extensions offer that is named in ``EXTENSIONS``.

It parses and answers the protocol; what becomes of the bytes is ``studies.intake.resumable``.
"""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.http import HttpHeaders, HttpRequest
from django.urls import reverse
from django.utils.http import http_date
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bonefrac.accounts.models import Role
from bonefrac.accounts.requests import signed_in
from bonefrac.errors import DomainError, Invalid
from studies import access
from studies.api.intake import DetailsSerializer, FileSerializer, site_of
from studies.intake import Grouping, listing, resumable
from studies.intake.resumable import Announced, Checksum
from studies.models import ResumableUpload

if TYPE_CHECKING:
    from rest_framework.response import Response as AnyResponse

    from bonefrac.accounts.models import User

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,termination,expiration,checksum"
PIECE: Final = "application/offset+octet-stream"
_HEADERS: Final = [OpenApiParameter("Tus-Resumable", str, OpenApiParameter.HEADER, required=True, description="1.0.0")]
_CHECKSUM: Final = OpenApiParameter(
    "Upload-Checksum", str, OpenApiParameter.HEADER, description="`sha256` or `sha1`, a space, the digest in base64"
)
_OFFSET: Final = OpenApiParameter("Upload-Offset", int, OpenApiParameter.HEADER, required=True)


class OtherVersion(DomainError):
    """The client speaks another version of the protocol (412)."""

    status = 412
    default_code = "other_version"


class AnnouncementSerializer(DetailsSerializer):
    """The metadata of an upload: the file's name and folder, and what is known beside its pixels."""

    filename = serializers.CharField(required=False, default="", allow_blank=True, max_length=1000)
    folder = serializers.CharField(required=False, default="", allow_blank=True, max_length=1000)
    key = serializers.CharField(required=False, default="", allow_blank=True, max_length=2000)


class ResumableSerializer(serializers.Serializer[ResumableUpload]):
    """How far an upload is, and the file that it became."""

    id = serializers.UUIDField()
    batch = serializers.UUIDField()
    length = serializers.IntegerField()
    received = serializers.IntegerField()
    expires_at = serializers.DateTimeField()
    file = FileSerializer(allow_null=True)


class _Protocol(APIView):
    """What both addresses of the protocol share."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        asked = request.headers.get("Tus-Resumable", VERSION if request.method in ("GET", "OPTIONS") else "")
        if asked != VERSION:
            sentence = _("Expected the header Tus-Resumable: %(version)s, received %(asked)s.")
            raise OtherVersion(sentence % {"version": VERSION, "asked": asked or _("none")})

    def finalize_response(self, request: Request, response: AnyResponse, *args: Any, **kwargs: Any) -> AnyResponse:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Tus-Resumable"] = response["Tus-Version"] = VERSION
        response["Cache-Control"] = "no-store"
        return response

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:  # noqa: ARG002
        """Say what of the protocol is offered."""
        offered = {
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(settings.UPLOAD_BATCH_BYTES),
            "Tus-Checksum-Algorithm": ",".join(resumable.ALGORITHMS),
        }
        return Response(status=204, headers=offered)


class ResumableUploads(_Protocol):
    """Where an upload in pieces begins."""

    @extend_schema(
        operation_id="resumable_begin",
        request={PIECE: bytes},
        responses={201: None},
        parameters=[
            *_HEADERS,
            OpenApiParameter("Upload-Length", int, OpenApiParameter.HEADER, required=True),
            OpenApiParameter(
                "Upload-Metadata", str, OpenApiParameter.HEADER,
                description="filename, folder, site and the fields of uploads_create, each value in base64",
            ),
        ],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Begin an upload; ``Location`` is where its bytes go. What is too long is refused before any byte.

        The first bytes may come along as ``application/offset+octet-stream``; what arrived of them is in
        ``Upload-Offset``, also where the rest did not.
        """
        user = signed_in(request)
        access.any_site(user, Role.UPLOADER)
        asked = AnnouncementSerializer(data=_metadata(request.headers))
        asked.is_valid(raise_exception=True)
        entered = asked.validated_data
        announced = Announced(
            name=entered["filename"],
            length=_number(request.headers, "Upload-Length"),
            details=asked.details(),
            batch=entered["batch"],
            expected_files=entered["expected_files"],
            grouping=Grouping(entered["grouping"]),
            folder=entered["folder"],
            key=entered["key"],
        )
        site = access.site(user, site_of(request, entered.get("site")), Role.UPLOADER)
        upload = resumable.begin(user, site=site, announced=announced)
        if request.content_type == PIECE:
            upload = _taken(request, user, upload.pk, offset=0)
        address = reverse("api_resumable_upload", args=[upload.pk])
        return Response(status=201, headers={"Location": address, **_state(upload)})


class ResumableUploadDetail(_Protocol):
    """One upload in pieces that the person began."""

    @extend_schema(operation_id="resumable_retrieve", responses=ResumableSerializer)
    def get(self, request: Request, upload_id: uuid.UUID) -> Response:
        """Return how far an upload is, and the file that it became with its verdict."""
        user = signed_in(request)
        upload = access.resumable_upload(user, upload_id)
        file = listing.one_file(user, upload.file_id).as_dict() if upload.file_id else None
        known = {name: getattr(upload, name) for name in ("id", "batch", "length", "received", "expires_at")}
        return Response({**known, "file": file}, headers=_state(upload))

    def head(self, request: Request, upload_id: uuid.UUID) -> Response:
        """Return how far an upload is, in headers."""
        return Response(headers=_state(access.resumable_upload(signed_in(request), upload_id)))

    @extend_schema(
        operation_id="resumable_go_on",
        request={PIECE: bytes},
        responses={204: None},
        parameters=[*_HEADERS, _OFFSET, _CHECKSUM],
    )
    def patch(self, request: Request, upload_id: uuid.UUID) -> Response:
        """Take in the bytes that follow the offset; what arrived before a connection broke is kept."""
        if request.content_type != PIECE:
            raise exceptions.UnsupportedMediaType(request.content_type or "")
        offset = _number(request.headers, "Upload-Offset")
        upload = _taken(request, signed_in(request), upload_id, offset=offset)
        return Response(status=204, headers=_state(upload))

    @extend_schema(operation_id="resumable_give_up", responses={204: None}, parameters=_HEADERS)
    def delete(self, request: Request, upload_id: uuid.UUID) -> Response:
        """Forget an upload and the bytes that came."""
        resumable.give_up(signed_in(request), upload_id)
        return Response(status=204)


def _taken(request: Request, user: User, upload_id: uuid.UUID, *, offset: int) -> ResumableUpload:
    return resumable.go_on(
        user,
        upload_id,
        offset=offset,
        source=request._request,
        announced=_number(request.headers, "Content-Length", "0"),
        checksum=_checksum(request.headers),
    )


def _checksum(headers: HttpHeaders) -> Checksum | None:
    """Return what ``Upload-Checksum`` says: an algorithm, a space, a digest in base64."""
    told = headers.get("Upload-Checksum", "")
    if not told:
        return None
    algorithm, _space, digest = told.partition(" ")
    try:
        decoded = base64.b64decode(digest, validate=True)
    except ValueError:
        decoded = b""
    if algorithm not in resumable.ALGORITHMS or not decoded:
        sentence = _("Expected one of %(known)s and a digest in base64 in Upload-Checksum. Nothing was taken in.")
        raise Invalid(sentence % {"known": ", ".join(resumable.ALGORITHMS)}, code="bad_header")
    return Checksum(algorithm, decoded)


def _state(upload: ResumableUpload) -> dict[str, str]:
    told = {
        "Upload-Offset": str(upload.received),
        "Upload-Length": str(upload.length),
        "Upload-Expires": http_date(upload.expires_at.timestamp()),
    }
    return told | ({"Upload-File": str(upload.file_id)} if upload.file_id else {})


def _number(headers: HttpHeaders, name: str, missing: str = "") -> int:
    text = headers.get(name) or missing
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        sentence = _("Expected a count of bytes in the header %(name)s, received %(text)s.")
        raise Invalid(sentence % {"name": name, "text": text[:40] or _("none")}, code="bad_header")
    return int(text)


def _metadata(headers: HttpHeaders) -> dict[str, str]:
    """Return the pairs of ``Upload-Metadata``: a key, a space, a value in base64; commas between."""
    pairs = [pair.split() for pair in headers.get("Upload-Metadata", "").split(",") if pair.strip()]
    try:
        return {key: base64.b64decode("".join(values[:1]), validate=True).decode() for key, *values in pairs}
    except ValueError as error:
        sentence = _("Expected pairs of a key and a value in base64 in Upload-Metadata. Nothing was begun.")
        raise Invalid(sentence, code="bad_header") from error
