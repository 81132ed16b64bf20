"""What every test shares: the shared radiographs where they lie beside the project, and a private data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The radiographs beside the project; the test is reported as skipped where they are absent."""
    if not SHARED.is_dir():
        pytest.skip("../shared/data is not beside the project")
    return SHARED


@pytest.fixture(autouse=True)
def _private_stores(settings, tmp_path):
    """Give every test stores of its own."""
    settings.STORES_ROOT = tmp_path / "stores"


@pytest.fixture(autouse=True)
def _look_for_static_files_late(settings):
    """Let a client find a static file when it asks for one: to look through all of them takes as long as a test."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def undo_is_over(settings):
    """Let nothing that was signed be undone any more, so that what follows from it follows at once."""
    settings.UNDO_SECONDS = 0
