"""Radiographs, models and people for the tests of inference, made by the domain's own verbs."""

from __future__ import annotations

import pytest

from bonefrac.accounts.models import User
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
def radiograph(db):
    return grey_radiograph()


@pytest.fixture
def engineer(db):
    return User.objects.create_user("engineer", display_name="E", is_engineer=True)


@pytest.fixture
def reader(db):
    return User.objects.create_user("reader", display_name="R")
