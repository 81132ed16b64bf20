"""What goes wrong on the wire: silence, lies, deaths, strangers without certificates; nothing hangs or is lost."""

from __future__ import annotations

import contextlib
import datetime
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bonefrac.accounts.models import Role
from studies import intake
from studies.dimse import storing
from studies.dimse.storing import Instance, Status, Visit
from studies.models import IncomingFile, StudyImage
from tests import factories_intake as make
from tests.dimse import dcmtk, scu
from tests.worker.conftest import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "Kanarienvogel^Hansi"


@pytest.fixture
def wire():
    """Bare connections, closed at the end: ``wire(port)`` is an accepted association, ``is_bare`` says nothing yet."""
    made = []

    def connect(port, *, is_bare=False):
        made.append(socket.create_connection(("127.0.0.1", port)) if is_bare else scu.connected(port))
        return made[-1]

    yield connect
    for connected in made:
        connected.close()


def closed_within(connected, seconds):
    """Whether the other side ends the connection, after whatever it still says."""
    connected.settimeout(seconds)
    try:
        while connected.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def test_the_silent_and_the_lying_lose_their_association_and_hold_up_nobody(start_listener, device, wire):
    listener = start_listener(DICOM_SECONDS="2", DICOM_ASSOCIATIONS="3")
    mute = wire(listener.port, is_bare=True)
    idle = wire(listener.port)
    halfway = wire(listener.port)
    halfway.sendall(scu.store_command() + scu.data_pdu(b"\0" * 1000, control=0)[:500])
    with scu.association(listener.port) as made:  # three are in; one who asks now is answered, and told why not
        assert not made.is_established
    assert [closed_within(connected, 15) for connected in (mute, idle, halfway)] == [True] * 3
    giant = wire(listener.port)
    giant.sendall(struct.pack(">BBL", 4, 0, 2**31) + b"\0" * 1000)
    unread = wire(listener.port)
    with contextlib.suppress(OSError):
        unread.sendall((scu.store_command() + scu.data_pdu(b"\0" * 100, control=2)) * 50)
    nonsense = wire(listener.port, is_bare=True)
    nonsense.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert [closed_within(connected, 15) for connected in (giant, nonsense)] == [True] * 2
    unread.close()
    assert wait_for(lambda: scu.store(listener.port, make.dicom()) == 0, seconds=20)
    assert wait_for(lambda: not list(listener.spool.iterdir()), what="an empty spool")
    assert IncomingFile.objects.count() == 1


def send_for_ever(connected):
    for _ in range(400):
        connected.sendall(scu.data_pdu(b"\0" * 16000, control=0))
        time.sleep(0.005)


def test_an_endless_instance_is_ended_and_leaves_nothing(start_listener, device, wire):
    device.site.max_file_megabytes = 1
    device.site.save()
    listener = start_listener()
    endless = wire(listener.port)
    endless.sendall(scu.store_command())
    with pytest.raises(OSError):  # noqa: PT011 reset or broken pipe
        send_for_ever(endless)
    assert wait_for(lambda: not list(listener.spool.iterdir()), what="an empty spool")
    assert not IncomingFile.objects.exists()


