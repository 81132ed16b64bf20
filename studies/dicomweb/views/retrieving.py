"""WADO-RS: sends studies, series, instances, their metadata, frames, pictures and bulk data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.request import Request

from bonefrac.errors import Invalid, NotFound
from studies.dicom import compose
from studies.dicomweb import media, metadata, pictures, selectors
from studies.dicomweb.views import storing, transfers
from studies.dicomweb.views.base import Face, answer, base_of, scope_of, wanted
from studies.models import StudyImage


class Retrieved(Face):
    """What is asked of a study, a series or an instance by its address."""

    def _images(self, request: Request, site_id: str, study: str, series: str, instance: str) -> list[StudyImage]:
        return selectors.retrieved(scope_of(request, site_id=site_id, study=study, series=series), instance)


class Files(Retrieved):
    """The instances of a study or series, or one, as DICOM files."""

    def get(
        self, request: Request, study: str, series: str = "", instance: str = "", site_id: str = ""
    ) -> HttpResponseBase:
        """Send the instances, in parts."""
        images = self._images(request, site_id, study, series, instance)
        chosen = [_chosen(media.instance_syntax(wanted(request), _stored(image))) for image in images]
        if instance and not chosen[0][1]:
            return _whole(images[0], chosen[0][0])
        served = [(image, syntax) for image, (syntax, _in_parts) in zip(images, chosen, strict=True)]
        _refuse_lost(images)
        return transfers.in_parts(media.DICOM, map(_file_part, served))


class Study(Files):
    """One study: retrieved, or stored into."""

    def post(self, request: Request, study: str, site_id: str = "") -> HttpResponse:
        """Store instances that all belong to the study, by the UID of the sender."""
        return storing.store(request, site_id=site_id, study=study)


class Metadata(Retrieved):
    """The headers of a study, series or instance."""

    def get(
        self, request: Request, study: str, series: str = "", instance: str = "", site_id: str = ""
    ) -> HttpResponse:
        """Send the headers; pixels and other long values by the address of their bulk data."""
        content_type = media.json_of(wanted(request))
        images = self._images(request, site_id, study, series, instance)
        _refuse_lost(images)
        base = base_of(request, site_id)
        return answer([metadata.of(image, base) for image in images], content_type=content_type, is_kept=True)


class Frames(Retrieved):
    """The frames of an instance, of which there is one."""

    def get(
        self, request: Request, study: str, series: str, instance: str, frames: str, site_id: str = ""
    ) -> HttpResponseBase:
        """Send the frame as it is stored, or decoded."""
        (image,) = self._images(request, site_id, study, series, instance)
        asked = _numbers(frames)
        _refuse_lost([image])
        return _pixels(request, image, len(asked))


class Bulk(Retrieved):
    """The pixel data of an instance as bulk data."""

    def get(self, request: Request, study: str, series: str, instance: str, site_id: str = "") -> HttpResponseBase:
        """Send the pixel data as a frame."""
        (image,) = self._images(request, site_id, study, series, instance)
        _refuse_lost([image])
        return _pixels(request, image, 1)


class Rendered(Retrieved):
    """Pictures of a study, series, instance or frame, as readers see them."""

    def get(
        self,
        request: Request,
        study: str,
        series: str = "",
        instance: str = "",
        frames: str = "",
        site_id: str = "",
    ) -> HttpResponseBase:
        """Send each image as JPEG or PNG, windowed and scaled as asked; several in parts."""
        images = self._images(request, site_id, study, series, instance)
        look, kind = pictures.asked(request.query_params), pictures.kind_of(wanted(request))
        if frames:
            _numbers(frames)
        _refuse_lost(images)
        tag = transfers.tag_of(kind, look, [image.pk for image in images])
        if kept := transfers.unchanged(request, tag):
            return kept
        if instance:
            return transfers.picture(pictures.rendered(images[0].radiograph, look, kind), kind, tag)
        parts = ((kind, (pictures.rendered(image.radiograph, look, kind),)) for image in images)
        return transfers.in_parts(kind, parts, tag)


class Thumbnail(Retrieved):
    """A small picture of a study, series, instance or frame: of its first image."""

    def get(
        self,
        request: Request,
        study: str,
        series: str = "",
        instance: str = "",
        frames: str = "",
        site_id: str = "",
    ) -> HttpResponseBase:
        """Send the picture that lists show."""
        image = self._images(request, site_id, study, series, instance)[0]
        kind = pictures.kind_of(wanted(request))
        if frames:
            _numbers(frames)
        _refuse_lost([image])
        tag = transfers.tag_of(kind, image.pk, request.query_params.get("viewport"))
        if kept := transfers.unchanged(request, tag):
            return kept
        return transfers.picture(pictures.thumbnail(image.radiograph, request.query_params, kind), kind, tag)


def _stored(image: StudyImage) -> str:
    return image.radiograph.transfer_syntax


def _chosen(syntax: tuple[str, bool] | None) -> tuple[str, bool]:
    if syntax is None:
        raise media.not_offered()
    return syntax


def _refuse_lost(images: Sequence[StudyImage]) -> None:
    """Say that there is nothing, before the first byte of an answer, where pixels are gone."""
    if not all(compose.has_pixels(image.radiograph) for image in images):
        raise NotFound


def _numbers(text: str) -> list[int]:
    """Return the numbers of the frames that are asked; there is only the first."""
    numbers = [int(part) for part in text.split(",") if part.isdigit()]
    if not numbers or len(numbers) != len(text.split(",")):
        raise Invalid(_("Frames are whole numbers from 1, with commas between them."), code="bad_frames")
    if set(numbers) != {1}:
        raise NotFound
    return numbers


def _whole(image: StudyImage, syntax: str) -> HttpResponseBase:
    served = compose.stream(image, syntax)
    content_type = f"{media.DICOM}; transfer-syntax={syntax}"
    return transfers.whole(served.chunks, content_type, served.size)


def _file_part(served: tuple[StudyImage, str]) -> tuple[str, Iterable[bytes]]:
    image, syntax = served
    return f"{media.DICOM}; transfer-syntax={syntax}", compose.stream(image, syntax).chunks


def _pixels(request: Request, image: StudyImage, times: int) -> HttpResponseBase:
    chosen = media.frame_syntax(wanted(request), _stored(image))
    if chosen is None:
        raise media.not_offered()
    kind, syntax, is_multipart = chosen
    content_type = f"{kind}; transfer-syntax={syntax}"
    tag = transfers.tag_of(content_type, is_multipart, times, image.pk)
    if kept := transfers.unchanged(request, tag):
        return kept
    if not is_multipart:
        pixels = compose.frame(image.radiograph, syntax)
        return transfers.spanned(request, pixels.chunks, content_type, pixels.size, tag)
    parts = ((content_type, compose.frame(image.radiograph, syntax).chunks) for _time in range(times))
    return transfers.in_parts(kind, parts, tag)
