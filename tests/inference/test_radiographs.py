"""Radiographs and renditions: stored once, made again where they are missing."""

from __future__ import annotations

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction

from bonefrac.stores import FRAMES, RENDITIONS
from inference import radiographs, renditions
from inference.models import Radiograph, Rendition
from tests.factories_inference import grey_radiograph, picture, store
from training.frames import Frame, GreyScale
from training.preprocessing import Preprocessing


def test_the_same_pixels_of_one_owner_are_one_row(active):
    pixels = picture()
    first, is_new = store(pixels)
    second, is_new_too = store(pixels)
    assert (is_new, is_new_too) == (True, False)
    assert first == second
    other, _ = store(pixels, pixel_key="0" * 64)
    assert other != first
    assert other.pixel_digest == first.pixel_digest


def test_the_first_decode_makes_the_preview_and_what_models_read(active):
    radiograph = grey_radiograph(rows=900, columns=1200)
    kinds = set(radiograph.renditions.values_list("preprocessing_digest", flat=True))
    assert kinds == {renditions.PREVIEW, active.preprocessing_digest}
    preview = renditions.decode(radiographs.preview(radiograph))
    assert preview.shape == (384, 512)
    assert preview[:150].mean() > preview[-150:].mean() + 200


def test_a_candidate_gets_no_renditions(model):
    assert radiographs.preprocessings() == []
    assert grey_radiograph().renditions.count() == 1


def test_the_frame_comes_back_as_it_went_in(db):
    pixels = picture()
    radiograph, _ = store(pixels)
    assert np.array_equal(radiographs.frame_of(radiograph).pixels, pixels)
    assert radiographs.frame_of(radiograph).digest() == radiograph.pixel_digest


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("photometric_interpretation", ["MONOCHROME1", "MONOCHROME2"])
def test_a_rendition_that_is_missing_is_made_from_the_frame(db, bits, photometric_interpretation):
    generator = np.random.default_rng(bits)
    pixels = generator.integers(0, 2**bits, (70, 50)).astype(np.uint8 if bits == 8 else np.uint16)
    frame = Frame(
        pixels,
        photometric_interpretation=photometric_interpretation,
        bits_allocated=8 if bits == 8 else 16,
        bits_stored=bits,
        grey_scale=GreyScale(aspect=(2, 1)),
    )
    described = radiographs.describe(frame)
    radiograph, _ = radiographs.store(described, pixel_key=f"{bits:064}", facts={}, files={})
    preprocessing = Preprocessing(64)
    made = radiographs.rendition(radiograph, preprocessing)
    assert np.array_equal(made, preprocessing.rendition(frame.grey()))
    row = Rendition.objects.get(radiograph=radiograph, preprocessing_digest=preprocessing.digest)
    RENDITIONS.remove(row.file)
    assert np.array_equal(radiographs.rendition(radiograph, preprocessing), made)
    assert np.array_equal(radiographs.rendition(radiograph, preprocessing), made)
    assert Rendition.objects.filter(radiograph=radiograph).count() == 2  # and the preview
    assert radiographs.shown_shape(radiograph) == frame.grey().shape


def test_pixels_that_are_gone_are_an_error_of_the_store(radiograph):
    FRAMES.remove(radiograph.frame)
    with pytest.raises(FileNotFoundError):
        radiographs.rendition(radiograph, Preprocessing(64))


def test_a_stored_radiograph_never_changes(radiograph):
    with pytest.raises(IntegrityError), transaction.atomic():
        Radiograph.objects.filter(pk=radiograph.pk).update(rows=1)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM inference_radiograph")
