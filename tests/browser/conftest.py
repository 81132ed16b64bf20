"""Chromium for the tests of this folder, and the harness of the built front end."""

import os
import shutil

import pytest

from tests.browser import harness
from tests.browser.desk import visit as visit
from tests.platform import Platform

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all tests; a page opens in a context of its own."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (script/test installs it where apt can)")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    # Playwright's loop runs in this thread while the browser is open; Django would refuse the database beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    """The whole platform with its demo, shared by every test that changes nothing for all: starting one takes long."""
    platform = Platform(tmp_path_factory.mktemp("platform") / "data").start()
    yield platform
    platform.stop()


@pytest.fixture
def site():
    """The front end alone, on a free port."""
    if not (harness.DIST / ".vite" / "manifest.json").is_file():
        pytest.fail("the front end is not built: npm ci && npm run build")
    site, server = harness.serve()
    yield site
    server.shutdown()
    server.server_close()


@pytest.fixture
def open_page(browser):
    """Open an address in a fresh context; breaches of the policy, script errors and console errors fail the test."""
    contexts, problems = [], []

    def open_at(url, *, width=1440, height=900, allow=(), script="", **options):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark", **options)
        contexts.append(context)
        page = context.new_page()
        if script:
            page.add_init_script(script)

        def note(text):
            if not any(word in text for word in allow):
                problems.append(text)

        page.on("pageerror", lambda error: note(str(error)))
        page.on("console", lambda message: note(message.text) if message.type == "error" else None)
        page.set_default_timeout(20_000)
        page.goto(url)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert problems == []
