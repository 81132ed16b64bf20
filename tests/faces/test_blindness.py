"""Where a site reads blind first, no response depends on the AI before the person's own blind reading."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from bonefrac.accounts.models import ReadingMode, Role
from inference.states import Task
from studies import ranking
from studies.models import Disclosure, Study
from studies.states import Rank
from tests import factories_studies as make

pytestmark = pytest.mark.django_db
VARYING = re.compile(
    r'csrfmiddlewaretoken" value="[^"]+"|csrf-token" content="[^"]+"|name="opened_at" value="[^"]+"'
    r'|claimed_until": ?"[^"]+"|data-until="[^"]+"'
)


def answers(user, study):
    """What every face says of a study to a person: status, headers and body of each response."""
    client = Client()
    client.force_login(user, backend="bonefrac.accounts.backends.PlatformBackend")
    keys = [study.pk, study.images.get().pk]
    lists = [reverse("studies:worklist"), reverse("api_studies")]
    ones = ["studies:study", "studies:read", "studies:machine", "api_study"]
    images = ["studies:map", "studies:preview", "api_map"]
    addresses = lists + [f"{address}?ai=positive" for address in lists]
    addresses += [reverse(name, args=keys[:1]) for name in ones] + [reverse(name, args=keys) for name in images]
    seen = {}
    for address in addresses:
        response = client.get(address)
        own = {"X-Request-ID", "Set-Cookie"}
        headers = {name: value for name, value in response.headers.items() if name not in own}
        body = response.content if response["Content-Type"] == "image/png" else VARYING.sub("", response.text)
        seen[address] = (response.status_code, headers, len(response.content), body)
    return seen


@pytest.mark.parametrize("roles", [(Role.RADIOLOGIST,), (Role.LEAD,), (Role.ADMIN,), (Role.RADIOLOGIST, Role.ADMIN)])
def test_every_answer_is_the_same_with_and_without_a_prediction(roles):
    site = make.site(mode=ReadingMode.BLIND_FIRST)
    person, study, model = make.person(site, *roles), make.study(site, body_part="hand"), make.model()
    without = answers(person, study)
    make.predicted(study, model, "positive")
    make.classified(study, make.model(Task.BODY_PART), ("leg", 0.9), ("hand", 0.1), caution="Two pictures in one.")
    make.classified(study, make.model(Task.FRACTURE_TYPE), ("spiral", 0.7), ("oblique", 0.3))
    ranking.rank_by_id(study.pk)
    assert answers(person, study) == without
    assert not Disclosure.objects.exists()
    assert Study.objects.get().rank == Rank.UNCERTAIN


def test_it_stays_so_while_others_have_signed_and_ends_with_the_own_blind_reading():
    site = make.site(mode=ReadingMode.BLIND_FIRST, required=2)
    reader, other, study = make.reader(site), make.reader(site), make.study(site)
    model = make.model()
    make.signed(other, study)
    make.signed(other, study)
    without = answers(reader, study)
    make.predicted(study, model, "positive")
    assert answers(reader, study) == without
    make.signed(reader, study)
    seen = answers(reader, study)
    assert "fracture suspected" in seen[reverse("studies:study", args=[study.pk])][3]
    assert seen[reverse("studies:map", args=[study.pk, study.images.get().pk])][0] == 200


def test_the_same_answers_differ_where_the_ai_is_shown_from_the_start():
    site = make.site(mode=ReadingMode.ASSISTED)
    reader, study, model = make.reader(site), make.study(site), make.model()
    without = answers(reader, study)
    make.predicted(study, model, "positive")
    now = answers(reader, study)
    assert {address for address in now if now[address] != without[address]} >= {
        reverse("studies:study", args=[study.pk]),
        reverse("studies:map", args=[study.pk, study.images.get().pk]),
        reverse("api_study", args=[study.pk]),
    }
