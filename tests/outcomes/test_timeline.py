"""The line of time of a study: everything that ever happened, in order, in pages, to nobody more than they may."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from bonefrac.accounts.models import ReadingMode, Role
from bonefrac.errors import Invalid
from studies import critical, datasets, discrepancies, reviews, worklist
from studies.datasets import Criteria
from studies.selectors import open_study
from studies.selectors.story import sight_of
from studies.selectors.timeline import timeline_of
from studies.states import StudyStatus
from tests import factories_intake as files
from tests import factories_studies as make
from tests.outcomes.passing import let_pass
from tests.outcomes.test_outcomes import amended

pytestmark = pytest.mark.django_db


def moments(person, study, **asked):
    study.refresh_from_db()
    return timeline_of(sight_of(person, open_study(person, study)), **asked).moments


def texts(person, study):
    return [f"{moment.by}: {moment.text}" for moment in moments(person, study)]


@pytest.fixture
def eventful():
    """A study to which nearly everything happened that can."""
    site = make.site(required=2)
    uploader, one, other, lead = make.person(site, Role.UPLOADER), make.reader(site), make.reader(site), make.lead(site)
    study = files.hand_in(uploader, site, files.png(), expected_files=1)[0].study
    make.predicted(study, make.model(), "positive")
    discrepancies.ask(study, [("side", "left", "right")])
    discrepancies.answer(uploader, study.discrepancies.get().pk, chosen="left")
    worklist.claim(one, study.pk)
    open_study(one, study)
    worklist.hand_back(one, study.pk)
    review = make.signed(one, study, "fracture", is_critical=True, note="Open.")
    taken_back = make.signed(other, study, "fracture")
    reviews.undo(other, taken_back.pk)
    make.signed(other, study, "no_fracture")
    critical.communicate(one, study.critical_findings.get().pk, whom="Dr. Berg", channel="in_person")
    let_pass(study, minutes=5)
    kept = amended(one, study, review, "fracture", note="Open, dislocated.", confidence="definite", is_critical=True)
    assert kept.study.status in ("AWAITING", "DISPUTED")
    reviews.adjudicate(lead, study.pk, judgement=make.judgement("fracture"), revision=study.revision)
    let_pass(study, seconds=20)
    datasets.freeze(make.person(site, Role.ADMIN), site=site, name="Autumn", criteria=Criteria())
    problem = reviews.report_problem(one, study.pk, sentence="The marker is wrong.")
    reviews.settle_problem(lead, problem.pk, settlement="Asked the ward.")
    reviews.reopen(lead, study.pk, reason="Look at the scaphoid.")
    reviews.void(lead, study.pk, reason="Wrong patient.")
    reviews.restore(lead, study.pk)
    return study, uploader, one, other, lead


def test_everything_that_ever_happened_is_told_by_whom_and_what_it_was_before(eventful):
    study, uploader, one, other, lead = eventful
    auditor = make.person(study.site, Role.AUDITOR)
    told = texts(auditor, study)
    expected = [
        f"{uploader}: file sent: png", ": image added: image 1", ": received",
        ": side differs: the header says left, right was entered", f"{uploader}: side settled: left",
        f"{one}: claimed", f"{one}: was shown 1 prediction", f"{one}: handed back", f"{one}: signed: fracture (acute)",
        f"{one}: critical finding raised", f"{one}: told Dr. Berg of the critical finding in person",
        f"{other}: signed: fracture (acute)", f"{other}: taken back: fracture (acute)",
        f"{other}: signed: no acute fracture", ": disputed: readings differ in the verdict",
        f"{one}: amended: fracture (acute)", f"{lead}: adjudicated: fracture (acute)",
        f"{one}: problem reported", f"{lead}: problem settled", f"{lead}: reopened", f"{lead}: voided",
        f"{lead}: restored", ": critical finding withdrawn",
    ]  # fmt: skip
    assert [line for line in expected if line not in told] == []
    assert any("frozen into dataset Autumn" in line for line in told)
    assert any("fracture suspected" in line for line in told)
    assert any("told" in line and "person" in line for line in told)
    (change,) = [moment for moment in moments(auditor, study) if moment.changes]
    assert [(one.name, one.before, one.after) for one in change.changes] == [
        ("confidence", "", "definite"), ("note", "Open.", "Open, dislocated."),
    ]  # fmt: skip
    whos = {moment.text: moment.who for moment in moments(auditor, study)}
    assert whos["voided"] == "person"
    assert next(who for text, who in whos.items() if "fracture suspected" in text) == "machine"


def test_the_pages_hold_everything_once_in_order(eventful):
    study, _uploader, _one, _other, _lead = eventful
    auditor = make.person(study.site, Role.AUDITOR)
    sight = sight_of(auditor, open_study(auditor, study))
    whole = timeline_of(sight, size=1000)
    assert whole.next_cursor == ""
    for size in (1, 3, 7):
        found, cursor, turns = [], "", 0
        while True:
            page = timeline_of(sight, cursor=cursor, size=size)
            assert len(page.moments) <= size
            found += page.moments
            cursor, turns = page.next_cursor, turns + 1
            if not cursor or turns > 200:
                break
        assert found == list(whole.moments)
    with pytest.raises(Invalid):
        timeline_of(sight, cursor="broken")


def test_the_page_goes_on_by_cursor(eventful, monkeypatch):
    study, _uploader, _one, _other, lead = eventful
    for _ in range(60):
        worklist.claim(lead, study.pk)
        worklist.hand_back(lead, study.pk)
    client = Client()
    client.force_login(lead, backend="bonefrac.accounts.backends.PlatformBackend")
    address = reverse("studies:study", args=[study.pk])
    first = client.get(address)
    following = first.context["timeline"].next_cursor
    second = client.get(address, {"cursor": following})
    assert first.text.count('class="timeline__item ') == 100
    assert "What came later" in first.text
    assert "From the beginning" in second.text
    assert client.get(address, {"cursor": "broken"}).status_code == 400


def test_who_has_yet_to_read_sees_only_what_says_nothing_of_others(eventful):
    study, _uploader, one, other, _lead = eventful
    study.refresh_from_db()
    assert study.status == StudyStatus.AWAITING, "reopened, voided and restored: a new round"
    newcomer = make.reader(study.site)
    told = " ".join(texts(newcomer, study))
    for word in ("signed", "amended", "taken back", "adjudicated", "disputed", "ritical", "claimed", "handed back",
                 f"{one}: was shown", "Autumn"):  # fmt: skip
        assert word not in told, word
    assert str(one) not in told.replace(f"{one}: problem reported", "")
    assert str(other) not in told
    assert "voided" in told
    own = " ".join(texts(one, study))
    assert f"{one}: signed: fracture (acute)" in own
    assert f"{other}: signed" not in own


def test_in_blind_first_nothing_of_the_machine_is_told_before_the_own_reading():
    site = make.site(mode=ReadingMode.BLIND_FIRST, required=2)
    study, one, other = make.study(site), make.reader(site), make.reader(site)
    make.predicted(study, make.model(), "positive")
    make.signed(one, study, "fracture")
    open_study(one, study)
    for person in (other, make.lead(site), make.person(site, Role.ADMIN)):
        told = [(moment.who, moment.text) for moment in moments(person, study)]
        assert not any(who == "machine" or "prediction" in text for who, text in told)
    assert any(moment.who == "machine" for moment in moments(one, study))


def test_a_moment_costs_no_query_of_its_own(eventful, django_assert_max_num_queries):
    study, _uploader, one, other, _lead = eventful
    auditor = make.person(study.site, Role.AUDITOR)
    sight = sight_of(auditor, open_study(auditor, study))
    with django_assert_max_num_queries(40) as few:
        timeline_of(sight)
    for reader in (one, other):
        make.signed(reader, study, "fracture")
    sight = sight_of(auditor, open_study(auditor, study))
    with django_assert_max_num_queries(len(few.captured_queries)):
        timeline_of(sight)
