"""Sends mail where the platform has a mail server: one-time links, which the page shows in any case, and notices."""

from __future__ import annotations

import smtplib

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from bonefrac.accounts.links import OneTimeLink

log = structlog.get_logger(__name__)


def send_link(link: OneTimeLink, *, address: str) -> bool:
    """Return whether a link was handed to the mail server.

    Args:
        link: The link.
        address: The whole address, with the host under which the platform was asked.
    """
    text = _("Set your password for bonefrac here, once, within %(days)s days:\n\n%(address)s\n")
    body = text % {"days": settings.INVITATION_DAYS, "address": address}
    return send(link.person.email, subject=_("Your access to bonefrac"), body=body)


def send(to: str, *, subject: str, body: str) -> bool:
    """Return whether a mail was handed to the mail server; a server that fails is logged, not an error.

    Args:
        to: The address; an empty one, or a platform without a mail server, sends nothing.
        subject: What the mail is about.
        body: Its text: never a patient, a verdict or a name.
    """
    if not (settings.EMAIL_HOST and to):
        return False
    try:
        return bool(send_mail(subject, body, None, [to]))
    except (smtplib.SMTPException, OSError) as error:
        log.warning("mail_not_sent", error=type(error).__name__)
        return False
