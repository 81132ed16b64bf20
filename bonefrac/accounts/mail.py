"""Sends one-time links by mail where the platform has a mail server; the page shows them in any case."""

from __future__ import annotations

import smtplib

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from bonefrac.accounts.links import OneTimeLink

log = structlog.get_logger(__name__)


def send_link(link: OneTimeLink, *, address: str) -> bool:
    """Return whether a link was handed to the mail server; a server that fails is logged, not an error.

    Args:
        link: The link.
        address: The whole address, with the host under which the platform was asked.
    """
    if not (settings.EMAIL_HOST and link.person.email):
        return False
    text = _("Set your password for bonefrac here, once, within %(days)s days:\n\n%(address)s\n")
    body = text % {"days": settings.INVITATION_DAYS, "address": address}
    try:
        return bool(send_mail(_("Your access to bonefrac"), body, None, [link.person.email]))
    except (smtplib.SMTPException, OSError) as error:
        log.warning("mail_not_sent", error=type(error).__name__)
        return False
