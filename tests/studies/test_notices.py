"""What people are told: durable, theirs alone, seen once, and never of a study that they may not see."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from bonefrac.accounts import people
from bonefrac.accounts.models import Role
from bonefrac.db import violated
from bonefrac.errors import NotFound
from studies import notices, reviews
from studies.models import Notice
from studies.states import NoticeKind
from tests import factories_studies as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def told():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    (notice,) = notices.tell([reader.pk], study, kind=NoticeKind.IMAGE_ADDED, sentence="An image came later.")
    return notice


def page_of(person):
    client = Client()
    client.force_login(person, backend="bonefrac.accounts.backends.PlatformBackend")
    return client.get(reverse("studies:notices")).content.decode()


def test_a_notice_is_counted_until_it_is_seen_and_stays(told):
    assert notices.unseen_count(told.person) == "1"
    seen = notices.mark_seen(told.person, told.pk)
    assert notices.mark_seen(told.person, told.pk).seen_at == seen.seen_at
    assert (notices.unseen_count(told.person), notices.page_of(told.person).rows) == ("", [told])
    assert "An image came later." in page_of(told.person)


def test_a_notice_is_nobody_elses(told):
    other = make.reader(told.study.site)
    with pytest.raises(NotFound):
        notices.mark_seen(other, told.pk)
    assert notices.page_of(other).rows == []
    told.refresh_from_db()
    assert told.seen_at is None


def test_who_loses_the_role_is_told_no_more(told):
    people.revoke(None, person=told.person, site=told.study.site, role=Role.RADIOLOGIST)
    assert notices.page_of(told.person).rows == []
    assert "An image came later." not in page_of(told.person)
    assert notices.tell([told.person.pk], told.study, kind=NoticeKind.VOIDED, sentence="Voided.") == []


@pytest.mark.parametrize("change", [{"sentence": "Nothing happened."}, {"seen_at": None}, {"kind": "voided"}], ids=str)
def test_nothing_of_a_notice_changes_but_that_it_was_seen_once(told, change):
    notices.mark_seen(told.person, told.pk)
    for deed in (lambda: Notice.objects.filter(pk=told.pk).update(**change), told.delete):
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            deed()
        assert violated(refused.value) == "studies_notice_only_seen"


def test_void_restore_and_reopen_tell_who_saw_the_study():
    site = make.site()
    study, reader, lead = make.study(site), make.reader(site), make.lead(site)
    make.signed(reader, study, "fracture")
    reviews.reopen(lead, study.pk, reason="Look at the scaphoid.")
    reviews.void(lead, study.pk, reason="Wrong patient.")
    reviews.restore(lead, study.pk)
    for person in (reader, study.uploader):
        assert set(notices.shown().filter(person=person).values_list("kind", flat=True)) == {
            "reopened", "voided", "restored"
        }  # fmt: skip
    assert not Notice.objects.filter(person=lead).exists()
