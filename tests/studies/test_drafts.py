"""Drafts: kept while typed, taken up anywhere, one tab at a time, gone once signed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from bonefrac.accounts.models import ReadingMode, Role
from bonefrac.audit.models import AuditEvent
from bonefrac.errors import Conflict, Forbidden, NotFound, TooMuch
from studies import drafts, reviews, tasks, worklist
from studies.models import Draft, Review
from studies.terms import DraftPurpose
from studies.typed import Typed
from tests import factories_studies as make

pytestmark = pytest.mark.django_db


def keep(by, study, note="half a sen", *, version=0, purpose=DraftPurpose.SIGN, **values):
    form = Typed(note=note, **values)
    return drafts.keep(by, study.pk, purpose=purpose, form=form, version=version, revision=study.revision)


def test_a_draft_is_kept_changed_and_found_by_its_writer_alone():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    before = AuditEvent.objects.count()
    first = keep(reader, study)
    second = keep(reader, study, "half a sentence", version=first.version)
    assert AuditEvent.objects.count() == before
    assert (first.version, second.version, Draft.objects.count()) == (1, 2, 1)
    found = drafts.find(reader, study, DraftPurpose.SIGN)
    assert (found.body["note"], found.round, found.revision) == ("half a sentence", 1, 1)
    assert drafts.find(make.reader(site), study, DraftPurpose.SIGN) is None
    assert drafts.find(reader, study, DraftPurpose.AMEND) is None


def test_two_tabs_do_not_overwrite_each_other_silently():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    first = keep(reader, study, "tab one")
    for known in (0, 5):
        with pytest.raises(Conflict) as refused:
            keep(reader, study, "tab two", version=known)
        assert (refused.value.code, refused.value.fields) == ("draft_conflict", {"version": "1"})
    assert drafts.find(reader, study, DraftPurpose.SIGN).body["note"] == "tab one"
    mine = keep(reader, study, "tab two", version=1)  # chosen: mine
    assert mine.version == 2
    with pytest.raises(Conflict):
        keep(reader, study, "tab one", version=first.version)


def test_a_draft_goes_when_it_is_signed_and_does_not_come_back():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    other = make.reader(site)
    keep(reader, study)
    theirs = keep(other, study, "mine")
    make.signed(reader, study)
    assert list(Draft.objects.all()) == [theirs]
    with pytest.raises(Conflict) as refused:
        keep(reader, study, "a tab that was late", version=1)
    assert refused.value.code == "already_read"
    assert Draft.objects.count() == 1


def test_what_was_refused_keeps_its_draft():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    worklist.claim(reader, study.pk)
    keep(reader, study, "typed")
    reviews.add_image(study.pk)
    with pytest.raises(Conflict):
        reviews.sign(reader, study.pk, judgement=make.judgement(), revision=1)
    worklist.hand_back(reader, study.pk)
    with pytest.raises(Conflict):
        reviews.sign(reader, study.pk, judgement=make.judgement(), revision=2)
    reviews.void(make.lead(site), study.pk, reason="wrong patient")
    study.refresh_from_db()
    assert keep(reader, study, "typed on", version=1).version == 2
    reviews.restore(make.lead(site), study.pk)
    worklist.claim(reader, study.pk)
    assert drafts.find(reader, study, DraftPurpose.SIGN).body["note"] == "typed on"


def test_who_may_keep_one():
    site = make.site(required=2)
    study, first, _second = make.disputed(site)
    lead = make.lead(site)
    with pytest.raises(NotFound):
        keep(make.reader(make.site()), study)
    for role in (Role.ADMIN, Role.AUDITOR):
        with pytest.raises(Forbidden):
            keep(make.person(site, role), study)
    with pytest.raises(Forbidden):
        keep(study.uploader, study)
    for by, purpose in ((make.reader(site), DraftPurpose.AMEND), (first, DraftPurpose.ADJUDICATE)):
        with pytest.raises(Forbidden):
            keep(by, study, purpose=purpose)
    keep(first, study, purpose=DraftPurpose.AMEND)
    keep(lead, study, purpose=DraftPurpose.ADJUDICATE)
    reviews.amend(
        first, Review.objects.get(reader=first).pk, judgement=make.judgement("fracture", note="x"),
        revision=study.revision, reason="why",
    )  # fmt: skip
    study.refresh_from_db()
    reviews.adjudicate(lead, study.pk, judgement=make.judgement(), revision=study.revision)
    assert not Draft.objects.exists()


def test_a_draft_has_a_size():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    image = study.images.get()
    row = {"image": str(image.pk), "kind": "length", "points": [["x" * 64] * 64] * 60}
    with pytest.raises(TooMuch):
        keep(reader, study, measurements=json.dumps([row]))
    assert not Draft.objects.exists()


def test_a_silent_draft_is_swept(settings):
    site = make.site()
    reader = make.reader(site)
    old, new = keep(reader, make.study(site)), keep(reader, make.study(site))
    Draft.objects.filter(pk=old.pk).update(saved_at=timezone.now() - timedelta(days=settings.DRAFT_DAYS, seconds=1))
    tasks.sweep_studies()
    assert list(Draft.objects.all()) == [new]


def test_undoing_puts_what_was_signed_over_a_draft():
    site = make.site(mode=ReadingMode.BLIND_FIRST)
    study, reader = make.study(site), make.reader(site)
    blind = make.signed(reader, study, "fracture", note="blind")
    keep(reader, study, "second look")
    reviews.undo(reader, blind.pk)
    draft = drafts.find(reader, study, DraftPurpose.SIGN)
    assert (draft.body["note"], draft.version) == ("blind", 2)
