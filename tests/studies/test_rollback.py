"""Promotion and rollback: unread studies are predicted again, signed ones keep what was seen."""

from __future__ import annotations

import pytest

from inference import registry
from inference.models import PredictionJob
from inference.states import LIVE
from studies import ranking, selectors
from tests import factories_studies as make
from tests import tiny


@pytest.fixture
def first(db, tmp_path):
    return registry.promote(None, registry.register(None, tiny.write(tmp_path / "first")))


@pytest.fixture
def second(first, tmp_path):
    return registry.register(None, tiny.write(tmp_path / "second", card="# Second\n"))


def asked(model):
    """The radiographs about which a model is being asked."""
    return set(PredictionJob.objects.filter(model_version=model, status__in=LIVE).values_list("radiograph", flat=True))


def shown(reader, study):
    said = selectors.ai_of_study(reader, study)
    return said.model_version, str(said.state)


def test_unread_studies_are_asked_again_and_signed_ones_keep_what_was_seen(first, second):
    site = make.site()
    unread, signed = make.study(site), make.study(site)
    for study in (unread, signed):
        make.predicted(study, first, "negative")
    reader = make.reader(site)
    assert shown(reader, signed) == ("tiny 1", "negative")
    make.signed(reader, signed, "no_fracture")

    registry.promote(None, second)
    ranking.request_predictions(second.pk)
    assert asked(second) == set(unread.images.values_list("radiograph_id", flat=True))
    assert shown(reader, signed) == ("tiny 1", "negative")
    make.predicted(unread, second, "positive")
    assert shown(reader, unread) == ("tiny 2", "positive")
    late = make.study(site)
    make.predicted(late, second, "positive")

    assert registry.roll_back(None) == first
    ranking.request_predictions(first.pk)
    # What the first model said before it says again at once; it is asked about what came meanwhile.
    assert shown(reader, unread) == ("tiny 1", "negative")
    assert asked(first) == set(late.images.values_list("radiograph_id", flat=True))
    assert shown(reader, signed) == ("tiny 1", "negative")


def test_promotion_and_rollback_ring_for_unread_studies(first, second, django_capture_on_commit_callbacks):
    for verb in (lambda: registry.promote(None, second), lambda: registry.roll_back(None)):
        with django_capture_on_commit_callbacks() as rings:
            verb()
        assert len(rings) == 1
