"""Who is asking: roles are looked up once for a request, and forgotten with it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from bonefrac.accounts import people
from bonefrac.accounts.models import Role
from bonefrac.accounts.requests import signed_in
from bonefrac.accounts.roles import roles_of
from tests import factories_studies as make

pytestmark = pytest.mark.django_db


def test_roles_are_asked_once_a_request_and_anew_by_the_next():
    site, other = make.site(), make.site()
    request = RequestFactory().get("/")
    request.user = person = make.reader(site)
    asking = signed_in(request)
    with CaptureQueriesContext(connection) as captured:
        assert [roles_of(asking, site) for _ in range(3)] == [{Role.RADIOLOGIST}] * 3
        assert roles_of(asking, other) == frozenset()
    assert len(captured) == 2
    people.grant(None, person=person, site=site, role=Role.LEAD)
    assert roles_of(person, site) == {Role.RADIOLOGIST, Role.LEAD}
    assert roles_of(signed_in(request), site) == {Role.RADIOLOGIST, Role.LEAD}
    assert (asking, person.known_roles) == (person, None)
