"""Cornerstone reads radiographs over DICOMweb, from the real addresses by a session, and gets the grey values kept."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from django.conf import settings
from django.test import Client

from bonefrac.accounts.models import Role
from inference import radiographs
from studies.dicom import compose
from tests import factories_intake as files
from tests import factories_studies as make
from tests.browser.harness import ROOT, TYPES
from tests.intake import table

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(400), pytest.mark.django_db(transaction=True)]
FORMATS = [
    "dicom", "dicom, 8 bit", "dicom, 16 bit", "dicom, signed", "dicom, MONOCHROME1", "dicom, rle", "dicom, big endian",
    "dicom, jpeg baseline", "dicom, jpeg lossless, first order", "dicom, jpeg-ls", "dicom, jpeg 2000", "dicom, htj2k",
]  # fmt: skip


@pytest.fixture(scope="session")
def loader(tmp_path_factory):
    """The folder of the built script."""
    out = tmp_path_factory.mktemp("wadors")
    command = [
        "node_modules/.bin/vite",
        "build",
        "--config",
        "tests/browser/wadors/vite.config.js",
        "--outDir",
        str(out),
    ]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert built.returncode == 0, built.stdout + built.stderr
    return out


def serve(route, loader):
    name = route.request.url.rpartition("/wadors/")[2]
    if not name:
        route.fulfill(body="<!doctype html><script type=module src=/wadors/load.js></script>", content_type="text/html")
        return
    path = loader / name
    route.fulfill(body=path.read_bytes(), content_type=TYPES.get(path.suffix, "application/octet-stream"))


@pytest.fixture
def page(browser, live_server, loader):
    """A page of the server's own origin that can load, signed in as a reader."""
    site = make.site()
    client, context = Client(), browser.new_context()
    client.force_login(make.reader(site), backend="bonefrac.accounts.backends.PlatformBackend")
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    opened = context.new_page()
    opened.route("**/wadors/**", lambda route: serve(route, loader))
    opened.goto(f"{live_server.url}/wadors/")
    opened.wait_for_function("() => Boolean(globalThis.loaded)")
    opened.uploader = make.person(site, Role.UPLOADER)
    opened.site = site
    yield opened
    context.close()


def test_cornerstone_gets_the_grey_values_that_are_kept(page):
    contents = {row.format: row.content for row in table.INSTANCES}
    differing = {}
    for number, name in enumerate(FORMATS):
        (file,) = files.hand_in(page.uploader, page.site, contents[name]())
        assert file.status in ("ACCEPTED", "DUPLICATE"), (name, file.sentence)
        image = file.study_image
        study = image.study.study_uid
        series = compose.series_uid(study, image.sop_class_uid)
        found = page.evaluate(
            "address => loaded(address)",
            f"/dicomweb/studies/{study}/series/{series}/instances/{image.sop_instance_uid}",
        )
        frame = radiographs.frame_of(image.radiograph)
        values = np.array(found["pixels"]).reshape(found["rows"], found["columns"])
        differing[name] = int(np.abs(values - frame.pixels.astype(int)).max())
        low, high = frame.shown_range() if not frame.grey_scale.window else (None, None)
        if low is not None:
            assert float(np.ravel(found["windowWidth"])[0]) == pytest.approx(high - low + 1, abs=1), (number, name)
    assert differing.pop("dicom, jpeg baseline") <= 1  # each decoder rounds in its own way
    assert set(differing.values()) == {0}, differing
