"""The API of the front door: hand files in, ask what became of them."""

from __future__ import annotations

import uuid

from django.urls import reverse
from django.utils.http import parse_etags, quote_etag
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bonefrac.accounts.models import Role
from bonefrac.accounts.requests import signed_in
from bonefrac.errors import Invalid
from studies import access, intake
from studies.intake import Details, Grouping, Handed, batches, listing
from studies.intake.batches import Coming
from studies.intake.listing import FileRow
from studies.states import BodyPart, FileStatus, Sex, Side

_GROUPINGS = [(grouping.value, grouping.value) for grouping in Grouping]


class DetailsSerializer(serializers.Serializer[Details]):
    """What is known beside the pixels; everything may stay unknown."""

    site = serializers.UUIDField(required=False)
    patient_code = serializers.CharField(required=False, default="", allow_blank=True, max_length=64)
    age_months = serializers.IntegerField(required=False, default=None, allow_null=True, min_value=0, max_value=1560)
    sex = serializers.ChoiceField(choices=Sex.choices, required=False, default=Sex.UNKNOWN)
    body_part = serializers.ChoiceField(choices=BodyPart.choices, required=False, default=BodyPart.UNKNOWN)
    side = serializers.ChoiceField(choices=Side.choices, required=False, default=Side.UNKNOWN)
    question = serializers.CharField(required=False, default="", allow_blank=True, max_length=500)
    urgent = serializers.BooleanField(required=False, default=False)
    is_film_photo = serializers.BooleanField(required=False, default=False, help_text="photographs of films")
    grouping = serializers.ChoiceField(choices=_GROUPINGS, required=False, default=Grouping.ONE_STUDY.value)
    batch = serializers.UUIDField(required=False, default=None, allow_null=True)
    expected_files = serializers.IntegerField(required=False, default=0, min_value=0, max_value=100_000)
    continues = serializers.BooleanField(
        required=False, default=False, help_text="goes on with `batch`: what was entered for it holds, not what is here"
    )

    def details(self) -> Details | None:
        """Return what was entered, None where it was entered before; call it on valid data only."""
        if self.validated_data["continues"]:
            return None
        names = ("patient_code", "age_months", "sex", "body_part", "side", "question", "urgent", "is_film_photo")
        return Details(**{name: self.validated_data[name] for name in names})


class UploadSerializer(DetailsSerializer):
    """Files, and what is known beside their pixels."""

    files = serializers.ListField(child=serializers.FileField(allow_empty_file=True), allow_empty=False)
    folders = serializers.ListField(
        child=serializers.CharField(allow_blank=True, max_length=1000), default=list,
        help_text="the folder of each file, in order, for the grouping by folder; only a keyed hash of it is kept",
    )  # fmt: skip
    keys = serializers.ListField(
        child=serializers.CharField(allow_blank=True, max_length=2000), default=list,
        help_text="a key of your own for each file, in order: the same file again under its key is not taken in twice",
    )  # fmt: skip


class FileSerializer(serializers.Serializer[FileRow]):
    """A file and its verdict."""

    id = serializers.UUIDField()
    batch = serializers.UUIDField()
    name = serializers.CharField(help_text="your own file name, kept 30 days")
    status = serializers.ChoiceField(choices=FileStatus.choices)
    word = serializers.CharField()
    code = serializers.CharField()
    sentence = serializers.CharField()
    study = serializers.UUIDField(allow_null=True)
    study_status = serializers.CharField()
    verdict = serializers.CharField(help_text="what was signed; empty before")


class BatchSerializer(serializers.Serializer[FileRow]):
    """What became of the files of one request."""

    batch = serializers.UUIDField()
    files = FileSerializer(many=True)


class FilePageSerializer(serializers.Serializer[FileRow]):
    """A page of files."""

    next = serializers.CharField(allow_blank=True)
    results = FileSerializer(many=True)


class Uploads(APIView):
    """Files that the person hands in."""

    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="uploads_list", parameters=[OpenApiParameter("cursor", str)], responses=FilePageSerializer
    )
    def get(self, request: Request) -> Response:
        """List your files, newest first; ``next`` is the cursor of the next page."""
        user = signed_in(request)
        access.any_site(user, Role.UPLOADER)
        rows, following = listing.files_page(user, cursor=request.query_params.get("cursor", ""))
        return Response({"next": following, "results": [row.as_dict() for row in rows]})

    @extend_schema(operation_id="uploads_create", request=UploadSerializer, responses={202: BatchSerializer})
    def post(self, request: Request) -> Response:
        """Hand files in. Each gets a verdict of its own; what is RECEIVED is judged in the background."""
        user = signed_in(request)
        access.any_site(user, Role.UPLOADER)
        asked = UploadSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        entered = asked.validated_data
        rows = intake.receive(
            user,
            site=access.site(user, site_of(request, entered.get("site")), Role.UPLOADER),
            files=Handed.of_form(entered["files"], entered["folders"], entered["keys"]),
            details=asked.details(),
            batch=entered["batch"],
            expected_files=entered["expected_files"] or (0 if entered["batch"] else len(entered["files"])),
            grouping=Grouping(entered["grouping"]),
        )
        files = [row.as_dict() for row in listing.rows_of(user, rows)]
        return Response({"batch": str(rows[0].batch), "files": files}, status=202)


