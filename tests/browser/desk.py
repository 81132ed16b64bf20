"""The reading page of the platform itself, in a browser: studies that people can look at, and people who are signed in.

The server is the tests' own (the same code, one process), so that a test puts together what it needs and asks the
database what became of it.
"""

from __future__ import annotations

import json
import threading
import time

import numpy as np
import pytest
from django.conf import settings
from django.test import Client

from bonefrac.accounts.pseudonyms import pixel_key
from inference import radiographs
from inference.models import Radiograph
from studies import worklist
from studies.models import Study
from tests import factories_studies as make
from tests.browser.harness import png
from training.frames import decode_png

ROWS, COLUMNS = 420, 320


@pytest.fixture
def visit(open_page, live_server):
    """Open a page of the platform as somebody who is signed in."""
    sessions, pages = {}, []

    def as_person(person, path, **options):
        if person.pk not in sessions:
            client = Client()
            client.force_login(person, backend="bonefrac.accounts.backends.PlatformBackend")
            sessions[person.pk] = client.cookies[settings.SESSION_COOKIE_NAME].value
        page = open_page("about:blank", **options)
        pages.append(page)
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": sessions[person.pk], "url": live_server.url}
        page.context.add_cookies([cookie])
        page.goto(live_server.url + path)
        return page

    yield as_person
    for page in pages:
        page.context.close()
    settle()


def settle(seconds: float = 10) -> None:
    """Wait until the server has answered everybody: a last draft must not meet the emptying of the tables."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and any("process_request_thread" in one.name for one in threading.enumerate()):
        time.sleep(0.02)


def bone(seed: int, rows: int = ROWS, columns: int = COLUMNS) -> np.ndarray:
    """A drawn limb of a size that people can read."""
    y, x = np.mgrid[0:rows, 0:columns]
    middle = columns / 2 + columns / 16 * np.sin(y / rows * 5 + seed)
    shade = 30 + 150 * np.exp(-(((x - middle) / (columns / 7)) ** 2))
    noise = np.random.default_rng(seed).integers(0, 20, y.shape)
    return np.clip(shade + noise, 0, 255).astype(np.uint8)


def radiograph(site, seed: int, **size) -> Radiograph:
    """A stored radiograph."""
    described = radiographs.describe(decode_png(png(bone(seed, **size), longest=10_000)))
    key = pixel_key(site, described.pixel_digest)
    made, _is_new = radiographs.store(described, pixel_key=key, facts={}, files={})
    return made


def study(site, *, seed: int = 1, images: int = 2, reader=None, says: str = "", size=None, **values) -> Study:
    """A study that waits; held by a reader, and spoken of by a model, where they are given."""
    values = {"body_part": "hand", "side": "left", "question": "Fell on the outstretched hand.", **values}
    made = make.study(site, images=0, **values)
    for position in range(images):
        make.image(made, position, shows=radiograph(site, seed * 100 + position, **(size or {})))
    if says:
        make.predicted(made, make.model(), *([says] * images))
    if reader is not None:
        worklist.claim(reader, made.pk)
    made.refresh_from_db()
    return made


def address(of: Study) -> str:
    return f"/studies/{of.pk}/read/"


def awake(page, *, of: Study | None = None) -> None:
    """Wait until the study's first pictures are there at full depth and keys are heard."""
    if of is not None:
        page.wait_for_selector(f'#page-data[data-study="{of.pk}"]', state="attached")
    page.wait_for_selector("#viewer[data-ready=full][data-keys=on]")


def look_at_all(page) -> None:
    """Look at every image, as a reader does, until nothing is left to be shown."""
    page.wait_for_function(
        """() => {
            const { page } = window.bonefrac;
            if (page.form && page.form.unseen.length) page.goUnseen();
            return !page.form || !page.form.unseen.length;
        }""",
        polling=100,
    )
    page.wait_for_timeout(450)  # a sign button that has just become one is deaf for a moment


def field(page, name):
    """The value of a hidden field, parsed."""
    return json.loads(page.input_value(f"#reading-form [name={name}]") or "[]")


def draw(page, start, end, *, tool: str = "b") -> None:
    """Draw a box between two points of the radiograph by the mouse."""
    if tool:
        page.keyboard.press(tool)
    (x0, y0), (x1, y1) = (
        page.evaluate("([x, y]) => window.bonefrac.viewer.toScreen(x, y)", list(point)) for point in (start, end)
    )
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2)
    page.mouse.move(x1, y1)
    page.mouse.up()


def saved(page) -> None:
    """Wait until the draft of everything typed is on the server."""
    page.wait_for_function("() => window.bonefrac.page.draft && !window.bonefrac.page.draft.isDirty")
