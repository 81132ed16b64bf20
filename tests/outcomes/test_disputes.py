"""A dispute is settled over readings without names and times, in an order that tells nothing, on every face."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from bonefrac.accounts.models import Role
from studies import reviews
from studies.models import Review
from studies.selectors import open_study
from studies.states import StudyStatus
from tests import factories_studies as make
from tests.outcomes.passing import let_pass

pytestmark = pytest.mark.django_db


def as_(user) -> Client:
    client = Client()
    client.force_login(user, backend="bonefrac.accounts.backends.PlatformBackend")
    return client


def told_apart(site, *verdicts, **values):
    study, readers = make.study(site), [make.reader(site) for _ in verdicts]
    for reader, verdict in zip(readers, verdicts, strict=True):
        boxes = (make.box(study.images.get()),) if verdict == "fracture" else ()
        make.signed(reader, study, verdict, note=f"seen as {verdict}", boxes=boxes, **values)
    return study, readers


def faces(person, study):
    """Everything that a person can ask about a study: bodies and headers, by address."""
    page, program = as_(person), APIClient()
    program.force_authenticate(person)
    addresses = [reverse(f"studies:{name}", args=[study.pk]) for name in ("study", "adjudicate", "news")]
    addresses += [
        reverse(f"studies:{name}") for name in ("worklist", "notices", "critical", "divergences", "agreement")
    ]
    addresses += [reverse("studies:worklist") + "?show=disputed"]
    asked = {address: page.get(address) for address in addresses}
    for address in (reverse("api_study", args=[study.pk]), reverse("api_studies"), reverse("api_critical"),
                    reverse("api_divergences"), reverse("api_agreement"), reverse("api_notices")):  # fmt: skip
        asked[address] = program.get(address)
    assert {answer.status_code for answer in asked.values()} == {200}
    return {address: answer.text + str(dict(answer.headers)) for address, answer in asked.items()}


def test_no_name_key_nor_time_of_a_reader_reaches_the_lead_before_the_dispute_is_settled():
    site = make.site(required=2)
    study, readers = told_apart(site, "fracture", "no_fracture", is_critical=False)
    lead = make.lead(site)
    let_pass(study, minutes=77)
    secrets = [str(reader) for reader in readers] + [reader.username for reader in readers]
    secrets += [str(reader.pk) for reader in readers]
    for review in Review.objects.filter(study=study):
        secrets += [str(review.pk), review.signed_at.strftime("%H:%M:%S"), review.signed_at.isoformat()[:19]]
    for address, said in faces(lead, study).items():
        assert [secret for secret in secrets if secret in said] == [], address
    shown = as_(lead).get(reverse("studies:adjudicate", args=[study.pk])).text
    for words in ("Reader A", "Reader B", "seen as fracture", "seen as no_fracture", "in the verdict"):
        assert words in shown
    assert shown.count('class="marked__mark"') == 1
    reviews.adjudicate(lead, study.pk, judgement=make.judgement("fracture"), revision=study.revision)
    settled = as_(lead).get(reverse("studies:study", args=[study.pk])).text
    assert all(str(reader) in settled for reader in readers)
    assert "disputed: readings differ in the verdict" in settled


def test_the_api_gives_letters_and_facts_and_no_key():
    site = make.site(required=2)
    study, _readers = told_apart(site, "fracture", "no_fracture")
    client = APIClient()
    client.force_authenticate(make.lead(site))
    shown = client.get(reverse("api_study", args=[study.pk])).json()
    assert shown["reviews"] == []
    assert shown["dispute"]["difference"] == "in the verdict"
    assert [set(row) for row in shown["dispute"]["readings"]] == [{"letter", "facts"}] * 2
    assert [row["letter"] for row in shown["dispute"]["readings"]] == ["A", "B"]


def test_the_order_stays_for_a_lead_and_has_nothing_to_do_with_who_signed_first():
    site = make.site(required=2)
    leads = [make.lead(site) for _ in range(6)]
    first_is_a = []
    for _ in range(6):
        study, _readers = told_apart(site, "fracture", "no_fracture")
        for lead in leads:
            letters = [row.facts[0].value for row in open_study(lead, study).dispute.readings]
            assert letters == [row.facts[0].value for row in open_study(lead, study).dispute.readings]
            first_is_a.append(letters[0] == "fracture (acute)")
    assert 6 <= sum(first_is_a) <= 30, "36 fair coins"


def test_letters_stay_when_a_reader_amends_while_the_lead_looks():
    site = make.site(required=2)
    study, (one, _other) = told_apart(site, "fracture", "no_fracture")
    lead = make.lead(site)

    def letter_of_no_fracture():
        readings = open_study(lead, study).dispute.readings
        return next(row.letter for row in readings if row.facts[0].value == "no acute fracture")

    before = letter_of_no_fracture()
    review = Review.objects.get(study=study, reader=one)
    reviews.amend(
        one, review.pk, judgement=make.judgement("not_assessable"), revision=study.revision, reason="Blurred."
    )
    study.refresh_from_db()
    assert study.status == StudyStatus.DISPUTED
    assert letter_of_no_fracture() == before


def test_readers_of_the_dispute_and_overseers_see_names_and_no_letters():
    site = make.site(required=2)
    study, (one, other) = told_apart(site, "fracture", "no_fracture")
    for person in (one, make.person(site, Role.ADMIN), make.person(site, Role.AUDITOR)):
        shown = as_(person).get(reverse("studies:study", args=[study.pk])).text
        assert "Reader A" not in shown
        assert str(other) in shown
        assert as_(person).get(reverse("studies:adjudicate", args=[study.pk])).status_code == 403


def test_a_lead_who_is_administrator_too_is_blind_all_the_same():
    site = make.site(required=2)
    study, readers = told_apart(site, "fracture", "no_fracture")
    both = make.person(site, Role.LEAD, Role.ADMIN)
    for address, said in faces(both, study).items():
        assert not any(str(reader) in said for reader in readers), address


@pytest.mark.parametrize("status", ["AWAITING", "DISPUTED"])
def test_a_reader_who_has_yet_to_read_learns_nothing_of_the_others(status):
    site = make.site(required=2 if status == "DISPUTED" else 3)
    study, readers = told_apart(site, "fracture", "no_fracture")
    assert study.status == status
    lead = make.lead(site)
    shown = as_(lead).get(reverse("studies:study", args=[study.pk])).text
    said = json.dumps(APIClientFor(lead).get(reverse("api_study", args=[study.pk])).json())
    for face in (shown, said):
        assert not any(str(reader) in face for reader in readers)
    if status == "AWAITING":
        assert not re.search(r"seen as|signed:|readings differ|claimed by|<p>claimed", shown + said)
    divergences = as_(lead).get(reverse("studies:divergences"), {"show": "all"}).text
    assert str(study.pk) not in divergences


def APIClientFor(person):
    client = APIClient()
    client.force_authenticate(person)
    return client
