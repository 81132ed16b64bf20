"""The command that simulates a worklist: figures, a drawing, a site's own log, and what applying it changes."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from bonefrac.accounts.models import Role, Site
from bonefrac.audit.models import AuditEvent, Verb
from studies.management.commands import simulate_triage
from studies.models import Notice, Study
from studies.selectors.arrivals import log_of, model_in_service
from studies.states import NoticeKind
from studies.triage.streams import Model
from tests import factories_studies as make
from tests.faces.clients import page_client

pytestmark = pytest.mark.django_db
QUICK = {"studies": 2000, "replications": 40}


def simulate(**options):
    out = io.StringIO()
    call_command("simulate_triage", stdout=out, **{**QUICK, **options})
    return out.getvalue()


def test_at_ninety_per_cent_every_promise_is_kept_and_plain_priority_breaks_two(tmp_path):
    told = simulate(svg=tmp_path / "waits.svg")
    ours, plain = told.split("AI priority under a ceiling, ceiling")[1].split("plain AI priority:")
    assert (ours.count("kept"), ours.count("BROKEN"), plain.count("BROKEN")) == (3, 0, 2)
    assert "fractures that the AI missed, p95" in told
    assert ElementTree.parse(tmp_path / "waits.svg").getroot().tag.endswith("svg")


def test_a_site_whose_ceiling_breaks_a_promise_is_turned_off_says_why_and_tells_its_leads(monkeypatch):
    monkeypatch.setattr(simulate_triage, "MULTIPLES", (2.5,))
    site = make.site(ceiling=2000)
    lead, auditor, study = make.lead(site), make.person(site, Role.AUDITOR), make.study(site)
    with pytest.raises(CommandError, match="Triage breaks a promise"):
        simulate(site=site.name)
    assert Site.objects.get(pk=site.pk).triage
    told = simulate(site=site.name, apply=True)
    site.refresh_from_db()
    assert not site.triage
    assert "fractures that the AI missed" in site.triage_off_because
    assert site.triage_off_because in told
    advice = re.search(r"a ceiling of (\d+) to (\d+) minutes keeps every promise", told).group()
    assert advice in site.triage_off_because
    shown = page_client(make.person(site, Role.ADMIN)).get(reverse("accounts:site", args=[site.pk]))
    assert advice in shown.content.decode()
    (notice,) = Notice.objects.filter(kind=NoticeKind.TRIAGE)
    assert (notice.person, notice.study) == (lead, study)
    assert "no longer orders" in notice.sentence
    assert not Notice.objects.filter(person=auditor).exists()
    Site.objects.filter(pk=site.pk).update(wait_ceiling_minutes=80)
    told = simulate(site=site.name, apply=True)
    assert "is on" in told
    assert advice in told  # also where nothing is broken: a site may want another ceiling
    site.refresh_from_db()
    assert (site.triage, site.triage_off_because) == (True, "")
    verbs = AuditEvent.objects.filter(verb=Verb.TRIAGE_CHANGED).order_by("pk")
    assert [(event.actor, event.data["is_on"]) for event in verbs] == [(None, False), (None, True)]
    assert Notice.objects.filter(kind=NoticeKind.TRIAGE, person=lead).count() == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"load": 0}, "--load above 0"),
        ({"prevalence": 1.5}, "--prevalence from 0 to 1"),
        ({"ceiling": -3.0}, "--ceiling above 0"),
        ({"site": "Nowhere"}, "no site named Nowhere"),
        ({"apply": True}, "name it by --site"),
    ],
)
def test_what_makes_no_sense_is_refused(options, says):
    with pytest.raises(CommandError, match=says):
        simulate(**options)


def test_a_log_is_replayed_at_the_load_that_is_asked(tmp_path):
    path = tmp_path / "log.csv"
    start = timezone.now()
    rows = [
        f"{(start + timedelta(minutes=20 * number)).isoformat()},,{'fracture' if number % 4 == 0 else ''},"
        f"{('positive', 'doubt', 'negative', 'negative')[number * 7 % 4]},{3 + number % 5}\n"
        for number in range(600)
    ]
    path.write_text("arrived_at,priority,truth,ai_state,reading_minutes\n" + "".join(rows))
    with pytest.raises(CommandError):  # a log so even lets nobody wait long enough to be helped
        simulate(log=path)
    path.write_text("arrived_at,priority,truth,ai_state,reading_minutes\n" + "".join(rows[:10]))
    with pytest.raises(CommandError, match="at least 300 studies"):
        simulate(log=path)
    path.write_text("a,b\n")
    with pytest.raises(CommandError, match="Expected the columns"):
        simulate(log=path)


def test_a_sites_own_log_is_what_came_what_was_said_and_what_it_proved_to_be():
    site, model = make.site(), make.model()
    reader = make.reader(site)
    for verdict, state in (("fracture", "negative"), ("no_fracture", "positive"), ("not_assessable", "doubt")):
        study = make.study(site, urgent=verdict == "no_fracture")
        make.predicted(study, model, state)
        make.signed(reader, study, verdict)
    make.study(site)
    first, second = [arrival for _when, arrival in log_of(site)]
    assert (first.has_fracture, first.ai_state, first.is_urgent, first.is_missed) == (True, "negative", False, True)
    assert (second.has_fracture, second.ai_state, second.is_urgent) == (False, "positive", True)
    assert [when for when, _arrival in log_of(site)] == list(
        Study.objects.filter(status="REVIEWED").exclude(reviews__verdict="not_assessable")
        .order_by("received_at").values_list("received_at", flat=True)
    )  # fmt: skip
    assert log_of(site, days=0) == []


def test_a_site_with_a_log_of_its_own_is_judged_by_it(monkeypatch):
    monkeypatch.setattr(simulate_triage, "LEAST_STUDIES", 12)
    site, model = make.site(), make.model()
    reader = make.reader(site)
    for number in range(12):
        study = make.study(site, waited=60 * 24 * (number % 4) + 7 * number)
        make.predicted(study, model, ("positive", "doubt", "negative")[number % 3])
        make.signed(reader, study, "fracture" if number % 3 == 0 else "no_fracture")
    told = simulate(site=site.name, apply=True)
    assert "A log of 12 studies" in told
    site.refresh_from_db()
    assert "cannot be judged" in site.triage_off_because  # nothing was missed in twelve studies


def test_the_model_in_service_speaks_as_its_report_counts():
    assert model_in_service() is None
    make.model()
    assert model_in_service() is None
    states = {"fractured": {"positive": 50, "doubt": 30, "negative": 20},
              "not_fractured": {"positive": 10, "doubt": 20, "negative": 70}}  # fmt: skip
    make.model(report={"splits": {"oof": {"states": states}}})
    assert model_in_service() == Model(0.5, 0.3, 0.1, 0.2)
