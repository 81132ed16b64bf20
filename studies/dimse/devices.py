"""Who may call over the DICOM network: devices of a site, looked after by its administrators.

``None`` as the actor is the system: a command typed on the machine.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from bonefrac.accounts import policies
from bonefrac.accounts.models import Membership, Role
from bonefrac.accounts.roles import holds, sites_with
from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.db import violated
from bonefrac.errors import Conflict, Invalid, NotFound
from studies.models import Device

if TYPE_CHECKING:
    from bonefrac.accounts.models import Site, User

#: PS3.5 6.2: 16 characters of the default repertoire without backslash, no space at either end.
_AE_TITLE: Final = re.compile(r"[!-\[\]-~](?:[ -\[\]-~]{0,14}[!-\[\]-~])?")
_LABEL_LENGTH: Final = 80


@dataclass(frozen=True, slots=True)
class Terms:
    """How a device calls.

    Attributes:
        ae_title: its own AE title.
        called_ae_title: the AE title that it calls; empty for the platform's own.
        address: an address or a network; empty for any.
        label: what people call it.
    """

    ae_title: str
    called_ae_title: str = ""
    address: str = ""
    label: str = ""


class Unrecognised(Exception):
    """Nobody of this name may call; ``is_called_wrong`` where it is the called AE title that nobody answers to."""

    def __init__(self, reason: str, *, is_called_wrong: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_called_wrong = is_called_wrong


@transaction.atomic
def add(actor: User | None, *, site: Site, person: User, terms: Terms) -> Device:
    """Let a device store at a site in a person's name.

    Raises:
        Forbidden: The actor does not administer the site.
        Invalid: A title or address is none, the person is no uploader of the site, or the name is taken.
    """
    policies.require_admin(actor, site)
    terms = _checked(terms, site, person)
    device = Device(site=site, person=person, **asdict(terms))
    try:
        with transaction.atomic():
            device.save(force_insert=True)
    except IntegrityError as error:
        raise _taken(error) from None
    device.refresh_from_db()
    record(actor, Verb.DEVICE_ADDED, target_type="device", target_id=device.pk, site=site, data=_facts(device))
    return device


@transaction.atomic
def deactivate(actor: User | None, *, device: Device) -> None:
    """Refuse a device from its next call and its next image on; raises ``Forbidden``, ``Conflict`` where it was."""
    _switch(actor, device, is_active=False)


@transaction.atomic
def reactivate(actor: User | None, *, device: Device) -> None:
    """Let a device call again; raises ``Forbidden``, ``Conflict``, ``Invalid`` where its name was taken meanwhile."""
    _switch(actor, device, is_active=True)


def visible_to(actor: User) -> QuerySet[Device]:
    """Return the devices of the sites that the actor administers, unordered."""
    return Device.objects.select_related("site", "person").filter(site__in=sites_with(actor, Role.ADMIN)).order_by()


def device(actor: User, device_id: uuid.UUID) -> Device:
    """Return a device of a site that the actor administers; raise ``NotFound`` otherwise."""
    found = visible_to(actor).filter(pk=device_id).first()
    if found is None:
        raise NotFound
    return found


def senders(actor: User) -> QuerySet[Membership]:
    """Return who may count as a sender: the uploaders of the sites that the actor administers, active ones."""
    held = Membership.objects.select_related("site", "user").filter(role=Role.UPLOADER, user__is_active=True)
    return held.filter(site__in=sites_with(actor, Role.ADMIN)).order_by("site__name", "user__username")


def caller(*, calling: str, called: str, address: str) -> Device:
    """Return the device that calls.

    Raises:
        Unrecognised: Nobody answers to the called title, or no active device of this name calls from there.
    """
    own = called == settings.DICOM_AE_TITLE
    answering = Device.objects.filter(called_ae_title="" if own else called, is_active=True)
    if not own and not answering.exists():
        raise Unrecognised("called_ae_title", is_called_wrong=True)
    found = answering.filter(ae_title=calling).select_related("site", "person").first()
    if found is None:
        raise Unrecognised("calling_ae_title")
    if found.address and not _lies_in(address, found.address):
        raise Unrecognised("address")
    if not holds(found.person, found.site, Role.UPLOADER):
        raise Unrecognised("person")
    return found


def may_still_store(device: Device) -> bool:
    """Whether the device has not been deactivated since it called."""
    return Device.objects.filter(pk=device.pk, is_active=True).exists()


def _switch(actor: User | None, device: Device, *, is_active: bool) -> None:
    policies.require_admin(actor, device.site)
    try:
        with transaction.atomic():
            changed = Device.objects.filter(pk=device.pk, is_active=not is_active).update(is_active=is_active)
    except IntegrityError as error:
        raise _taken(error) from None
    if not changed:
        raise Conflict(_("Somebody has changed this device already. Nothing was changed now."), code="stale")
    device.is_active = is_active
    record(actor, Verb.DEVICE_CHANGED, target_type="device", target_id=device.pk, site=device.site, data=_facts(device))


def _facts(device: Device) -> dict[str, object]:
    called = device.called_ae_title or settings.DICOM_AE_TITLE
    return {"calling": device.ae_title, "called": called, "address": device.address, "active": device.is_active}


def _checked(terms: Terms, site: Site, person: User) -> Terms:
    kept = Terms(*(value.strip() for value in asdict(terms).values()))
    faults: dict[str, str] = {}
    title = _("An AE title has 1 to 16 letters, digits or signs, without a backslash.")
    if not _AE_TITLE.fullmatch(kept.ae_title):
        faults["ae_title"] = title
    if kept.called_ae_title and not _AE_TITLE.fullmatch(kept.called_ae_title):
        faults["called_ae_title"] = title
    if kept.address and _network(kept.address) is None:
        faults["address"] = _("Expected an address such as 10.0.0.5 or a network such as 10.0.0.0/24.")
    if len(kept.label) > _LABEL_LENGTH:
        faults["label"] = _("At most 80 characters.")
    if not holds(person, site, Role.UPLOADER):
        faults["person"] = _("Expected somebody who is an uploader of this site: the device sends in that name.")
    if faults:
        raise Invalid(_("Something is missing or wrong. Nothing was saved."), fields=faults)
    is_own = kept.called_ae_title == settings.DICOM_AE_TITLE
    return Terms(kept.ae_title, "" if is_own else kept.called_ae_title, kept.address, kept.label)


def _taken(error: IntegrityError) -> Exception:
    if violated(error) != "device_caller_once":
        return error
    sentence = _(
        "A device with this calling AE title is active on this platform already. Give it another title, or have it "
        "call the platform by a title of its own."
    )
    return Invalid(_("Nothing was saved."), code="taken", fields={"ae_title": sentence})


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _lies_in(address: str, text: str) -> bool:
    network = _network(text)
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return network is not None and (mapped or found) in network
