"""Adds a device that may store over the DICOM network, deactivates one, or lists them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bonefrac.accounts.access import active_person
from bonefrac.accounts.models import Site
from bonefrac.errors import DomainError
from studies.dimse import devices
from studies.dimse.devices import Terms
from studies.models import Device


class Command(BaseCommand):
    help = "Add, deactivate or list the devices that may store over the DICOM network."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="let a device store at a site")
        add.add_argument("ae_title", help="its own AE title")
        add.add_argument("--site", required=True, help="the site's name")
        add.add_argument("--sender", required=True, help="the username of an uploader of the site")
        add.add_argument("--address", default="", help="an address or a network; any where absent")
        add.add_argument("--called", default="", help="the AE title that it calls, where not the platform's own")
        add.add_argument("--label", default="", help="what it is")
        for verb in ("deactivate", "reactivate"):
            switch = verbs.add_parser(verb, help=f"{verb} a device")
            switch.add_argument("ae_title")
            switch.add_argument("--called", default="", help="the AE title that it calls, where not the platform's own")
        verbs.add_parser("list", help="list all devices")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['verb']}")(options)
        except DomainError as error:
            raise CommandError(" ".join([error.sentence, *error.fields.values()])) from error

    def _add(self, options: dict[str, Any]) -> None:
        site = Site.objects.filter(name=options["site"]).first()
        if site is None:
            raise CommandError(f"Expected a site's name; received {options['site']!r}.")
        terms = Terms(options["ae_title"], options["called"], options["address"], options["label"])
        made = devices.add(None, site=site, person=active_person(options["sender"]), terms=terms)
        self.stdout.write(f"{made.ae_title} may store at {site}.")

    def _deactivate(self, options: dict[str, Any]) -> None:
        devices.deactivate(None, device=self._named(options, is_active=True))
        self.stdout.write(f"{options['ae_title']} is refused from now on.")

    def _reactivate(self, options: dict[str, Any]) -> None:
        devices.reactivate(None, device=self._named(options, is_active=False))
        self.stdout.write(f"{options['ae_title']} may store again.")

    def _list(self, _options: dict[str, Any]) -> None:
        for device in Device.objects.select_related("site", "person"):
            state = "may store" if device.is_active else "deactivated"
            called = f" calling {device.called_ae_title}" if device.called_ae_title else ""
            place = device.address or "anywhere"
            words = f"{device.ae_title}{called} from {place} as {device.person.username} at {device.site}: {state}"
            self.stdout.write(words)

    def _named(self, options: dict[str, Any], *, is_active: bool) -> Device:
        named = Device.objects.filter(ae_title=options["ae_title"], called_ae_title=options["called"])
        found = named.filter(is_active=is_active).select_related("site").first()
        if found is None:
            raise CommandError(f"There is no such device: {options['ae_title']!r}.")
        return found
