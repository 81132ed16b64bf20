"""A client of DICOMweb that speaks HTTP to a running server, and what its tests send."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import requests
from dicomweb_client.api import DICOMwebClient

from bonefrac.accounts import people
from bonefrac.accounts.models import Role
from studies import intake
from studies.models import IncomingFile
from tests import factories_studies as make


@pytest.fixture
def site(db):
    return make.site()


@pytest.fixture
def uploader(site):
    return make.person(site, Role.UPLOADER)


@pytest.fixture
def reader(site):
    return make.reader(site)


@pytest.fixture
def server(transactional_db, live_server):
    """The real addresses over HTTP; ``client`` makes a DICOMweb client of a person."""

    with requests.Session() as session:  # closed, so that the server's threads end and give their connections back

        def client(user, path="/dicomweb", scheme="Token", **options):
            headers = {"Authorization": f"{scheme} {people.issue_token(user, label='a test')}"}
            return DICOMwebClient(live_server.url + path, headers=headers, session=session, **options)

        yield SimpleNamespace(url=live_server.url, client=client)


def judge_all():
    """Judge what waits, as the workers would."""
    for key in IncomingFile.objects.filter(status="RECEIVED").values_list("pk", flat=True):
        intake.judge(key)
