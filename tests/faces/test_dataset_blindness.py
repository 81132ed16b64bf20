"""Whoever reads at a site that reads blind first is never shown its datasets, which tell what the AI said.

Administrators and auditors who do not read there see them: they answer for what leaves the site.
"""

from __future__ import annotations

import pytest
from django.urls import reverse

from bonefrac.accounts import people
from bonefrac.accounts.models import ReadingMode, Role, Site
from studies import datasets
from studies.datasets import Criteria
from tests import factories_studies as make
from tests.faces.clients import api_client, page_client

pytestmark = pytest.mark.django_db
FORMATS = ("csv", "coco", "zip")
READERS = (Role.RADIOLOGIST, Role.LEAD)


@pytest.fixture
def frozen(undo_is_over):
    """A site of each mode in turn, with a dataset of a study about which the model had spoken."""

    def make_it(mode):
        site = make.site(mode=mode)
        study, reader = make.study(site), make.reader(site)
        make.predicted(study, make.model(), "positive")
        for _look in range(2 if mode == ReadingMode.BLIND_FIRST else 1):
            make.signed(reader, study, "no_fracture")
        return site, datasets.freeze(make.person(site, Role.ADMIN), site=site, name=f"Of {site}", criteria=Criteria())

    return make_it


def statuses(person, site, dataset):
    """What every address of a dataset answers, by page and by API; also whether lists name it."""
    page, api, found = page_client(person), api_client(person), {}
    for client, one, export in ((page, "studies:dataset", "studies:export_dataset"),
                                (api, "api_dataset", "api_export_dataset")):  # fmt: skip
        found[one] = client.get(reverse(one, args=[dataset.pk])).status_code
        for name in FORMATS:
            for query in ("", "?corrected_only=1"):
                answer = client.get(reverse(export, args=[dataset.pk, name]) + query)
                body = b"".join(answer.streaming_content) if answer.streaming else answer.content
                found[f"{export} {name}{query}"] = answer.status_code
                assert answer.status_code == 200 or b"positive" not in body
    asked = {"site": str(site.pk), "name": "Another"}
    found["preview"] = api.post(reverse("api_dataset_preview"), asked, format="json").status_code
    found["freeze"] = api.post(reverse("api_datasets"), asked, format="json").status_code
    listed = page.get(reverse("studies:datasets"), {"site": str(site.pk)})
    found["list"] = dataset.name in listed.content.decode()
    found["api list"] = dataset.name in api.get(reverse("api_datasets")).content.decode()
    return found


def refused(found):
    return all(status in (403, 404) for status in found.values() if type(status) is int) and not (
        found["list"] or found["api list"]
    )


@pytest.mark.parametrize("role", READERS)
@pytest.mark.parametrize("overseer", [Role.ADMIN, Role.AUDITOR])
def test_a_role_to_read_that_is_given_later_shuts_every_address(frozen, overseer, role):
    site, dataset = frozen(ReadingMode.BLIND_FIRST)
    person = make.person(site, overseer)
    open_to = statuses(person, site, dataset)
    assert open_to["studies:dataset"] == open_to["api_dataset"] == 200
    assert open_to["list"]
    assert open_to["api list"]
    people.grant(None, person=person, site=site, role=role)
    assert refused(statuses(type(person).objects.get(pk=person.pk), site, dataset))


def test_an_export_of_before_the_site_read_blind_is_shut_with_it(frozen):
    site, dataset = frozen(ReadingMode.ASSISTED)
    person = make.person(site, Role.RADIOLOGIST, Role.ADMIN)
    assert set(statuses(person, site, dataset).values()) <= {200, 201, True}
    Site.objects.filter(pk=site.pk).update(reading_mode=ReadingMode.BLIND_FIRST)
    assert refused(statuses(type(person).objects.get(pk=person.pk), site, dataset))


def test_reading_elsewhere_shuts_nothing(frozen):
    site, dataset = frozen(ReadingMode.BLIND_FIRST)
    person = make.person(site, Role.ADMIN)
    people.grant(None, person=person, site=make.site(mode=ReadingMode.BLIND_FIRST), role=Role.RADIOLOGIST)
    found = statuses(person, site, dataset)
    assert set(found.values()) <= {200, 201, True}


def test_with_the_last_role_to_read_gone_it_opens_again(frozen):
    site, dataset = frozen(ReadingMode.BLIND_FIRST)
    person = make.person(site, Role.ADMIN, Role.LEAD)
    assert refused(statuses(person, site, dataset))
    people.revoke(None, person=person, site=site, role=Role.LEAD)
    assert statuses(type(person).objects.get(pk=person.pk), site, dataset)["api_dataset"] == 200
