"""People and sites of the front door."""

from __future__ import annotations

import pytest

from bonefrac.accounts.models import Role
from tests import factories_studies as make


@pytest.fixture
def site(db):
    return make.site()


@pytest.fixture
def uploader(site):
    return make.person(site, Role.UPLOADER)


@pytest.fixture
def lead(site):
    return make.lead(site)
