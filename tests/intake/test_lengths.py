"""Millimetres are said only where the file says how they were measured, and of the detector as such."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests import factories_intake as files
from tests import factories_studies as make

CALIBRATED = {"PixelSpacing": [0.5, 0.25], "PixelSpacingCalibrationType": "FIDUCIAL"}


@pytest.mark.parametrize(
    ("elements", "size"),
    [
        (CALIBRATED, "16 × 24 mm"),
        (CALIBRATED | {"ImagerPixelSpacing": [1, 1]}, "16 × 24 mm"),
        ({"ImagerPixelSpacing": [0.5, 0.25]}, "16 × 24 mm at the detector"),
        ({"PixelSpacing": [0.5, 0.25], "ImagerPixelSpacing": [0.5, 0.25]}, "16 × 24 mm at the detector"),
        ({"PixelSpacing": [0.5, 0.25]}, "64 × 48 pixels"),
        ({"PixelSpacing": [0, 0]}, "64 × 48 pixels"),
        ({}, "64 × 48 pixels"),
    ],
)
def test_the_page_of_a_study_says_how_large_its_image_is(elements, size, uploader, site, client):
    (file,) = files.hand_in(uploader, site, files.dicom(files.dataset(**elements)))
    assert file.study_image.size == size
    client.force_login(make.lead(site), backend="bonefrac.accounts.backends.PlatformBackend")
    page = client.get(reverse("studies:study", args=[file.study.pk])).content.decode()
    assert f">{size}<" in page


def test_side_and_view_of_the_header_are_shown(uploader, site, client):
    (file,) = files.hand_in(uploader, site, files.dicom(files.dataset(Laterality="L", ViewPosition="AP")))
    client.force_login(make.lead(site), backend="bonefrac.accounts.backends.PlatformBackend")
    page = client.get(reverse("studies:study", args=[file.study.pk])).content.decode()
    assert "AP left" in page
