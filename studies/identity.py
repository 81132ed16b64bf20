"""Keeps who a patient is, encrypted, where a site's policy is clinical, and shows it to those who treat.

Radiologists and leads of the site see it: they answer for the patient. Administrators, auditors, uploaders and the
machine's people do not need it. The key is derived from the field secret and the site, so that no site's key opens
another's.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bonefrac import keys
from bonefrac.accounts.models import IdentityPolicy, Site
from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.errors import Forbidden, Unavailable
from studies import access
from studies.models import Identity, Study
from studies.policies import may_see_identity

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

_WORDS: Final[Mapping[str, str | Promise]] = {
    "name": gettext_lazy("Name"),
    "patient_id": gettext_lazy("Patient ID"),
    "issuer": gettext_lazy("Issuer of the patient ID"),
    "born": gettext_lazy("Date of birth"),
    "accession": gettext_lazy("Accession number"),
    "study_date": gettext_lazy("Date of the study"),
    "referrer": gettext_lazy("Referring physician"),
    "institution": gettext_lazy("Institution"),
}


def seal(site: Site, fields: Mapping[str, str]) -> str:
    """Return what may be stored of a patient's identity: empty unless the site is clinical and something is known."""
    if site.identity_policy != IdentityPolicy.CLINICAL or not fields:
        return ""
    return _cipher(site).encrypt(json.dumps(dict(fields)).encode()).decode()


def keep(study: Study, sealed: str) -> None:
    """Keep the first sealed identity of a study, inside the caller's transaction."""
    if sealed:
        Identity.objects.get_or_create(study=study, defaults={"sealed": sealed.encode()})


def pass_on(study: Study, to: Study) -> None:
    """Keep a study's identity with another one of the same patient, inside the caller's transaction."""
    for known in Identity.objects.filter(study=study):
        Identity.objects.get_or_create(study=to, defaults={"sealed": bytes(known.sealed)})


def view(actor: User, study_id: uuid.UUID) -> list[tuple[str, str]]:
    """Return a patient's identity as labels and values, and record that it was seen; empty where none is kept.

    Raises:
        NotFound, Forbidden: The actor may not see the study, or does not treat at its site.
        Unavailable: It is kept, but was sealed with another key than the platform has now.
    """
    study = access.study(actor, study_id)
    if not may_see_identity(access.standing(actor, study.site)):
        raise Forbidden(_("Only radiologists and leads of the site see who a patient is."))
    found = Identity.objects.filter(study=study).first()
    if found is None:
        return []
    fields = _opened(study.site, found)
    with transaction.atomic():
        record(actor, Verb.IDENTITY_VIEWED, target_type="study", target_id=study.pk, site=study.site)
    return [(str(words), fields[name]) for name, words in _WORDS.items() if name in fields]


def is_open_to(actor: User, study: Study) -> bool:
    """Return whether an identity is kept with a study and the actor may see it; that is no viewing yet."""
    return may_see_identity(access.standing(actor, study.site)) and Identity.objects.filter(study=study).exists()


def forget() -> int:
    """Remove identities that a site keeps no longer: it has become pseudonymous, and its days are over."""
    over = Identity.objects.filter(
        study__site__identity_policy=IdentityPolicy.PSEUDONYMOUS,
        kept_at__lt=Now() - F("study__site__originals_days") * timedelta(days=1),
    )
    return over.delete()[0]


def _opened(site: Site, identity: Identity) -> dict[str, str]:
    try:
        fields: dict[str, str] = json.loads(_cipher(site).decrypt(bytes(identity.sealed)))
    except InvalidToken as error:
        sentence = _(
            "Who this patient is was kept, and cannot be opened: the platform's field key (FIELD_SECRET, or keys/field "
            "in its data folder) is not the one that sealed it. Nothing is lost: the administrator puts that key back."
        )
        raise Unavailable(sentence, code="wrong_key") from error
    return fields


def _cipher(site: Site) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(keys.derive(settings.FIELD_SECRET, "identity", str(site.pk))))
