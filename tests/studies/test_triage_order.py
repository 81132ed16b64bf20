"""The simulated order is the worklist's, and where the AI has no part in it nothing of what it says is left."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from bonefrac.accounts import people, triage
from bonefrac.accounts.models import ReadingMode, Role, Site
from bonefrac.accounts.people import fingerprint, terms_of
from bonefrac.audit.models import AuditEvent, Verb
from bonefrac.errors import Invalid
from studies import ranking, worklist
from studies.models import Study
from studies.selectors.listing import Filters, page
from studies.states import AIState, Rank
from studies.triage.orders import under
from studies.triage.streams import Arrival
from tests import factories_studies as make

pytestmark = pytest.mark.django_db
CEILING = 120
STATES = ("positive", "doubt", "negative", "")
#: On both sides of the ceiling and of the quarter of it after which a negative study is lifted; two of one age.
WAITS = (119, 29, 121, 31, 1, 60, 200, 30, 5, 90)


@pytest.fixture
def waiting():
    """A site with a study for each state and wait, every fifth of them urgent, ranked as they arrived."""
    site, model = make.site(ceiling=CEILING), make.model()
    made = []
    for number, (waited, state) in enumerate(itertools.product(WAITS, STATES)):
        study = make.study(site, urgent=number % 5 == 0)
        if state:
            make.predicted(study, model, state)
        ranking.rank(study)  # when it came; then it waits
        study.received_at -= timedelta(minutes=waited, seconds=number)
        study.save(update_fields=["received_at"])
        made.append((study, Arrival(-waited - number / 60, study.urgent, False, state, 5.0)))
    return site, made


def simulated(made):
    queue = under(CEILING).queue()
    by_age = sorted(made, key=lambda pair: pair[1].minute)
    for number, (_study, arrival) in enumerate(by_age):
        queue.put(number, arrival)
    return [by_age[queue.take(0.0)][0].pk for _study in by_age]


def test_the_simulated_order_is_that_of_the_list_and_of_the_pool(waiting):
    site, made = waiting
    assert ranking.lift_waiting() > 0
    expected = simulated(made)
    assert [row.pk for row in page(make.reader(site), Filters(), size=100).studies] == expected
    handed = [worklist.next_for(make.reader(site), site).pk for _study in made]
    assert handed == expected


def test_a_study_ranked_anew_keeps_the_place_to_which_it_was_lifted(waiting):
    _site, made = waiting
    ranking.lift_waiting()
    before = dict(Study.objects.values_list("pk", "rank"))
    for study, _arrival in made:
        ranking.rank_by_id(study.pk)
    assert dict(Study.objects.values_list("pk", "rank")) == before
    assert ranking.lift_waiting() == 0


@pytest.mark.parametrize("change", [{"triage": False}, {"reading_mode": ReadingMode.BLIND_FIRST}])
def test_where_the_ai_has_no_part_urgent_goes_first_and_then_age(waiting, change):
    site, made = waiting
    admin = make.person(site, Role.ADMIN)
    terms = replace(terms_of(site), **change)
    people.change_site(admin, site=site, terms=terms, expected=fingerprint(site))
    ranking.rank_site(site.pk)
    silent = [(study, Arrival(arrival.minute, study.urgent, False, "", 5.0)) for study, arrival in made]
    assert [row.pk for row in page(make.reader(site), Filters(), size=100).studies] == simulated(silent)
    said = set(Study.objects.values_list("ai_state", flat=True))
    assert said == ({AIState.UNKNOWN} if "reading_mode" in change else set(AIState))
    study = make.study(Site.objects.get(pk=site.pk))
    make.predicted(study, make.model(), "positive")
    assert ranking.rank(study) == Rank.UNCERTAIN


def test_turned_on_again_the_ai_orders_again(waiting):
    site, made = waiting
    Site.objects.filter(pk=site.pk).update(triage=False)
    ranking.rank_site(site.pk)
    Site.objects.filter(pk=site.pk).update(triage=True)
    ranking.rank_site(site.pk)
    assert [row.pk for row in page(make.reader(site), Filters(), size=100).studies] == simulated(made)


def test_a_sweep_takes_away_what_a_lost_ring_left(waiting):
    site, _made = waiting
    Site.objects.filter(pk=site.pk).update(reading_mode=ReadingMode.BLIND_FIRST)
    ranking.lift_waiting()
    assert set(Study.objects.values_list("rank", "ai_state")) == {
        (Rank.URGENT, AIState.UNKNOWN), (Rank.UNCERTAIN, AIState.UNKNOWN)
    }  # fmt: skip


def test_only_another_simulation_turns_triage_on_where_one_found_that_it_does_harm():
    site = make.site()
    admin = make.person(site, Role.ADMIN)
    assert triage.set_triage(None, site=site, is_on=False, because="Missed fractures wait twice as long.")
    assert not triage.set_triage(None, site=site, is_on=False, because="Missed fractures wait twice as long.")
    site.refresh_from_db()
    with pytest.raises(Invalid, match="Missed fractures wait twice as long"):
        people.change_site(admin, site=site, terms=replace(terms_of(site), triage=True), expected=fingerprint(site))
    people.change_site(admin, site=site, terms=replace(terms_of(site), critical_minutes=5), expected=fingerprint(site))
    site.refresh_from_db()
    assert (site.triage, site.critical_minutes) == (False, 5)
    assert triage.set_triage(None, site=site, is_on=True)
    site.refresh_from_db()
    assert (site.triage, site.triage_off_because) == (True, "")
    people.change_site(admin, site=site, terms=replace(terms_of(site), triage=False), expected=fingerprint(site))
    site.refresh_from_db()
    people.change_site(admin, site=site, terms=replace(terms_of(site), triage=True), expected=fingerprint(site))
    told = AuditEvent.objects.filter(verb=Verb.TRIAGE_CHANGED).order_by("pk")
    assert [(event.actor_id, event.data["is_on"]) for event in told] == [
        (None, False), (None, True), (admin.pk, False), (admin.pk, True)
    ]  # fmt: skip
