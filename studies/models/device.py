"""The devices that may send radiographs over the DICOM network: who calls, for which site, in whose name."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bonefrac.accounts.models import Site
from bonefrac.db import Row


class Device(Row):
    """One calling application entity (AE): a modality, a PACS, a router.

    ``person`` counts as the sender of what it stores, as an uploader of the site. ``called_ae_title`` is the name that
    it calls the platform by where that is not the platform's own; two sites may so have devices of the same name.
    ``address`` is the address or network from which alone it may call, empty for any.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="devices")
    ae_title = models.CharField(_("calling AE title"), max_length=16)
    called_ae_title = models.CharField(_("called AE title"), max_length=16, blank=True, default="")
    address = models.CharField(_("address or network"), max_length=43, blank=True, default="")
    label = models.CharField(_("what it is"), max_length=80, blank=True, default="")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="devices")
    is_active = models.BooleanField(default=True)
    added_at = models.DateTimeField(db_default=TransactionNow(), editable=False)

    class Meta:
        ordering = ["-added_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["ae_title", "called_ae_title"], condition=Q(is_active=True), name="device_caller_once"
            ),
        ]
        indexes = [models.Index(fields=["site", "-added_at", "-id"], name="device_by_site")]

    def __str__(self) -> str:
        return self.label or self.ae_title
