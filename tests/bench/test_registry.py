"""Going back to the model before: how long readers wait until every unread study is asked about again."""

from __future__ import annotations

import time

import pytest
from django.core.management import call_command

from inference import registry
from inference.models import PredictionJob
from inference.states import JobStatus
from studies import ranking
from tests import factories_studies as make
from tests import tiny

pytestmark = [pytest.mark.long, pytest.mark.timeout(900), pytest.mark.django_db]
UNREAD = 1000
MOST_SECONDS = 30


def test_rolling_back_with_a_thousand_unread_studies(tmp_path):
    first = registry.promote(None, registry.register(None, tiny.write(tmp_path / "first")))
    second = registry.register(None, tiny.write(tmp_path / "second", card="# Second\n"))
    registry.promote(None, second)
    site = make.site()
    uploader = make.person(site)
    for _ in range(UNREAD):
        make.study(site, uploader=uploader)
    started = time.perf_counter()
    call_command("rollback_model")
    serving = time.perf_counter() - started
    ranking.request_predictions(first.pk)
    asked = time.perf_counter() - started
    waiting = PredictionJob.objects.filter(model_version=first, status=JobStatus.QUEUED).count()
    print(f"\nserves after {serving:.2f} s, {waiting} unread studies asked about after {asked:.1f} s")
    assert waiting == UNREAD
    assert asked <= MOST_SECONDS