@dcmtk.needs_dcmtk
def test_killed_amid_a_transfer_it_has_no_half_row_and_the_retry_succeeds_once(start_listener, device, tmp_path, wire):
    first = start_listener()
    content = make.dicom(make.dataset(make.values(12, shape=(2000, 2000))))
    encoded = scu.split(content)[3]
    halfway = wire(first.port)
    halfway.sendall(scu.store_command())
    for start in range(0, len(encoded) // 2, 16000):
        halfway.sendall(scu.data_pdu(encoded[start : start + 16000], control=0))
    wait_for(lambda: any(file.stat().st_size > 1_000_000 for file in first.spool.iterdir()), what="half an instance")
    first.kill()
    assert not IncomingFile.objects.exists()
    assert list(first.spool.iterdir()) != []
    second = start_listener(port=first.port)
    assert list(second.spool.iterdir()) == []
    files = dcmtk.written(tmp_path / "out", content)
    assert dcmtk.send(second, *files).returncode == 0
    assert IncomingFile.objects.count() == 1


@dcmtk.needs_dcmtk
def test_killed_amid_an_association_the_retry_loses_and_doubles_nothing(start_listener, device, tmp_path):
    first = start_listener()
    files = dcmtk.written(tmp_path / "out", *(make.dicom() for _ in range(60)))
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(dcmtk.send, first, *files)
        wait_for(lambda: IncomingFile.objects.count() >= 5, what="a few instances")
        first.kill()
        told = sending.result().stdout.count("Received Store Response (Success)")
    assert told <= IncomingFile.objects.count() <= told + 1  # one may be durable and not answered yet
    assert told < 60
    second = start_listener(port=first.port)
    assert dcmtk.send(second, *files).returncode == 0
    for row in IncomingFile.objects.filter(status="RECEIVED"):
        intake.judge(row.pk)
    assert StudyImage.objects.count() == 60
    assert set(IncomingFile.objects.values_list("status", flat=True)) == {"ACCEPTED", "DUPLICATE"}


@dcmtk.needs_dcmtk
@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_thousand_instances_of_one_association_are_stored_in_steady_memory(listener, tmp_path):
    process = psutil.Process(listener.process.pid)
    content = [make.dicom() for _ in range(1000)]
    assert dcmtk.send(listener, *dcmtk.written(tmp_path / "warm", *content[:50])).returncode == 0
    before = process.memory_info().rss
    sent = dcmtk.send(listener, *dcmtk.written(tmp_path / "out", *content), seconds=400)
    assert sent.stdout.count("Received Store Response (Success)") == 1000
    assert process.memory_info().rss - before < 20_000_000
    assert IncomingFile.objects.filter(status="RECEIVED").count() == 1050
    assert IncomingFile.objects.values("batch").distinct().count() == 3  # of at most 500 files each
    assert list(listener.spool.iterdir()) == []


def test_asked_to_stop_it_ends_in_time_and_frees_its_port(start_listener, device, wire):
    listener = start_listener()
    idle = wire(listener.port)
    halfway = wire(listener.port)
    halfway.sendall(scu.store_command())
    assert listener.check().returncode == 0
    begun = time.monotonic()
    assert listener.stop() == 0
    assert time.monotonic() - begun < 10
    assert closed_within(idle, 5)
    assert closed_within(halfway, 5)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", listener.port))
    assert listener.check().returncode != 0


def test_its_own_check_may_not_store(listener):
    with scu.association(listener.port, calling="BONEFRAC") as made:
        assert not made.accepted_contexts


def test_logs_hold_nothing_of_a_data_set(start_listener, device):
    listener = start_listener(LOG_LEVEL="DEBUG")
    named = {"PatientName": CANARY, "PatientID": CANARY, "SOPInstanceUID": "1.2.3"}
    content = scu.encoded(**named)
    with scu.association(listener.port) as made:
        assert scu.ask(made, content)[0] == 0
        assert scu.ask(made, content[:300])[0] is not None
    with scu.association(listener.port, calling="Hansi") as made:
        assert not made.is_established
    listener.stop()
    assert "association_accepted" in listener.log
    assert "Hansi" not in listener.log
    assert "1.2.3" not in [event.get("instance") for event in listener.events]


def test_a_large_instance_is_held_on_disk_and_not_in_memory(listener):
    process = psutil.Process(listener.process.pid)
    assert scu.store(listener.port, make.dicom()) == 0
    before = process.memory_info().rss
    content = make.dicom(make.dataset(make.values(12, shape=(5500, 5500))))
    assert scu.store(listener.port, content) == 0
    assert process.memory_info().rss - before < 30_000_000 < len(content)
    assert sorted(IncomingFile.objects.values_list("size_bytes", flat=True))[-1] > 60_000_000


def test_a_full_disk_and_a_lost_role_are_told(device, settings, tmp_path):
    path = tmp_path / "instance"
    content = make.dicom(make.dataset(SOPInstanceUID="1.2.3"))
    path.write_bytes(content)
    instance = Instance(path, sop_class=scu.CR, sop_instance="1.2.3")
    settings.MINIMUM_FREE_DISK = 1.01
    assert storing.store(Visit(device), instance)[0] == Status.OUT_OF_RESOURCES
    settings.MINIMUM_FREE_DISK = 0
    device.person.memberships.filter(role=Role.UPLOADER).delete()
    assert storing.store(Visit(device), instance)[0] == Status.NOT_AUTHORISED
    assert not IncomingFile.objects.exists()
    assert path.read_bytes() == content


def certificate(folder, name, issuer=None):
    """Write a key and a certificate, signed by itself or by an issuer; return the key and the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer, signed_by = issuer or (key, None)
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signed_by.subject if signed_by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )
    (folder / f"{name}.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return key, made


@dcmtk.needs_dcmtk
def test_over_tls_only_devices_with_a_certificate_of_the_authority_are_heard(start_listener, device, tmp_path, wire):
    authority = certificate(tmp_path, "authority")
    for name in ("listener", "modality"):
        certificate(tmp_path, name, authority)
    certificate(tmp_path, "stranger")
    file = {name: str(tmp_path / name) for name in ("authority.crt", "listener.crt", "listener.key")}
    listener = start_listener(
        DICOM_TLS_CERTIFICATE=file["listener.crt"], DICOM_TLS_KEY=file["listener.key"],
        DICOM_TLS_CLIENT_CA=file["authority.crt"],
    )  # fmt: skip

    def tls(name):
        return ["+tls", tmp_path / f"{name}.key", tmp_path / f"{name}.crt", "+cf", tmp_path / "authority.crt"]

    wire(listener.port, is_bare=True)  # shakes no hand and holds up nobody
    assert dcmtk.echo(listener, *tls("modality")).returncode == 0, listener.log
    sent = dcmtk.send(listener, *dcmtk.written(tmp_path / "out", make.dicom()), options=tls("modality"))
    assert sent.returncode == 0, sent.stdout
    assert dcmtk.echo(listener, *tls("stranger")).returncode != 0
    assert dcmtk.echo(listener).returncode != 0
    assert IncomingFile.objects.count() == 1
    assert listener.check().returncode == 0
