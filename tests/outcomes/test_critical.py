"""Critical findings: told once, passed on, acknowledged, overdue, taken back, and blind to who still has to read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bonefrac.accounts.models import ReadingMode, Role
from bonefrac.audit.models import AuditEvent
from bonefrac.errors import Conflict, Forbidden, Invalid, NotFound
from studies import critical, notices, reviews, tasks
from studies.models import Communication, CriticalFinding
from studies.selectors.uploader import open_as_uploader
from tests import factories_studies as make
from tests.outcomes.passing import let_pass
from tests.outcomes.test_outcomes import amended, told

pytestmark = pytest.mark.django_db


def as_(user) -> Client:
    client = Client()
    client.force_login(user, backend="bonefrac.accounts.backends.PlatformBackend")
    return client


def kinds(person):
    return [kind for kind, _ in told(person)]


@pytest.fixture
def raised():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    review = make.signed(reader, study, "fracture", is_critical=True, note="open fracture")
    return study, reader, review, CriticalFinding.objects.get()


def test_it_is_due_after_the_sites_minutes_and_told_after_the_time_of_undoing(raised):
    study, reader, review, finding = raised
    assert finding.due_at - review.signed_at == timedelta(minutes=60, seconds=15)
    assert (kinds(study.uploader), open_as_uploader(study.uploader, study).critical) == ([], ())
    with pytest.raises(NotFound):
        critical.acknowledge(study.uploader, finding.pk)
    let_pass(study, seconds=16)
    assert sorted(kinds(study.uploader)) == ["critical", "verdict_signed"]
    ((shown, facts),) = open_as_uploader(study.uploader, study).critical
    assert shown == finding
    assert ("note", "open fracture") in [(fact.name, fact.value) for fact in facts]
    assert told(reader) == []


def test_the_uploader_acknowledges_once(raised):
    study, _reader, _review, finding = raised
    let_pass(study, seconds=16)
    page = as_(study.uploader)
    assert "Acknowledge" in page.get(reverse("studies:study", args=[study.pk])).text
    page.post(reverse("studies:acknowledge", args=[finding.pk]), {"name": "Dr. Berg, emergency"})
    finding.refresh_from_db()
    assert (finding.acknowledged_by, finding.acknowledged_through) == ("Dr. Berg, emergency", study.uploader)
    assert "acknowledged by Dr. Berg, emergency" in page.get(reverse("studies:study", args=[study.pk])).text
    with pytest.raises(Conflict):
        critical.acknowledge(study.uploader, finding.pk)
    let_pass(study, minutes=120)
    assert critical.escalate_overdue() == 0


def test_a_reader_records_whom_they_told_when_and_how(raised):
    study, reader, _review, finding = raised
    told_at = timezone.now() - timedelta(seconds=5)
    critical.communicate(reader, finding.pk, whom="ward 3", channel="telephone", told_at=None, note="no answer")
    made = critical.communicate(
        reader, finding.pk, whom="Dr. Berg", channel="telephone", told_at=told_at, is_acknowledged=True
    )
    finding.refresh_from_db()
    assert (finding.acknowledged_by, finding.acknowledged_through, made.told_at) == ("Dr. Berg", reader, told_at)
    assert Communication.objects.count() == 2
    verbs = AuditEvent.objects.filter(target_id=str(study.pk)).values_list("verb", flat=True)
    assert {"critical_raised", "critical_communicated", "critical_acknowledged"} <= set(verbs)
    assert "Berg" not in str(list(AuditEvent.objects.values_list("data", flat=True)))
    page = as_(make.lead(study.site)).get(reverse("studies:study", args=[study.pk])).text
    assert "Dr. Berg was told by telephone" in page


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"whom": " "}, "whom"),
        ({"whom": "x" * 121}, "whom"),
        ({"channel": "pigeon"}, "channel"),
        ({"channel": ""}, "channel"),
        ({"told_at": timezone.now() + timedelta(days=1)}, "told_at"),
        ({"told_at": timezone.now() - timedelta(days=9)}, "told_at"),
        ({"note": "x" * 501}, "note"),
    ],
)
def test_what_cannot_stand_is_refused_by_name(raised, wrong, field):
    _study, reader, _review, finding = raised
    with pytest.raises(Invalid) as refused:
        critical.communicate(reader, finding.pk, **{"whom": "Dr. Berg", "channel": "telephone", **wrong})
    assert list(refused.value.fields) == [field]
    assert not Communication.objects.exists()


def test_a_time_that_nobody_understands_is_refused_on_the_page(raised):
    _study, reader, _review, finding = raised
    sent = {"whom": "Dr. Berg", "channel": "telephone", "told_at": "yesterday"}
    assert as_(reader).post(reverse("studies:communicate", args=[finding.pk]), sent).status_code == 400


def test_a_script_that_sent_the_form_keeps_it_when_refused_and_goes_on_when_not(raised):
    study, reader, _review, finding = raised
    page, address, by_script = as_(reader), reverse("studies:communicate", args=[finding.pk]), {"HX-Request": "true"}
    refused = page.post(address, {"whom": "Dr. Berg", "channel": ""}, headers=by_script)
    assert (refused.status_code, refused.headers["HX-Retarget"]) == (400, "#notices")
    assert "<html" not in refused.text
    done = page.post(address, {"whom": "Dr. Berg", "channel": "telephone"}, headers=by_script)
    assert done.headers["HX-Redirect"] == reverse("studies:study", args=[study.pk])


def test_overseers_record_nothing_and_strangers_know_nothing(raised):
    study, _reader, _review, finding = raised
    let_pass(study, minutes=1)
    admin, stranger = make.person(study.site, Role.ADMIN), make.reader(make.site())
    for verb in (lambda who: critical.acknowledge(who, finding.pk, name="x"),
                 lambda who: critical.communicate(who, finding.pk, whom="x", channel="other")):  # fmt: skip
        with pytest.raises(Forbidden):
            verb(admin)
        with pytest.raises(NotFound):
            verb(stranger)
        with pytest.raises(NotFound):
            verb(make.person(study.site, Role.UPLOADER))


def test_overdue_ones_reach_the_leads_once(raised):
    study, reader, _review, finding = raised
    lead = make.lead(study.site)
    tasks.tell()
    assert told(lead) == []
    let_pass(study, minutes=62)
    tasks.tell()
    tasks.tell()
    assert kinds(lead) == ["critical_overdue"]
    finding.refresh_from_db()
    assert finding.escalated_at is not None
    page = as_(lead).get(reverse("studies:critical"), {"show": "overdue"}).text
    assert str(study.pk) in page
    assert '<span class="nav__count">1</span>' in page
    assert told(reader) == []


def test_undoing_takes_it_back_before_anybody_was_told(raised):
    study, reader, review, finding = raised
    reviews.undo(reader, review.pk)
    finding.refresh_from_db()
    assert finding.withdrawn_at is not None
    let_pass(study, minutes=120)
    assert (critical.escalate_overdue(), told(study.uploader)) == (0, [])


def test_an_amendment_without_it_takes_it_back_and_tells_who_was_told(raised):
    study, reader, review, finding = raised
    other = make.reader(study.site)
    let_pass(study, minutes=5)
    critical.communicate(other, finding.pk, whom="Dr. Berg", channel="telephone")
    amended(reader, study, review, "fracture")
    assert kinds(other) == []
    let_pass(study, seconds=16)
    assert kinds(other) == ["critical"]
    assert kinds(study.uploader).count("critical") == 2
    assert open_as_uploader(study.uploader, study).critical == ()
    with pytest.raises(Conflict):
        critical.acknowledge(reader, finding.pk, name="x")
    assert len(as_(reader).get(reverse("studies:critical"), {"show": "all"}).text.split("withdrawn")) == 2


def test_an_amendment_that_keeps_it_raises_nothing_anew_and_its_undoing_lets_it_stand_again(raised):
    study, reader, review, finding = raised
    let_pass(study, minutes=5)
    kept = amended(reader, study, review, "fracture", is_critical=True, note="more")
    assert CriticalFinding.objects.count() == 1
    let_pass(study, minutes=5)
    dropped = amended(reader, study, kept, "no_fracture")
    finding.refresh_from_db()
    assert finding.withdrawn_at is not None
    reviews.undo(reader, dropped.pk)
    finding.refresh_from_db()
    assert finding.withdrawn_at is None
    let_pass(study, seconds=16)
    assert kinds(study.uploader).count("critical") == 1


def test_a_void_study_has_nothing_critical(raised):
    study, _reader, _review, finding = raised
    lead = make.lead(study.site)
    reviews.void(lead, study.pk, reason="Wrong patient.")
    finding.refresh_from_db()
    assert finding.withdrawn_at is not None


def test_a_second_look_keeps_or_drops_what_the_blind_one_raised():
    site = make.site(mode=ReadingMode.BLIND_FIRST)
    for keeps in (True, False):
        study, reader = make.study(site), make.reader(site)
        make.signed(reader, study, "fracture", is_critical=True)
        make.signed(reader, study, "fracture", is_critical=keeps)
        (finding,) = CriticalFinding.objects.filter(study=study)
        assert (finding.withdrawn_at is None) == keeps


def test_who_still_has_to_read_learns_nothing_of_it():
    site = make.site(required=2)
    study, one, other, lead = make.study(site), make.reader(site), make.reader(site), make.lead(site)
    make.signed(one, study, "fracture", is_critical=True)
    finding = CriticalFinding.objects.get()
    let_pass(study, minutes=1)
    for person in (other, lead):
        page = as_(person)
        for show in ("open", "all"):
            assert str(study.pk) not in page.get(reverse("studies:critical"), {"show": show}).text
        assert "ritical finding" not in page.get(reverse("studies:study", args=[study.pk])).text
        with pytest.raises(NotFound):
            critical.communicate(person, finding.pk, whom="x", channel="other")
    assert str(study.pk) in as_(one).get(reverse("studies:critical")).text
    reading_lead = make.lead(site)
    make.signed(reading_lead, make.study(site), "fracture")
    let_pass(study, minutes=62)
    critical.escalate_overdue()
    assert kinds(lead) == ["critical_overdue"], "nobody else could be told: the patient comes first"


def test_a_lead_who_may_know_is_alarmed_before_those_who_still_have_to_read():
    site = make.site(required=2)
    study, blind, knowing = make.study(site), make.lead(site), make.lead(site)
    make.signed(knowing, study, "fracture", is_critical=True)
    let_pass(study, minutes=62)
    assert critical.escalate_overdue() == 1
    assert (kinds(knowing), kinds(blind)) == (["critical_overdue"], [])


def test_an_adjudication_overrules_what_it_contradicts():
    site = make.site(required=2)
    study, one, other, lead = make.study(site), make.reader(site), make.reader(site), make.lead(site)
    make.signed(one, study, "fracture", is_critical=True)
    make.signed(other, study, "no_fracture")
    page = as_(lead).get(reverse("studies:critical")).text
    assert str(study.pk) in page
    assert str(one) not in page
    reviews.adjudicate(lead, study.pk, judgement=make.judgement("no_fracture"), revision=study.revision)
    assert CriticalFinding.objects.get().withdrawn_at is not None


def test_the_list_goes_on_by_cursor(raised, monkeypatch):
    study, reader, _review, _finding = raised
    monkeypatch.setattr("bonefrac.paging.PAGE_SIZE", 50)
    site = study.site
    for _ in range(51):
        make.signed(reader, make.study(site, uploader=study.uploader), "fracture", is_critical=True)
    page = as_(reader).get(reverse("studies:critical"))
    assert page.text.count('class="card card--stop part"') == 50
    cursor = page.context["following"]
    assert as_(reader).get(reverse("studies:critical"), {"cursor": cursor}).text.count("card--stop") == 2
    assert notices.unseen_count(study.uploader) == ""
