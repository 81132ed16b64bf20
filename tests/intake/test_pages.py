"""The pages of the front door: without script, with script, and who may see what."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from bonefrac.accounts.models import Role
from bonefrac.db import new_id
from studies import intake
from studies.models import IncomingFile, Study
from tests import factories_intake as files
from tests import factories_studies as make
from tests.outcomes.passing import let_pass

JSON = {"accept": "application/json"}


def upload(name="wrist.png", content=None):
    return SimpleUploadedFile(name, files.png() if content is None else content)


@pytest.fixture
def signed_in(client, uploader):
    client.force_login(uploader, backend="bonefrac.accounts.backends.PlatformBackend")
    return client


def sign_in(client, person):
    client.force_login(person, backend="bonefrac.accounts.backends.PlatformBackend")
    return client


def test_a_form_without_script_ends_on_the_batch_with_every_verdict(signed_in):
    address = reverse("studies:upload")
    page = signed_in.get(address)
    assert page.status_code == 200
    assert b"Research and evaluation" in page.content
    sent = {"files": [upload(), upload("broken.jpg", b"<html>")], "question": "fell", "age": "7", "age_unit": "months"}
    answer = signed_in.post(address, sent, follow=True)
    assert answer.redirect_chain[0][0] == reverse("studies:batch", args=[IncomingFile.objects.first().batch])
    assert b"wrist.png" in answer.content
    assert b"its name says JPEG, its content is something else" in answer.content
    intake.judge(IncomingFile.objects.get(status="RECEIVED").pk)
    study = Study.objects.get()
    assert (study.question, study.age_months) == ("fell", 7)
    assert study.ready_at <= timezone.now()
    listed = signed_in.get(reverse("studies:uploads"))
    assert b"accepted" in listed.content
    assert reverse("studies:study", args=[study.pk]).encode() in listed.content


def test_a_refused_form_keeps_what_was_typed(signed_in):
    answer = signed_in.post(reverse("studies:upload"), {"files": [upload()], "question": "Mr Smith fell"})
    assert answer.status_code == 400
    assert b"Mr Smith fell" in answer.content
    assert b"a title with a name" in answer.content
    assert not IncomingFile.objects.exists()
    assert signed_in.post(reverse("studies:upload"), {"question": "x"}).status_code == 400


def test_the_script_sends_files_one_by_one_and_asks_what_became_of_them(signed_in):
    batch = str(new_id())
    for number in range(2):
        answer = signed_in.post(
            reverse("studies:upload"),
            {"files": [upload(f"{number}.png")], "batch": batch, "expected_files": 2},
            headers=JSON,
        )
        assert answer.status_code == 202
        body = answer.json()
        assert body["batch"] == batch
        assert [(file["name"], file["status"]) for file in body["files"]] == [(f"{number}.png", "RECEIVED")]
    ids = ",".join(str(key) for key in IncomingFile.objects.values_list("pk", flat=True))
    for file in IncomingFile.objects.all():
        intake.judge(file.pk)
    status = signed_in.get(reverse("studies:upload_status"), {"ids": ids}, headers=JSON).json()
    assert [file["status"] for file in status["files"]] == ["ACCEPTED", "ACCEPTED"]
    assert Study.objects.get().images.count() == 2
    refusal = signed_in.post(reverse("studies:upload"), {"question": "Mr Smith"}, headers=JSON)
    assert (refusal.status_code, refusal.json()["code"]) == (400, "no_files")


def test_the_batch_polls_while_files_are_open_and_stops_after(signed_in, uploader, site):
    (file,) = files.hand_in(uploader, site, files.png(), judged=False)
    address = reverse("studies:batch", args=[file.batch])
    assert b"hx-get" in signed_in.get(address).content
    intake.judge(file.pk)
    rows = signed_in.get(address, headers={"HX-Request": "true"}).content
    assert b"hx-get" not in rows
    assert b"<html" not in rows


def test_files_are_their_senders_alone(client, uploader, site):
    (file,) = files.hand_in(uploader, site, ("secret name.png", files.png()))
    for person in (make.person(site, Role.UPLOADER), make.lead(site), make.person(make.site(), Role.UPLOADER)):
        sign_in(client, person)
        assert client.get(reverse("studies:batch", args=[file.batch])).status_code == 404
        assert b"secret name" not in client.get(reverse("studies:uploads")).content
        assert client.get(reverse("studies:upload_status"), {"ids": str(file.pk)}).json() == {"files": []}
    sign_in(client, uploader)
    assert b"secret name" in client.get(reverse("studies:uploads")).content


def test_only_uploaders_upload_and_only_leads_see_what_is_held(client, uploader, lead, site):
    sign_in(client, make.reader(site))
    assert client.get(reverse("studies:upload")).status_code == 403
    assert client.get(reverse("studies:held")).status_code == 403
    content = files.png()
    files.hand_in(uploader, site, content, details=intake.Details(patient_code="one"))
    (held,) = files.hand_in(uploader, site, ("own name.png", content), details=intake.Details(patient_code="two"))
    sign_in(client, uploader)
    assert client.post(reverse("studies:release", args=[held.pk])).status_code == 403
    sign_in(client, make.lead(make.site()))
    assert client.post(reverse("studies:release", args=[held.pk])).status_code == 404
    sign_in(client, lead)
    page = client.get(reverse("studies:held")).content
    look = reverse("studies:held_file", args=[held.pk])
    assert look.encode() in page
    assert reverse("studies:release", args=[held.pk]).encode() in client.get(look).content
    assert b"own name" not in page
    assert client.post(reverse("studies:release", args=[held.pk])).status_code == 302
    assert client.post(reverse("studies:refuse", args=[held.pk])).status_code == 409


def test_an_uploader_of_two_sites_chooses(client, site):
    other, person = make.site(), make.person(site, Role.UPLOADER)
    from bonefrac.accounts import people

    people.grant(None, person=person, site=other, role=Role.UPLOADER)
    sign_in(client, person)
    assert client.post(reverse("studies:upload"), {"files": [upload()]}).status_code == 400
    foreign = make.site()
    assert client.post(reverse("studies:upload"), {"files": [upload()], "site": str(foreign.pk)}).status_code == 400
    assert client.post(reverse("studies:upload"), {"files": [upload()], "site": str(other.pk)}).status_code == 302
    assert IncomingFile.objects.get().site == other


def test_pixels_are_sent_to_whoever_sees_the_study(client, uploader, site):
    (file,) = files.hand_in(uploader, site, files.dicom())
    address = reverse("studies:instance", args=[file.study.pk, file.study_image.pk])
    small = reverse("studies:preview", args=[file.study.pk, file.study_image.pk])
    sign_in(client, make.reader(site))
    answer = client.get(address)
    assert (answer.status_code, answer["Content-Type"], answer.content[128:132]) == (200, "application/dicom", b"DICM")
    assert "private" in answer["Cache-Control"]
    assert client.get(small).content.startswith(b"\x89PNG")
    sign_in(client, make.reader(make.site()))
    assert client.get(address).status_code == client.get(small).status_code == 404


def test_after_signing_the_sender_sees_the_verdict(client, uploader, site):
    files.hand_in(uploader, site, files.png(), expected_files=1)
    sign_in(client, uploader)
    assert b"no acute fracture" not in client.get(reverse("studies:uploads")).content
    make.signed(make.reader(site), Study.objects.get(), "no_fracture")
    let_pass(Study.objects.get(), seconds=16)
    assert b"no acute fracture" in client.get(reverse("studies:uploads")).content


@pytest.mark.parametrize("number", [1, 12])
def test_a_list_costs_the_same_for_one_file_and_many(number, client, uploader, site, django_assert_max_num_queries):
    files.hand_in(uploader, site, *(files.png() for _number in range(number)))
    sign_in(client, uploader)
    client.get(reverse("studies:uploads"))
    with django_assert_max_num_queries(16):
        client.get(reverse("studies:uploads"))
