"""How pixels go out: whole, in spans (RFC 9110 14), in parts, or not again where the client has them (RFC 9110 13)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Final

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from rest_framework.request import Request

from bonefrac.db import new_id
from studies.dicomweb import media, multipart

_SPAN: Final = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_KEPT: Final = "private, max-age=3600"


def tag_of(*told: object) -> str:
    """Return the entity tag of what follows from some facts; a weak one, since the edges between parts differ."""
    return f'W/"{hashlib.sha256(repr(told).encode()).hexdigest()[:32]}"'


def unchanged(request: Request, tag: str) -> HttpResponseBase | None:
    """Return the answer 304 where the client has what the tag names; None where it is to be sent."""
    answer: HttpResponseBase | None = get_conditional_response(request._request, etag=tag)
    if answer is not None:
        answer["Cache-Control"] = _KEPT
    return answer


def whole(chunks: Iterator[bytes], content_type: str, size: int | None = None, tag: str = "") -> HttpResponseBase:
    """Return bytes as they come."""
    response = StreamingHttpResponse(chunks, content_type=content_type)
    response["Cache-Control"] = _KEPT
    if size is not None:
        response["Content-Length"] = str(size)
    if tag:
        response["ETag"] = tag
    return response


def in_parts(kind: str, parts: Iterable[tuple[str, Iterable[bytes]]], tag: str = "") -> HttpResponseBase:
    """Return bodies one after the other."""
    boundary = f"bonefrac-{new_id().hex}"
    content_type = f'{media.MULTIPART}; type="{kind}"; boundary={boundary}'
    return whole(multipart.written(parts, boundary), content_type, tag=tag)


def picture(content: bytes, kind: str, tag: str) -> HttpResponse:
    """Return a picture."""
    return HttpResponse(content, content_type=kind, headers={"Cache-Control": _KEPT, "ETag": tag})


def spanned(request: Request, chunks: Iterator[bytes], content_type: str, size: int, tag: str) -> HttpResponseBase:
    """Return the one span of bytes that a client asks for (206), 416 where there is none such; else all of them."""
    found = _SPAN.fullmatch(request.headers.get("Range", ""))
    if not found or found[0] == "bytes=-" or "If-Range" in request.headers:  # a weak tag proves no equal bytes
        response = whole(chunks, content_type, size, tag)
        response["Accept-Ranges"] = "bytes"
        return response
    first = int(found[1]) if found[1] else max(0, size - int(found[2]))
    last = min(size - 1, int(found[2])) if found[1] and found[2] else size - 1
    if first > last:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    response = whole(_cut(chunks, first, last + 1), content_type, last + 1 - first, tag)
    response.status_code = 206
    response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response


def _cut(chunks: Iterator[bytes], first: int, end: int) -> Iterator[bytes]:
    at = 0
    for chunk in chunks:
        if at + len(chunk) > first and at < end:
            yield chunk[max(0, first - at) : end - at]
        at += len(chunk)
        if at >= end:
            return
