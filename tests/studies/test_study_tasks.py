"""The jobs of people's side are shells around one verb each."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from inference.models import PredictionJob
from studies import tasks, worklist
from studies.models import Study
from studies.states import Rank
from tests import factories_studies as make

pytestmark = pytest.mark.django_db


def test_ranking_jobs():
    site, model = make.site(), make.model()
    one, other = make.study(site), make.study(site)
    make.predicted(one, model, "positive")
    make.predicted(other, model, "negative")
    tasks.rank(str(one.pk))
    tasks.rank_radiograph(str(other.images.get().radiograph_id))
    ranks = dict(Study.objects.values_list("pk", "rank"))
    assert ranks == {one.pk: Rank.POSITIVE, other.pk: Rank.NEGATIVE}


def test_a_promotion_asks_about_unread_studies():
    make.study(make.site(), images=2)
    tasks.request_predictions(str(make.model().pk))
    assert PredictionJob.objects.count() == 2


def test_the_sweep_releases_and_ranks():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    make.predicted(study, make.model(), "positive")
    worklist.claim(reader, study.pk)
    Study.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    tasks.sweep_studies()
    study.refresh_from_db()
    assert (study.claimed_by, study.rank) == (None, Rank.POSITIVE)
