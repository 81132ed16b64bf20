"""Earlier studies beside the one that is read: which they are, who may open them, and what they never carry."""

from __future__ import annotations

import pytest
from django.test import Client

from bonefrac.accounts.models import ReadingMode, Role
from bonefrac.audit.models import AuditEvent, Verb
from studies.models import Disclosure, Study
from studies.selectors import open_study
from studies.selectors.priors import AT_MOST, priors_of
from studies.states import StudyStatus
from studies.views.pictures import reading_data
from tests import factories_studies as make

pytestmark = pytest.mark.django_db


def wrist(at, *, waited, patient="4711", **values):
    return make.study(at, patient=patient, waited=waited, **{"body_part": "hand", **values})


def made_on(study, date):
    for image in study.images.all():
        image.header = {"00080020": {"vr": "DA", "Value": [date]}}
        image.save(update_fields=["header"])
    return study


def page_of(user):
    client = Client()
    client.force_login(user, backend="bonefrac.accounts.backends.PlatformBackend")
    return client


def test_priors_are_of_the_same_patient_site_and_part_newest_first():
    site, other = make.site(), make.site()
    reader = make.person(site, Role.RADIOLOGIST)
    study = wrist(site, waited=0)
    older, newer = wrist(site, waited=900), wrist(site, waited=30)
    wrist(site, waited=40, patient="someone else")
    wrist(site, waited=40, body_part="leg")
    wrist(site, waited=40, status=StudyStatus.VOID)
    wrist(site, waited=40, images=0)
    wrist(other, waited=40)
    assert [prior.study for prior in priors_of(reader, study)] == [newer, older]
    assert [prior.study for prior in priors_of(reader, older)] == [], "what came later is no prior"


def test_the_date_of_the_study_orders_them_where_the_file_says_it():
    site = make.site()
    reader = make.reader(site)
    study = wrist(site, waited=0)
    late_upload = made_on(wrist(site, waited=10), "20190402")
    early_upload = made_on(wrist(site, waited=50), "20230605")
    damaged = made_on(wrist(site, waited=60), "never")
    found = priors_of(reader, study)
    assert [prior.study for prior in found] == [damaged, early_upload, late_upload]
    assert found[1].made_on.isoformat() == "2023-06-05"


def test_a_study_without_patient_or_part_has_none_and_many_are_cut():
    site = make.site()
    reader = make.reader(site)
    for waited in range(1, AT_MOST + 4):
        wrist(site, waited=waited)
    assert priors_of(reader, wrist(site, waited=0, patient="")) == []
    assert len(priors_of(reader, wrist(site, waited=0))) == AT_MOST
    wrist(site, waited=5, body_part="unknown")
    assert priors_of(reader, wrist(site, waited=0, body_part="unknown")) == []


def test_opening_a_prior_is_recorded_and_hands_out_no_ai(client):
    site = make.site(mode=ReadingMode.ASSISTED)
    reader = make.reader(site)
    study, prior = wrist(site, waited=0, images=2), wrist(site, waited=60, images=2)
    make.predicted(prior, make.model(), "positive", "positive")
    data = reading_data(reader, open_study(reader, study), can_read=True)
    (listed,) = data["priors"]
    assert listed["study"] == str(prior.pk)
    assert "images" not in listed, "pixels only once somebody opens it"
    opened = AuditEvent.objects.filter(verb=Verb.STUDY_OPENED, target_id=str(prior.pk))
    assert not opened.exists()
    answer = page_of(reader).get(listed["address"])
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-store"
    images = answer.json()["images"]
    assert [image["id"] for image in images] == [str(image.pk) for image in prior.images.all()]
    assert {image["map"] for image in images} == {None}
    assert {image["map_reason"] for image in images} == {""}
    event = opened.get()
    assert (event.actor, event.data, event.site_id) == (reader, {"beside": str(study.pk)}, site.pk)
    assert not Disclosure.objects.filter(study=prior).exists()


def test_only_a_prior_is_opened_as_one():
    site, other = make.site(), make.site()
    reader, stranger, uploader = make.reader(site), make.reader(other), make.person(site, Role.UPLOADER)
    study, prior = wrist(site, waited=0), wrist(site, waited=60)
    unrelated = wrist(site, waited=60, patient="someone else")
    address = f"/studies/{study.pk}/priors/{prior.pk}/"
    assert page_of(reader).get(address).status_code == 200
    assert page_of(reader).get(f"/studies/{study.pk}/priors/{unrelated.pk}/").status_code == 404
    assert page_of(reader).get(f"/studies/{study.pk}/priors/{study.pk}/").status_code == 404
    assert page_of(stranger).get(address).status_code == 404
    assert page_of(uploader).get(address).status_code == 404
    assert page_of(reader).post(address).status_code == 405
    Study.objects.filter(pk=prior.pk).update(status=StudyStatus.VOID)
    assert page_of(reader).get(address).status_code == 404


def test_what_is_known_of_lengths_and_windows_is_told_and_no_more():
    site = make.site()
    reader = make.reader(site)
    study = make.study(site, images=4)
    cases = [
        {"row": 0.1, "column": 0.2, "kind": "patient", "calibration": "GEOMETRY"},
        {"row": 0.1, "column": 0.2, "kind": "patient", "calibration": ""},
        {"row": 0.15, "column": 0.15, "kind": "detector", "calibration": ""},
        None,
    ]
    for image, spacing in zip(study.images.all(), cases, strict=True):
        image.spacing = spacing
        image.header = {
            "00281050": {"vr": "DS", "Value": [1000, 2000, 5]},
            "00281051": {"vr": "DS", "Value": [400, 800, 0]},
            "00281055": {"vr": "LO", "Value": ["BONE"]},
        }
        image.save(update_fields=["spacing", "header"])
    images = reading_data(reader, open_study(reader, study), can_read=True)["images"]
    assert [image["spacing"] for image in images] == [
        {"row": 0.1, "column": 0.2, "kind": "patient"},
        None,
        {"row": 0.15, "column": 0.15, "kind": "detector"},
        None,
    ]
    assert images[0]["windows"] == [
        {"name": "BONE", "centre": 1000.0, "width": 400.0},
        {"name": "", "centre": 2000.0, "width": 800.0},
    ]


def test_the_study_hangs_by_view():
    site = make.site()
    reader = make.reader(site)
    study = make.study(site, images=3)
    data = reading_data(reader, open_study(reader, study), can_read=True)
    front, side, also_front = (str(image.pk) for image in study.images.all())
    assert data["hanging"] == [[front], [also_front], [side]]
