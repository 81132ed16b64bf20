"""Every encoding in which an instance may be served is shown at full depth, decoded in the browser under the policy."""

import csv

import numpy as np
import pydicom
import pytest
from pydicom.uid import RLELossless

from tests.browser import harness
from tests.browser.test_viewer import grey_at, ready, state

pytestmark = pytest.mark.browser
ROWS, COLUMNS = 400, 300


def rle(pixels):
    from io import BytesIO

    ds = pydicom.dcmread(BytesIO(harness.part10(pixels)))
    ds.compress(RLELossless)
    out = BytesIO()
    ds.save_as(out)
    return out.getvalue()


MADE = {
    "uncompressed 12 bits": lambda: (harness.bone(ROWS, COLUMNS), harness.part10),
    "uncompressed 8 bits": lambda: (harness.bone(ROWS, COLUMNS, 8), lambda pixels: harness.part10(pixels, bits=8)),
    "uncompressed 16 bits": lambda: (harness.bone(ROWS, COLUMNS, 16), lambda pixels: harness.part10(pixels, bits=16)),
    "RLE 12 bits": lambda: (harness.bone(ROWS, COLUMNS), rle),
    "baseline JPEG 8 bits": lambda: (harness.bone(ROWS, COLUMNS, 8), harness.jpeg_baseline),
    "JPEG-LS 8 bits": lambda: (harness.bone(ROWS, COLUMNS, 8), lambda pixels: harness.jpeg_ls(pixels, 8)),
    "JPEG-LS 12 bits": lambda: (harness.bone(ROWS, COLUMNS), lambda pixels: harness.jpeg_ls(pixels, 12)),
    "JPEG-LS 16 bits": lambda: (harness.bone(ROWS, COLUMNS, 16), lambda pixels: harness.jpeg_ls(pixels, 16)),
}


@pytest.mark.parametrize("encoding", MADE)
def test_made_instances_show_the_right_greys(encoding, site, open_page):
    pixels, encode = MADE[encoding]()
    page = open_page(site.reading([site.image("one", encode(pixels), ROWS, COLUMNS, preview=harness.png(pixels))]))
    ready(page, "one")
    bits = 16 if "16" in encoding else 12 if "12" in encoding else 8
    assert int(state(page, "ww")) == pytest.approx(2**bits, abs=2)
    for x, y in ((10, 10), (150, 200), (20, 390), (280, 100)):
        expected = pixels[y, x] / (2**bits - 1) * 255
        assert grey_at(page, x + 0.5, y + 0.5)[0] == pytest.approx(expected, abs=6), (x, y)


def test_monochrome1_shows_its_low_values_bright(site, open_page):
    pixels = harness.bone(ROWS, COLUMNS)
    dicom = harness.part10((4095 - pixels).astype(np.uint16), photometric="MONOCHROME1")
    page = open_page(site.reading([site.image("one", dicom, ROWS, COLUMNS, preview=harness.png(pixels))]))
    ready(page, "one")
    assert state(page, "inverted") == "false", "the picture as it is meant is not called inverted"
    assert grey_at(page, 10, 10)[0] > 240
    assert grey_at(page, 290, 10)[0] < 60


def real_files():
    index = harness.ROOT.parent / "shared" / "data" / "dicom_xray" / "index.csv"
    if not index.is_file():
        return [pytest.param("", marks=pytest.mark.skip(reason="../shared/data is not beside the project"))]
    with index.open() as lines:
        return [next(iter(row.values())) for row in csv.DictReader(lines)]


@pytest.mark.shared_data
@pytest.mark.parametrize("name", real_files())
def test_real_instances_are_shown_at_full_depth(name, site, open_page, shared_data):
    file = shared_data / "dicom_xray" / name
    header = pydicom.dcmread(file, stop_before_pixels=True, force=True)
    entry = site.image("one", file.read_bytes(), int(header.Rows), int(header.Columns))
    page = open_page(site.reading([entry]), allow=("Invalid vr type",))
    ready(page, "one")
    assert float(state(page, "ww")) > 1
