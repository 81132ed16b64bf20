"""The listener as a process, asked by DCMTK: who may call, what is stored, what the sender is told."""

from __future__ import annotations

import io
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pydicom
import pytest
from django.db import connection
from psycopg import sql
from pydicom.uid import ImplicitVRLittleEndian

from bonefrac.accounts import people
from bonefrac.accounts.models import Role
from studies import intake
from studies.dimse import devices
from studies.dimse.devices import Terms
from studies.intake import names
from studies.models import IncomingFile, Study
from studies.states import FileStatus
from tests import factories_accounts as accounts
from tests import factories_intake as make
from tests.dimse import dcmtk, scu
from tests.intake import table

pytestmark = [dcmtk.needs_dcmtk, pytest.mark.django_db(transaction=True)]
#: How DCMTK proposes a transfer syntax; it does not know the others.
PROPOSES = {
    "1.2.840.10008.1.2": "-xi", "1.2.840.10008.1.2.1": "-xe", "1.2.840.10008.1.2.2": "-xb",
    "1.2.840.10008.1.2.1.99": "-xd", "1.2.840.10008.1.2.5": "-xr", "1.2.840.10008.1.2.4.50": "-xy",
    "1.2.840.10008.1.2.4.51": "-xx", "1.2.840.10008.1.2.4.70": "-xs", "1.2.840.10008.1.2.4.80": "-xt",
    "1.2.840.10008.1.2.4.81": "-xu", "1.2.840.10008.1.2.4.90": "-xv", "1.2.840.10008.1.2.4.91": "-xw",
}  # fmt: skip
STORED = "Received Store Response (Success)"


TABLE = {row.format: row for row in table.INSTANCES}


def rows_of_instances():
    return [row for row in table.INSTANCES if row.is_part10]


def test_a_known_device_is_answered_and_what_it_stores_is_durable(listener, device, tmp_path):
    assert dcmtk.echo(listener).returncode == 0
    one = make.dataset()
    other = make.dataset(StudyInstanceUID=one.StudyInstanceUID)
    content = [make.dicom(made) for made in (one, other, make.dataset())]
    sent = dcmtk.send(listener, *dcmtk.written(tmp_path / "out", *content))
    assert sent.returncode == 0, sent.stdout + listener.log
    rows = list(IncomingFile.objects.order_by("position"))
    assert [(row.status, row.kind, row.sender_id, row.site_id) for row in rows] == [
        (FileStatus.RECEIVED, "dicom", device.person_id, device.site_id)
    ] * 3
    assert len({row.batch for row in rows}) == 1
    assert list(listener.spool.iterdir()) == []
    for row in rows:
        intake.judge(row.pk)
    assert sorted(study.images.count() for study in Study.objects.all()) == [1, 2]


def test_every_format_of_the_table_gets_its_verdict(listener, device, tmp_path):
    """What the header condemns is refused in the answer, what its pixels condemn by the judge."""
    verdicts, expected = {}, {}
    for number, row in enumerate(rows_of_instances()):
        expected[row.format] = (row.status, row.code)
        content, calling = row.content(), room(number, device.person)
        syntax = str(pydicom.dcmread(*dcmtk.written(tmp_path / str(number), content)).file_meta.TransferSyntaxUID)
        if syntax in PROPOSES:
            answer = dcmtk.send(
                listener, tmp_path / str(number) / "0000.dcm", options=[PROPOSES[syntax]], calling=calling
            )
            is_stored = STORED in answer.stdout
        else:
            is_stored = scu.store(listener.port, content, calling=calling) == 0
        verdicts[row.format] = verdict_of(listener, content, is_stored)
    expected["dicom, mpeg"] = ("not stored", "")  # this transfer syntax is not negotiated
    assert verdicts == expected


def room(number, person):
    """A device of a site of its own, where no other encoding of the same picture is known."""
    site = accounts.site()
    people.grant(None, person=person, site=site, role=Role.UPLOADER)
    return devices.add(None, site=site, person=person, terms=Terms(f"ROOM{number}")).ae_title


def verdict_of(listener, content, is_stored):
    """What became of the file that was just sent, judged where the listener said that it is stored."""
    instance = str(pydicom.dcmread(io.BytesIO(content)).SOPInstanceUID)
    found = [row for row in IncomingFile.objects.all() if names.opened(row.name) == f"{instance}.dcm"]
    if not found:
        assert not is_stored, listener.log
        return ("not stored", "")
    (row,) = found
    assert is_stored == (row.status == FileStatus.RECEIVED), (row.status, row.sentence)
    if is_stored:
        intake.judge(row.pk)
        row.refresh_from_db()
    return (row.status, row.code)


def test_several_associations_at_once_lose_nothing(listener, tmp_path):
    batches = [
        dcmtk.written(tmp_path / str(sender), *(make.dicom() for _ in range(10))) for sender in range(4)
    ]  # fmt: skip
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda files: dcmtk.send(listener, *files), batches))
    assert [answer.returncode for answer in answers] == [0] * 4
    assert [answer.stdout.count(STORED) for answer in answers] == [10] * 4
    assert IncomingFile.objects.filter(status=FileStatus.RECEIVED).count() == 40
    assert IncomingFile.objects.values("batch").distinct().count() == 4


def test_senders_that_propose_everything_and_other_senders_are_understood(listener, tmp_path):
    files = dcmtk.written(tmp_path / "out", make.dicom(), make.dicom(syntax=ImplicitVRLittleEndian))
    plain = dcmtk.run("storescu", "-v", "-aet", "MODALITY1", "-aec", "BONEFRAC", "127.0.0.1", listener.port, *files)
    assert (plain.returncode, plain.stdout.count(STORED)) == (0, 2), plain.stdout
    more = dcmtk.written(tmp_path / "more", make.dicom(), TABLE["dicom, jpeg-ls"].content())
    sent = dcmtk.run("dcmsend", "-v", "-aet", "MODALITY1", "-aec", "BONEFRAC", "127.0.0.1", listener.port, *more)
    assert "with status SUCCESS  : 2" in sent.stdout, sent.stdout
    assert IncomingFile.objects.filter(status=FileStatus.RECEIVED).count() == 4


