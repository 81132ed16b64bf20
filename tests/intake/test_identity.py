"""Who the patient is: kept sealed at clinical sites, seen by those who treat, every viewing recorded; originals go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bonefrac.accounts.models import IdentityPolicy, Role, Site
from bonefrac.audit.models import AuditEvent, Verb
from bonefrac.errors import Unavailable
from bonefrac.stores import ORIGINALS
from studies import identity
from studies.intake import originals
from studies.models import Identity, StudyImage
from tests import factories_intake as files
from tests import factories_studies as make

NAME = "Doe^Jane"


def page(user, study):
    client = Client()
    client.force_login(user, backend="bonefrac.accounts.backends.PlatformBackend")
    return client.get(reverse("studies:identity", args=[study.pk]))


@pytest.fixture
def clinical(site):
    Site.objects.filter(pk=site.pk).update(identity_policy=IdentityPolicy.CLINICAL)
    site.refresh_from_db()
    return site


def hand_in(uploader, site, **elements):
    made = files.dataset(PatientName=NAME, PatientID="4711", PatientBirthDate="19610403", AccessionNumber="A99")
    for name, value in elements.items():
        setattr(made, name, value)
    (file,) = files.hand_in(uploader, site, files.dicom(made))
    return file


@pytest.mark.parametrize("role", [Role.RADIOLOGIST, Role.LEAD])
def test_those_who_treat_see_it_and_the_viewing_is_recorded(role, uploader, clinical):
    study = hand_in(uploader, clinical).study
    reader = make.person(clinical, role)
    seen = page(reader, study)
    assert (seen.status_code, seen["Cache-Control"].count("no-store")) == (200, 1)
    assert NAME in seen.content.decode()
    assert "4711" in seen.content.decode()
    event = AuditEvent.objects.get(verb=Verb.IDENTITY_VIEWED)
    assert (event.actor, event.target_id, event.data) == (reader, str(study.pk), {})


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AUDITOR])
def test_nobody_else_sees_it_and_nothing_is_recorded(role, uploader, clinical):
    study = hand_in(uploader, clinical).study
    assert page(make.person(clinical, role), study).status_code == 403
    assert page(uploader, study).status_code == 403
    assert page(make.person(make.site(), role), study).status_code == 404
    assert not AuditEvent.objects.filter(verb=Verb.IDENTITY_VIEWED).exists()


def test_a_pseudonymous_site_keeps_none(uploader, site, lead):
    file = hand_in(uploader, site)
    assert not Identity.objects.exists()
    assert page(lead, file.study).status_code == 200
    assert not AuditEvent.objects.filter(verb=Verb.IDENTITY_VIEWED).exists()


def test_it_goes_some_days_after_a_site_has_become_pseudonymous(uploader, clinical):
    hand_in(uploader, clinical)
    Identity.objects.update(kept_at=timezone.now() - timedelta(days=31))
    assert (identity.forget(), Identity.objects.count()) == (0, 1)
    Site.objects.filter(pk=clinical.pk).update(identity_policy=IdentityPolicy.PSEUDONYMOUS, originals_days=32)
    assert (identity.forget(), Identity.objects.count()) == (0, 1)
    Site.objects.filter(pk=clinical.pk).update(originals_days=30)
    assert (identity.forget(), Identity.objects.count()) == (1, 0)


def test_another_sites_key_opens_nothing(uploader, clinical):
    study = hand_in(uploader, clinical).study
    kept = Identity.objects.get(study=study)
    other = make.site()
    study.site = other
    with pytest.raises(Unavailable):
        identity._opened(other, kept)


def test_a_wrong_key_is_said_and_nothing_is_lost(uploader, clinical, lead, settings):
    study, right = hand_in(uploader, clinical).study, settings.FIELD_SECRET
    settings.FIELD_SECRET = "another secret of enough characters"
    said = page(lead, study)
    assert said.status_code == 503
    assert "is not the one that sealed it" in said.content.decode()
    assert NAME not in said.content.decode()
    assert not AuditEvent.objects.filter(verb=Verb.IDENTITY_VIEWED).exists()
    settings.FIELD_SECRET = right
    assert NAME in page(lead, study).content.decode()


def age(days):
    StudyImage.objects.update(added_at=timezone.now() - timedelta(days=days))


def test_originals_of_a_pseudonymous_site_go_after_its_days(uploader, site):
    image = hand_in(uploader, site).study_image
    age(29)
    assert originals.sweep() == 0
    age(31)
    assert originals.sweep() == 1
    assert not ORIGINALS.path(image.original).exists()
    image.refresh_from_db()
    assert image.original == ""
    assert AuditEvent.objects.get(verb=Verb.ORIGINAL_DROPPED).target_id == str(image.pk)
    assert originals.sweep() == 0


def test_originals_of_a_clinical_site_stay_also_for_a_neighbour(uploader, clinical):
    neighbour = make.site()
    content = files.png()
    (ours,) = files.hand_in(uploader, clinical, content)
    (theirs,) = files.hand_in(make.person(neighbour, Role.UPLOADER), neighbour, content)
    age(400)
    assert originals.sweep() == 1
    theirs.study_image.refresh_from_db()
    ours.study_image.refresh_from_db()
    assert (theirs.study_image.original, bool(ours.study_image.original)) == ("", True)
    assert ORIGINALS.path(ours.study_image.original).exists()


def test_dates_of_one_patient_shift_alike(uploader, site):
    first, second = (hand_in(uploader, site, StudyDate=day) for day in ("20240110", "20240117"))
    shifted = [file.study_image.header["00080020"]["Value"][0] for file in (first, second)]
    assert "20240110" not in shifted
    days = [timezone.datetime.strptime(day, "%Y%m%d") for day in shifted]
    assert days[1] - days[0] == timedelta(days=7)
    assert first.study.accession == second.study.accession != "A99"
