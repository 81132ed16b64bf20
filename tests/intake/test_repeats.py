"""Files that are sent again: after a lost answer, from another tab, on another day. Each is taken in once."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from rest_framework.test import APIClient

from bonefrac.accounts.models import Role
from bonefrac.db import new_id
from bonefrac.errors import Invalid
from bonefrac.stores import INCOMING
from studies import intake
from studies.intake import Details, Handed, batches
from studies.models import IncomingFile, Study
from tests import factories_intake as files
from tests import factories_studies as make
from tests.intake.test_resumable import ADDRESS as PIECES_ADDRESS
from tests.intake.test_resumable import TUS, begin, client_of, send


@pytest.fixture
def api(uploader):
    return client_of(uploader)


def handed(content, key, name="a.png"):
    return Handed(name, lambda: (content,), len(content), key=key)


def hand_in(actor, site, *some, batch, details=True, **options):
    return intake.receive(
        actor, site=site, files=some, details=Details(question="fell") if details else None, batch=batch, **options
    )


def test_the_same_key_and_bytes_of_one_upload_are_one_file(uploader, site):
    batch, first, second = new_id(), files.png(), files.png()
    (before,) = hand_in(uploader, site, handed(first, "a"), batch=batch, expected_files=3)
    rows = hand_in(uploader, site, handed(first, "a"), handed(second, "b"), handed(b"", "c"), batch=batch)
    assert rows[0].pk == before.pk
    assert IncomingFile.objects.count() == 3
    for row in rows[:2]:
        intake.judge(row.pk)
    again = hand_in(uploader, site, handed(first, "a"), handed(second, "b"), handed(b"", "c"), batch=batch)
    assert [row.pk for row in again] == [row.pk for row in rows]
    assert [row.status for row in again] == ["ACCEPTED", "ACCEPTED", "REFUSED"]
    assert not any(INCOMING.path(row.sha256).exists() for row in rows[:2])
    assert [row.position for row in IncomingFile.objects.filter(batch=batch).order_by("position")] == [0, 1, 2]


def test_another_upload_other_bytes_or_no_key_are_files_of_their_own(uploader, site):
    batch, content = new_id(), files.png()
    hand_in(uploader, site, handed(content, "a"), batch=batch)
    hand_in(uploader, site, handed(content, "a"), batch=new_id())
    hand_in(uploader, site, handed(files.png(), "a"), batch=batch)
    hand_in(uploader, site, handed(content, ""), batch=batch)
    hand_in(uploader, site, handed(content, ""), batch=batch)
    assert IncomingFile.objects.count() == 5


def test_what_is_sent_again_does_not_count_against_the_limits(uploader, site):
    site.max_batch_files, site.max_files_per_hour = 2, 2
    site.save()
    batch, contents = new_id(), (files.png(), files.png())
    some = [handed(content, str(number)) for number, content in enumerate(contents)]
    rows = hand_in(uploader, site, *some, batch=batch)
    assert [row.pk for row in hand_in(uploader, site, *some, batch=batch)] == [row.pk for row in rows]


def test_an_upload_goes_on_with_what_was_entered_for_it(api, uploader, site):
    batch = new_id()
    with pytest.raises(Invalid) as refused:
        hand_in(uploader, site, handed(files.png(), "a"), batch=batch, details=False)
    assert refused.value.code == "nothing_to_go_on_with"
    (first,) = hand_in(uploader, site, handed(files.png(), "a"), batch=batch, expected_files=3)
    file = SimpleUploadedFile("b.png", files.png())
    sent = {"files": [file], "keys": ["b"], "batch": str(batch), "continues": "true", "question": "something else"}
    assert api.post("/api/v1/uploads/", sent).status_code == 202
    content = files.png()
    address = begin(api, len(content), batch=batch, continues="true", key="c", filename="c.png")["Location"]
    send(api, address, content, 0)
    assert batches.summary(uploader, batch).missing == 0
    for row in IncomingFile.objects.all():
        assert row.details["question"] == "fell"
        intake.judge(row.pk)
    assert Study.objects.get().question == "fell"
    assert "key" not in IncomingFile.objects.get(pk=first.pk).details.get("archive", {})


def test_a_sender_asks_what_is_here_before_going_on(api, uploader, site):
    batch, large = new_id(), files.png()
    hand_in(uploader, site, handed(files.png(), "in"), batch=batch, expected_files=3)
    address = begin(api, len(large), batch=batch, key="cut off", filename="large.png", question="fell")["Location"]
    send(api, address, large[:700], 0)
    asked = {"keys": ["in", "cut off", "never sent", ""]}
    known = api.post(f"/api/v1/uploads/batches/{batch}/known/", asked, format="json").json()["known"]
    assert known[0]["file"]["status"] == "RECEIVED"
    assert (known[1]["upload"], known[1]["received"]) == (address, 700)
    assert known[2:] == [{"file": None, "upload": None, "received": 0}] * 2
    for stranger in (make.person(site, Role.UPLOADER), make.lead(site)):
        answer = client_of(stranger).post(f"/api/v1/uploads/batches/{batch}/known/", asked, format="json")
        assert answer.status_code == 404
    send(api, address, large[700:], 700)
    known = api.post(f"/api/v1/uploads/batches/{batch}/known/", asked, format="json").json()["known"]
    assert known[1]["file"]["name"] == "large.png"


def test_pages_say_what_has_not_arrived_and_where_it_goes_on(client, api, uploader, site):
    batch = new_id()
    hand_in(uploader, site, handed(files.png(), "a"), batch=batch, expected_files=30)
    begin(api, 1000, batch=batch, key="b", filename="knee.dcm", continues="true")
    client.force_login(uploader, backend="bonefrac.accounts.backends.PlatformBackend")
    going_on = f"{reverse('studies:upload')}?batch={batch}"
    page = client.get(reverse("studies:batch", args=[batch])).content.decode()
    for told in ("29 files of this upload have not arrived", "knee.dcm", going_on):
        assert told in page
    listed = client.get(reverse("studies:uploads")).content.decode()
    assert "29 files have not arrived." in listed
    form = client.get(going_on).content.decode()
    for told in (
        f'name="batch" value="{batch}"',
        'name="continues" value="True"',
        f'data-known-url="/api/v1/uploads/batches/{batch}/known/"',
        "knee.dcm",
    ):
        assert told in form
    assert 'name="patient_code"' not in form
    assert client.get(reverse("studies:upload"), {"batch": str(new_id())}).status_code == 404
    assert client.get(reverse("studies:upload"), {"batch": "x"}).status_code == 400


def test_an_upload_of_which_nothing_but_a_piece_is_here_is_found_again(api, uploader, site):
    batch = new_id()
    address = begin(api, 1000, batch=batch, filename="knee.dcm", question="fell", expected_files=1)["Location"]
    send(api, address, b"x" * 250, 0)
    (found,) = batches.unfinished(uploader)
    assert (found.batch, found.missing, found.total, found.coming[0].percent) == (batch, 1, 0, 25)
    other = begin(api, 1000, batch=batch, continues="true")
    assert other.status_code == 201
    for one in (address, other["Location"]):
        assert api.delete(one, headers=TUS).status_code == 204
    assert batches.unfinished(uploader) == []
    assert begin(api, 1000, batch=batch, continues="true").json()["code"] == "nothing_to_go_on_with"
    assert PIECES_ADDRESS in address


def test_a_batch_is_polled_with_its_etag(api, uploader, site):
    batch = new_id()
    rows = hand_in(uploader, site, handed(files.png(), "a"), handed(b"<html>", "b"), batch=batch)
    address = f"/api/v1/uploads/batches/{batch}/"
    first = api.get(address)
    told = first.json()
    assert (told["counts"], told["is_open"], told["missing"]) == ({"RECEIVED": 1, "REFUSED": 1}, True, 0)
    same = api.get(address, headers={"If-None-Match": first["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    intake.judge(rows[0].pk)
    news = api.get(address, headers={"If-None-Match": first["ETag"]})
    assert news.json()["counts"] == {"ACCEPTED": 1, "REFUSED": 1}
    assert [row["code"] for row in api.get(address, {"only": "trouble"}).json()["results"]] == ["lying_type"]
    assert APIClient().get(address).status_code == 401
    assert client_of(make.person(site, Role.UPLOADER)).get(address).status_code == 404


def test_keys_come_one_for_each_file(api):
    sent = {"files": [SimpleUploadedFile("b.png", files.png())], "keys": ["a", "b"]}
    answer = api.post("/api/v1/uploads/", sent)
    assert (answer.status_code, answer.json()["code"]) == (400, "keys")
    assert not IncomingFile.objects.exists()


def test_a_sender_sees_the_folder_in_which_a_file_lay(api, uploader, site):
    sent = {
        "files": [SimpleUploadedFile("1.png", files.png()) for _ in range(2)],
        "folders": ["left/knee", "right/knee"],
    }
    rows = api.post("/api/v1/uploads/", sent).json()["files"]
    assert [row["name"] for row in rows] == ["left/knee/1.png", "right/knee/1.png"]
    name, handle = batches.open_original(uploader, rows[0]["id"])
    handle.close()
    assert name == "1.png"
    content = files.png()
    address = begin(api, len(content), filename="2.png", folder="left/knee")["Location"]
    send(api, address, content, 0)
    assert api.get(address).json()["file"]["name"] == "left/knee/2.png"
