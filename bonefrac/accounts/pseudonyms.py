"""Keys that stand for patients, pixels and readers and cannot be turned back without the site's secret.

Each key is an HMAC-SHA256 by the pseudonym secret over a purpose, the site, the site's secret version and the value,
so that two sites never have a key in common and none learns what another holds. Whoever loses the secret loses the
grouping of patients for ever.
"""

from __future__ import annotations

import unicodedata
from datetime import timedelta

from django.conf import settings

from bonefrac import keys
from bonefrac.accounts.models import Site, User

READER_KEY_LENGTH = 16
ACCESSION_KEY_LENGTH = 16
_LONGEST_SHIFT_DAYS = 3650


def patient_key(site: Site, *, issuer: str, patient_id: str) -> str:
    """Return the 64 hexadecimal digits that stand for a patient of a site.

    Surrounding blanks are insignificant in both (DICOM PS3.5, LO); the case of letters is kept.

    Args:
        site: The site that knows the patient.
        issuer: Who gave out the patient's id; empty where that is unknown.
        patient_id: The id as it was handed in; must not be empty.
    """
    return _derive(site, "patient", _plain(issuer), _plain(patient_id)).hex()


def pixel_key(site: Site, pixel_digest: str) -> str:
    """Return the 64 hexadecimal digits under which a site stores a picture of the given digest."""
    return _derive(site, "pixels", pixel_digest).hex()


def reader_key(site: Site, user: User) -> str:
    """Return the 16 hexadecimal digits that stand for a reader in a site's exported datasets."""
    return _derive(site, "reader", str(user.pk)).hex()[:READER_KEY_LENGTH]


def uid(site: Site, original_uid: str) -> str:
    """Return a DICOM UID that replaces an original one: ``2.25.`` and a UUID of version 8 (PS3.5 B.2, RFC 9562)."""
    value = int.from_bytes(_derive(site, "uid", original_uid.strip(" \0"))[:16], "big")
    value = value & ~(0xF << 76) | 0x8 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return f"2.25.{value}"


def date_shift(site: Site, patient: str) -> timedelta:
    """Return the secret offset by which all dates of a patient are shifted: 1 to 3650 whole days into the past."""
    days = int.from_bytes(_derive(site, "dates", patient)[:8], "big") % _LONGEST_SHIFT_DAYS + 1
    return timedelta(days=-days)


def accession_key(site: Site, accession: str) -> str:
    """Return the 16 hexadecimal digits that stand for an accession number of a site: what the element can hold."""
    return _derive(site, "accession", _plain(accession)).hex()[:ACCESSION_KEY_LENGTH]


def shuffle_key(site: Site, *values: str) -> str:
    """Return 64 hexadecimal digits to sort by: the order tells nothing of the values, and stays."""
    return _derive(site, "shuffle", *values).hex()


def _derive(site: Site, purpose: str, *values: str) -> bytes:
    return keys.derive(settings.PSEUDONYM_SECRET, purpose, str(site.pk), str(site.secret_version), *values)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip(" \0\t\r\n"))