class UploadDetail(APIView):
    """One file that the person handed in."""

    @extend_schema(operation_id="uploads_retrieve", responses=FileSerializer)
    def get(self, request: Request, file_id: uuid.UUID) -> Response:
        """Return a file and its verdict."""
        return Response(listing.one_file(signed_in(request), file_id).as_dict())


def site_of(request: Request, named: uuid.UUID | None) -> uuid.UUID:
    """Return the named site, or the only one for which the person uploads."""
    if named is not None:
        return named
    keys = list(listing.sites_to_upload(signed_in(request)).values_list("pk", flat=True)[:2])
    if len(keys) != 1:
        sentence = _("You upload for several sites: name one.")
        raise Invalid(sentence, code="site_missing", fields={"site": sentence})
    return keys[0]


class KeysSerializer(serializers.Serializer[FileRow]):
    """A sender's own keys of files."""

    keys = serializers.ListField(child=serializers.CharField(allow_blank=True, max_length=2000), max_length=10_000)


class KnownSerializer(serializers.Serializer[FileRow]):
    """What the platform knows under one key: a file, an upload that goes on, or neither."""

    file = FileSerializer(allow_null=True)
    upload = serializers.CharField(allow_null=True, help_text="the address at which the bytes go on")
    received = serializers.IntegerField(help_text="bytes that are here")


class KnownFilesSerializer(serializers.Serializer[FileRow]):
    """An answer for each key, in order."""

    known = KnownSerializer(many=True)


class ComingSerializer(serializers.Serializer[FileRow]):
    """A file whose bytes are still on their way."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    received = serializers.IntegerField()
    length = serializers.IntegerField()


class BatchPageSerializer(serializers.Serializer[FileRow]):
    """What is true of an upload as a whole, and a page of its files."""

    batch = serializers.UUIDField()
    site = serializers.UUIDField()
    begun_at = serializers.DateTimeField()
    total = serializers.IntegerField()
    missing = serializers.IntegerField(help_text="announced files that have not arrived")
    is_open = serializers.BooleanField(help_text="a file still waits for its verdict")
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="files by status")
    coming = ComingSerializer(many=True)
    next = serializers.CharField(allow_blank=True)
    results = FileSerializer(many=True)


class BatchDetail(APIView):
    """One upload that the person handed in."""

    @extend_schema(
        operation_id="batches_retrieve",
        responses={200: BatchPageSerializer, 304: None},
        parameters=[
            OpenApiParameter("after", str, description="`next` of the page before"),
            OpenApiParameter("only", str, enum=list(batches.ONLY)),
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="the ETag of the last answer"),
        ],
    )
    def get(self, request: Request, batch_id: uuid.UUID) -> Response:
        """Return counts and a page of files; 304 where nothing has changed since the ETag that is named."""
        asked = request.query_params
        page = batches.page_of(signed_in(request), batch_id, after=asked.get("after", ""), only=asked.get("only", ""))
        tag = quote_etag(page.fingerprint)
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag in parse_etags(request.headers.get("If-None-Match", "")):
            return Response(status=304, headers=headers)
        told = {**page.of.as_dict(), "next": page.following, "results": [row.as_dict() for row in page.rows]}
        return Response(told, headers=headers)


class BatchKnown(APIView):
    """What of an upload is here already, asked before it goes on."""

    @extend_schema(operation_id="batches_known", request=KeysSerializer, responses=KnownFilesSerializer)
    def post(self, request: Request, batch_id: uuid.UUID) -> Response:
        """Return for each key the file that is in, or where its bytes go on, or neither: then it is missing."""
        asked = KeysSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        answers = batches.known(signed_in(request), batch_id, asked.validated_data["keys"])
        return Response({"known": [_known(answer) for answer in answers]})


def _known(answer: FileRow | Coming | None) -> dict[str, object]:
    if isinstance(answer, Coming):
        address = reverse("api_resumable_upload", args=[answer.upload.pk])
        return {"file": None, "upload": address, "received": answer.upload.received}
    if answer is None:
        return {"file": None, "upload": None, "received": 0}
    return {"file": answer.as_dict(), "upload": None, "received": answer.file.size_bytes}
