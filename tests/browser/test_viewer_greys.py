"""The greys on the viewer's canvas are those of the reference, for everything that decides them in a DICOM file."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from bonefrac.db import new_id
from bonefrac.stores import FRAMES
from inference.models import Radiograph
from studies.dicom import compose
from studies.dicom.headers import extract
from studies.models import Study, StudyImage
from tests.browser import harness
from tests.browser.test_viewer import ready
from tests.intake import greys
from training.frames import decode_dicom, encode, open_dicom

pytestmark = pytest.mark.browser
CR = "1.2.840.10008.5.1.4.1.1.1"


def served(content):
    """The instance that the platform serves of a file; nothing of it needs the database."""
    frame = decode_dicom(open_dicom(content))
    encoded = encode(frame)
    kept = Radiograph(
        frame=FRAMES.put(encoded.content), transfer_syntax=encoded.transfer_syntax, rows=frame.rows,
        columns=frame.columns, photometric_interpretation=frame.photometric_interpretation,
        bits_allocated=frame.bits_allocated, bits_stored=frame.bits_stored, is_signed=frame.is_signed,
        grey=frame.grey_scale.to_dict(),
    )  # fmt: skip
    header = extract(open_dicom(content)).kept
    study = Study(id=new_id(), study_uid="1.2.3")
    image = StudyImage(
        study=study, radiograph=kept, sop_class_uid=CR, sop_instance_uid="1.2.3.4", header=header, position=0
    )
    return frame, compose.instance(image)


def entries(site):
    for name, kind in greys.KINDS.items():
        frame, content = served(kind.content())
        key = name.replace(" ", "-").replace(",", "")
        yield name, site.image(key, content, frame.rows, frame.columns, preview=harness.png(np.ones((9, 9))))


def on_canvas(page, entry):
    """The greys in the middle of each patch, as the screen shows them."""
    steps = [((column + 0.5) * entry["columns"] / greys.ACROSS, (row + 0.5) * entry["rows"] / greys.DOWN)
             for row in range(greys.DOWN) for column in range(greys.ACROSS)]  # fmt: skip
    places = page.evaluate("steps => steps.map(([x, y]) => window.bonefrac.viewer.toScreen(x, y))", steps)
    shot = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    return np.array([shot[int(y), int(x), 1] for x, y in places], float).reshape(greys.DOWN, greys.ACROSS)


def test_the_canvas_shows_the_reference(site, open_page, tmp_path):
    shown = dict(entries(site))
    page = open_page(site.reading(list(shown.values())))
    far = {}
    for position, (name, entry) in enumerate(shown.items()):
        if position:
            page.evaluate("position => window.bonefrac.viewer.go(position)", position)
        ready(page, entry["id"])
        expected = greys.middles(greys.KINDS[name].expected(tmp_path))
        far[name] = float(np.abs(on_canvas(page, entry) - expected).max())
    assert {name: distance for name, distance in far.items() if distance > 1} == {}
    assert len(far) == len(greys.KINDS)


def test_presets_and_magnifier_know_what_was_rescaled(site, open_page, tmp_path):
    name = "rescale alone"
    entry = dict(entries(site))[name]
    page = open_page(site.reading([entry]))
    ready(page, entry["id"])
    expected = greys.middles(greys.KINDS[name].expected(tmp_path))
    for preset, is_same in ((3, False), (2, True)):
        page.evaluate("number => window.bonefrac.viewer.act(`preset${number}`)", preset)
        page.wait_for_timeout(100)
        far = float(np.abs(on_canvas(page, entry) - expected).max())
        assert (far <= 1) is is_same, (preset, far)
    # The glass over the middle of a patch shows the grey that lies under it.
    row, column = greys.DOWN // 2, greys.ACROSS // 2
    at = [(column + 0.5) * entry["columns"] / greys.ACROSS, (row + 0.5) * entry["rows"] / greys.DOWN]
    x, y = page.evaluate("([x, y]) => window.bonefrac.viewer.toScreen(x, y)", at)
    page.evaluate("() => window.bonefrac.viewer.act('magnifierTool')")
    page.mouse.move(x, y)
    page.wait_for_selector(".stage__lens:visible")
    page.wait_for_timeout(100)
    shot = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    assert abs(int(shot[int(y), int(x), 1]) - expected[row, column]) <= 2
