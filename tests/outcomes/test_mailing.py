"""Mails: one per notice, after its time, with a link and nothing else; a server that is down blocks nothing."""

from __future__ import annotations

import smtplib

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from studies import mailing, notices, reviews, tasks
from studies.models import Notice
from studies.states import NoticeKind
from tests import factories_studies as make
from tests.outcomes.passing import let_pass

pytestmark = pytest.mark.django_db


class Broken(EmailBackend):
    """A server that is down."""

    def send_messages(self, messages):
        raise ConnectionRefusedError


class Picky(EmailBackend):
    """A server that refuses one address."""

    def send_messages(self, messages):
        if any("bad@" in to for message in messages for to in message.to):
            raise smtplib.SMTPRecipientsRefused({})
        return super().send_messages(messages)


@pytest.fixture
def read(settings):
    settings.EMAIL_HOST = "mail.example"
    settings.PUBLIC_ADDRESS = "https://bonefrac.example/"
    site = make.site()
    study, reader = make.study(site, patient="4711"), make.reader(site)
    study.uploader.email = "u@example.org"
    study.uploader.save()
    return study, reader, make.signed(reader, study, "fracture", note="secret note")


def test_a_mail_goes_once_after_its_time_and_carries_a_link_only(read):
    study, _reader, _review = read
    tasks.tell()
    assert mail.outbox == []
    let_pass(study, seconds=16)
    tasks.tell()
    tasks.tell()
    (message,) = mail.outbox
    assert message.to == ["u@example.org"]
    assert "https://bonefrac.example/notices/" in message.body
    said = message.subject + message.body + str(message.extra_headers)
    for secret in ("fracture", "secret", "4711", str(study.pk), "verdict", study.site.name):
        assert secret not in said.replace("bonefrac", "")
    assert Notice.objects.get().mailed_at is not None


def test_what_was_undone_seen_or_is_a_day_old_is_not_mailed(read):
    study, reader, review = read
    reviews.undo(reader, review.pk)
    let_pass(study, seconds=60)
    assert (mailing.mail_due(), mail.outbox) == (0, [])
    study.refresh_from_db()
    make.signed(reader, study, "no_fracture")
    let_pass(study, seconds=16)
    notices.mark_all_seen(study.uploader)
    assert mailing.mail_due() == 0
    told = {"kind": NoticeKind.VOIDED, "sentence": "Old."}
    notices.tell([study.uploader_id], study, **told)
    let_pass(study, minutes=60 * 25)
    assert mailing.mail_due() == 0
    notices.tell([study.uploader_id], study, **told)
    assert mailing.mail_due() == 1


def test_a_server_that_is_down_delays_and_blocks_nobody(read, settings):
    study, _reader, _review = read
    let_pass(study, seconds=16)
    settings.EMAIL_BACKEND = f"{__name__}.Broken"
    tasks.tell()
    assert Notice.objects.get().mailed_at is None
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    tasks.tell()
    assert len(mail.outbox) == 1


def test_one_bad_address_does_not_hold_up_the_others(read, settings):
    study, _reader, _review = read
    settings.EMAIL_BACKEND = f"{__name__}.Picky"
    bad = make.reader(study.site)
    bad.email = "bad@example.org"
    bad.save()
    for _ in range(4):
        notices.tell([bad.pk], study, kind=NoticeKind.VOIDED, sentence="Voided.")
    let_pass(study, seconds=16)
    assert mailing.mail_due() == 1
    assert [message.to for message in mail.outbox] == [["u@example.org"]]


def test_nothing_is_mailed_without_a_server_an_address_or_the_right_to_see(read, settings):
    study, _reader, _review = read
    let_pass(study, seconds=16)
    settings.EMAIL_HOST = ""
    assert mailing.mail_due() == 0
    settings.EMAIL_HOST = "mail.example"
    study.uploader.memberships.all().delete()
    mailing.mail_due()
    assert mail.outbox == []
    study.uploader.email = ""
    study.uploader.save()
    assert mailing.mail_due() == 0
