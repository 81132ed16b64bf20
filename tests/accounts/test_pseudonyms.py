"""Keys that group without telling: stable within a site, different between sites, versions and purposes."""

from __future__ import annotations

import re

import pytest

from bonefrac.accounts import pseudonyms
from bonefrac.accounts.models import Role
from tests import factories_accounts as make

pytestmark = pytest.mark.django_db


def test_a_patient_has_one_key_at_a_site_and_another_elsewhere():
    one, two = make.site(), make.site()
    key = pseudonyms.patient_key(one, issuer="H", patient_id="4711")
    assert re.fullmatch(r"[0-9a-f]{64}", key)
    assert pseudonyms.patient_key(one, issuer=" H", patient_id="4711 ") == key
    others = [
        pseudonyms.patient_key(two, issuer="H", patient_id="4711"),
        pseudonyms.patient_key(one, issuer="", patient_id="4711"),
        pseudonyms.patient_key(one, issuer="H4", patient_id="711"),
        pseudonyms.patient_key(one, issuer="H", patient_id="4712"),
        pseudonyms.pixel_key(one, "4711"),
    ]
    assert len({key, *others}) == 6


def test_another_secret_or_version_gives_another_key(settings):
    site = make.site()
    key = pseudonyms.patient_key(site, issuer="", patient_id="1")
    site.secret_version = 2
    second = pseudonyms.patient_key(site, issuer="", patient_id="1")
    settings.PSEUDONYM_SECRET = "x" * 48
    assert len({key, second, pseudonyms.patient_key(site, issuer="", patient_id="1")}) == 3


def test_a_uid_is_valid_and_hides_the_original():
    site = make.site()
    made = pseudonyms.uid(site, "1.2.840.1")
    assert re.fullmatch(r"2\.25\.[1-9][0-9]{0,38}", made)
    assert len(made) <= 64
    assert made == pseudonyms.uid(site, "1.2.840.1\0")
    assert made != pseudonyms.uid(site, "1.2.840.2")
    value = int(made.removeprefix("2.25."))
    assert (value >> 76 & 0xF, value >> 62 & 0x3) == (8, 2)


def test_a_reader_key_is_short_and_differs_between_sites():
    one, two = make.site(), make.site()
    reader = make.person(one, Role.RADIOLOGIST)
    assert re.fullmatch(r"[0-9a-f]{16}", pseudonyms.reader_key(one, reader))
    assert pseudonyms.reader_key(one, reader) != pseudonyms.reader_key(two, reader)
