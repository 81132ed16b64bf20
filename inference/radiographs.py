"""Radiographs and their renditions: stored once, decoded as rarely as possible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from bonefrac.stores import FRAMES, RENDITIONS
from inference import renditions
from inference.models import ModelVersion, Radiograph, Rendition
from inference.renditions import PREVIEW
from inference.states import ModelStatus
from training.frames import Encoded, Frame, GreyScale, encode, reopen
from training.preprocessing import Preprocessing


@dataclass(frozen=True, slots=True)
class Description:
    """A decoded frame without its decoded pixels: what crosses from the child that decodes, and what is stored.

    Attributes:
        encoded: The frame as it is kept.
        decoder: Name of the decoder that read it.
        pixel_digest: SHA-256 (hex) over all that decides its grey levels.
        grey: What ``GreyScale.to_dict`` returned.
    """

    encoded: Encoded
    decoder: str
    pixel_digest: str
    rows: int
    columns: int
    photometric_interpretation: str
    bits_allocated: int
    bits_stored: int
    is_signed: bool
    grey: dict[str, Any]


def describe(frame: Frame) -> Description:
    """Return what is kept of a decoded frame."""
    return Description(
        encoded=encode(frame),
        decoder=frame.decoder,
        pixel_digest=frame.digest(),
        rows=frame.rows,
        columns=frame.columns,
        photometric_interpretation=frame.photometric_interpretation,
        bits_allocated=frame.bits_allocated,
        bits_stored=frame.bits_stored,
        is_signed=frame.is_signed,
        grey=frame.grey_scale.to_dict(),
    )


def store(
    described: Description, *, pixel_key: str, facts: Mapping[str, Any], files: Mapping[str, bytes]
) -> tuple[Radiograph, bool]:
    """Store a radiograph and its renditions once; files first, so that an orphan is harmless.

    Args:
        described: From ``describe``.
        pixel_key: The owner's HMAC of the digest: equal keys are one radiograph.
        facts: What a model's scope asks: ``modality``, ``body_part``, ``age_band``, ``is_colour_photo``.
        files: Renditions by preprocessing digest, from ``renditions.render``.

    Returns:
        The radiograph, and whether it was made now.
    """
    frame_key = FRAMES.put(described.encoded.content)
    keys = {digest: RENDITIONS.put(content) for digest, content in files.items()}
    with transaction.atomic():
        radiograph, is_new = Radiograph.objects.get_or_create(
            pixel_key=pixel_key, defaults=_columns(described, frame_key, facts)
        )
        _add_renditions(radiograph, keys)
    return radiograph, is_new


def _columns(described: Description, frame_key: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "pixel_digest": described.pixel_digest,
        "frame": frame_key,
        "frame_bytes": len(described.encoded.content),
        "transfer_syntax": described.encoded.transfer_syntax,
        "decoder": described.decoder,
        "rows": described.rows,
        "columns": described.columns,
        "photometric_interpretation": described.photometric_interpretation,
        "bits_allocated": described.bits_allocated,
        "bits_stored": described.bits_stored,
        "is_signed": described.is_signed,
        "grey": described.grey,
        "facts": dict(facts),
    }


def _add_renditions(radiograph: Radiograph, keys: Mapping[str, str]) -> None:
    rows = [Rendition(radiograph=radiograph, preprocessing_digest=digest, file=key) for digest, key in keys.items()]
    Rendition.objects.bulk_create(rows, ignore_conflicts=True)


def preprocessings() -> list[dict[str, Any]]:
    """Return the preprocessings of every model that reads new radiographs now, each once."""
    rows = ModelVersion.objects.filter(status__in=[ModelStatus.ACTIVE, ModelStatus.SHADOW])
    found = dict(rows.order_by("id").values_list("preprocessing_digest", "preprocessing"))
    return list(found.values())


def frame_of(radiograph: Radiograph) -> Frame:
    """Return the decoded frame of a stored radiograph.

    Raises:
        FileNotFoundError: Its pixels are gone.
        FrameError: The stored bytes cannot be decoded.
    """
    return reopen(
        Encoded(FRAMES.read(radiograph.frame), radiograph.transfer_syntax),
        rows=radiograph.rows,
        columns=radiograph.columns,
        photometric_interpretation=radiograph.photometric_interpretation,
        bits_allocated=radiograph.bits_allocated,
        bits_stored=radiograph.bits_stored,
        is_signed=radiograph.is_signed,
        grey=radiograph.grey,
    )


def shown_shape(radiograph: Radiograph) -> tuple[int, int]:
    """Return rows and columns of a radiograph as it is shown, with square pixels."""
    return GreyScale.from_dict(radiograph.grey).square_shape(radiograph.rows, radiograph.columns)


def rendition(radiograph: Radiograph, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Return what a model reads of a radiograph, (size, size); made from the frame and kept where it is missing.

    Raises:
        OSError: A store cannot be read.
        FrameError: The stored frame cannot be decoded.
    """
    return renditions.decode(_file(radiograph, preprocessing.digest, [preprocessing.to_dict()]))


def preview(radiograph: Radiograph) -> bytes:
    """Return the picture that lists show, as PNG, longest side 512 px. Made and raises as ``rendition``."""
    return _file(radiograph, PREVIEW, [])


def _file(radiograph: Radiograph, digest: str, wanted: list[dict[str, Any]]) -> bytes:
    row = Rendition.objects.filter(radiograph=radiograph, preprocessing_digest=digest).first()
    if row is not None:
        try:
            return RENDITIONS.read(row.file)
        except FileNotFoundError:  # a backup may leave renditions out: they can be made again
            row.delete()
    files = renditions.render(frame_of(radiograph), wanted)
    _add_renditions(radiograph, {key: RENDITIONS.put(content) for key, content in files.items()})
    return files[digest]