def test_strangers_are_rejected_with_the_right_reason(listener, device):
    devices.add(None, site=device.site, person=device.person, terms=Terms("FARAWAY", address="10.9.8.0/24"))
    devices.add(None, site=device.site, person=device.person, terms=Terms("MODALITY1", called_ae_title="BONES2"))
    calling, called = "Calling AE Title Not Recognized", "Called AE Title Not Recognized"
    assert dcmtk.echo(listener).returncode == 0
    assert dcmtk.echo(listener, called="BONES2").returncode == 0
    assert calling in said(dcmtk.echo(listener, calling="STRANGER"))
    assert calling in said(dcmtk.echo(listener, calling="FARAWAY"))
    assert called in said(dcmtk.echo(listener, called="OTHER"))
    devices.deactivate(None, device=device)
    assert calling in said(dcmtk.echo(listener))
    reasons = [event["reason"] for event in listener.events if event["event"] == "association_rejected"]
    assert reasons == ["calling_ae_title", "address", "called_ae_title", "calling_ae_title"]


def said(done: subprocess.CompletedProcess):
    assert done.returncode != 0, done.stdout
    return done.stdout


def test_a_device_deactivated_meanwhile_is_refused_at_its_next_image(listener, device):
    content, sop_class, sop_instance = scu.encoded(SOPInstanceUID="1.2.3"), scu.CR, "1.2.3"
    with scu.association(listener.port) as made:
        assert scu.ask(made, content, sop_class=sop_class, sop_instance=sop_instance)[0] == 0
        devices.deactivate(None, device=device)
        assert scu.ask(made, content, sop_class=sop_class, sop_instance=sop_instance)[0] == 0x0124
    assert IncomingFile.objects.count() == 1


def test_other_classes_are_not_negotiated(listener, tmp_path):
    scan = make.dicom(make.dataset(SOPClassUID="1.2.840.10008.5.1.4.1.1.2", Modality="CT"))
    sent = dcmtk.send(listener, *dcmtk.written(tmp_path / "out", scan))
    assert "No Acceptable Presentation Contexts" in sent.stdout
    assert not IncomingFile.objects.exists()
    accepted = [event for event in listener.events if event["event"] == "association_accepted"]
    assert accepted[-1]["not_negotiated"] == ["1.2.840.10008.5.1.4.1.1.2"]


def test_wrong_requests_get_their_status_and_leave_nothing(listener):
    sound = scu.encoded(SOPInstanceUID="1.2.3")
    with scu.association(listener.port) as made:
        status, comment = scu.ask(made, scu.encoded(SOPInstanceUID="1.2.4"))
        assert (status, comment) == (0xA900, "The data set is another SOP instance than the request")
        assert scu.ask(made, scu.encoded(SOPInstanceUID="1.2.3", SOPClassUID="1.2.840.10008.5.1.4.1.1.7"))[0] == 0xA900
        for garbage in (b"\0" * 5000, b"<html>" * 100, sound[:7]):
            assert scu.ask(made, garbage)[0] == 0xC000, garbage[:10]
        assert not IncomingFile.objects.exists()
        assert scu.ask(made, sound)[0] == 0
    assert list(listener.spool.iterdir()) == []


def test_what_is_too_large_or_too_much_is_said(listener, device):
    site = device.site
    site.max_files_per_hour, site.max_file_megabytes = 1, 1
    site.save()
    large = scu.encoded(SOPInstanceUID="1.2.3", PixelData=b"\0" * 1_010_000)
    with scu.association(listener.port) as made:
        assert scu.ask(made, large)[0] == 0xC000
    row = IncomingFile.objects.get()
    assert (row.status, row.code) == (FileStatus.REFUSED, "too_large")
    with scu.association(listener.port) as made:
        assert scu.ask(made, scu.encoded(SOPInstanceUID="1.2.3"))[0] == 0xA700
    assert IncomingFile.objects.count() == 1


def test_the_database_stopped_lets_the_sender_keep_its_images(listener, tmp_path):
    files = dcmtk.written(tmp_path / "out", make.dicom())
    with scu.association(listener.port) as made, database_that_refuses():
        assert scu.ask(made, scu.encoded(SOPInstanceUID="1.2.3"))[0] == 0xA700
        away = dcmtk.send(listener, *files)
        assert "Rejected Transient" in away.stdout, away.stdout
    assert not IncomingFile.objects.exists()
    tries = (dcmtk.send(listener, *files) for _try in range(20) if _try == 0 or not time.sleep(0.5))
    assert any(back.returncode == 0 for back in tries), listener.log  # a device asks again, too
    assert IncomingFile.objects.count() == 1, listener.log
    assert list(listener.spool.iterdir()) == []


class database_that_refuses:
    """The test's database takes no new connection, and the listener's are ended."""

    def __enter__(self):
        own = connection.connection.info
        self._elsewhere = psycopg.connect(own.dsn, dbname="postgres", password=own.password, autocommit=True)
        self._allow("false")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def __exit__(self, *_):
        self._allow("true")
        self._elsewhere.close()

    def _allow(self, word):
        name = sql.Identifier(connection.settings_dict["NAME"])
        self._elsewhere.execute(sql.SQL(f"ALTER DATABASE {{}} ALLOW_CONNECTIONS {word}").format(name))
