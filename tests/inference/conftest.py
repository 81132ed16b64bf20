"""Radiographs, models and people for the tests of inference, made by the domain's own verbs."""

from __future__ import annotations

import pytest

from bonefrac.accounts import people
from bonefrac.accounts.models import ReadingMode, Role, User
from bonefrac.accounts.people import SiteTerms
from inference import registry
from tests import tiny
from tests.factories_inference import grey_radiograph


@pytest.fixture
def model(db, tmp_path):
    """A candidate in the register."""
    return registry.register(None, tiny.write(tmp_path / "artifact"))


@pytest.fixture
def active(model):
    """The model in service."""
    return registry.promote(None, model)


@pytest.fixture
def another(active, tmp_path):
    """A second model, a candidate."""
    return registry.register(None, tiny.write(tmp_path / "another", card="# Another\n"))


@pytest.fixture
def radiograph(db):
    return grey_radiograph()


@pytest.fixture
def engineer(db):
    person = User.objects.create_user("engineer", display_name="Engineer")
    people.appoint_engineer(None, person=person)
    person.refresh_from_db()
    return person


def _member(name, role):
    terms = SiteTerms(
        name=f"Site of {name}",
        reading_mode=ReadingMode.ASSISTED,
        readings_required=1,
        wait_ceiling_minutes=60,
        time_zone="UTC",
    )
    person = User.objects.create_user(name, display_name=name)
    people.grant(None, person=person, site=people.make_site(None, terms=terms), role=role)
    return person


@pytest.fixture
def admin(db):
    return _member("admin", Role.ADMIN)


@pytest.fixture
def reader(db):
    return _member("reader", Role.RADIOLOGIST)
