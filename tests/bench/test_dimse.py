"""C-STORE beside Orthanc in one run: the same instances, the same sender, one after the other."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time

import pytest

from studies.models import IncomingFile
from tests import factories_intake as make
from tests.dimse import dcmtk
from tests.dimse.conftest import device, free_port, start_listener  # noqa: F401  fixtures of another folder
from tests.worker.conftest import wait_for

ORTHANC = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1200),
    pytest.mark.django_db(transaction=True),
    dcmtk.needs_dcmtk,
    pytest.mark.skipif(ORTHANC is None, reason="Orthanc is not installed"),
]
ROUNDS = 3


class Peer:
    """Orthanc with its own folder and ports, accepting every caller and every class."""

    def __init__(self, folder):
        self.port = free_port()
        (folder / "orthanc.json").write_text(
            json.dumps({
                "StorageDirectory": str(folder / "storage"), "IndexDirectory": str(folder / "storage"),
                "HttpServerEnabled": False, "DicomPort": self.port, "DicomAet": "BONEFRAC", "Plugins": [],
                "DicomCheckCalledAet": False, "DicomAlwaysAllowStore": True,
            })
        )  # fmt: skip
        self._log = (folder / "orthanc.log").open("wb")
        self.process = subprocess.Popen(
            [ORTHANC, str(folder / "orthanc.json")], stdout=self._log, stderr=subprocess.STDOUT
        )
        wait_for(self._listens, what="Orthanc")

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self._log.close()


@pytest.fixture
def orthanc(tmp_path):
    peer = Peer(tmp_path)
    yield peer
    peer.stop()


def instances(folder, count, shape):
    """Files of their own studies, written once; the pixels differ in one place, the identities everywhere."""
    pixels = make.values(12, shape=shape)
    content = []
    for number in range(count):
        pixels.flat[number] ^= 1
        made = make.dataset(pixels.copy(), Modality="DX", SOPClassUID="1.2.840.10008.5.1.4.1.1.1.1")
        content.append(make.dicom(made))
    return dcmtk.written(folder, *content)


def seconds_of(receiver, files):
    begun = time.perf_counter()
    sent = dcmtk.send(receiver, *files, seconds=600)
    taken = time.perf_counter() - begun
    assert sent.stdout.count("Received Store Response (Success)") == len(files), sent.stdout[-2000:]
    return taken


@pytest.mark.parametrize(
    ("count", "shape", "at_least"), [(500, (512, 512), 1.0), (60, (2000, 2000), 0.5)], ids=["525 kB", "8 MB"]
)
def test_c_store_beside_orthanc(start_listener, device, orthanc, tmp_path, count, shape, at_least):  # noqa: F811
    listener = start_listener()
    files = instances(tmp_path / "out", count, shape)
    size = files[0].stat().st_size
    seconds_of(orthanc, instances(tmp_path / "first", 3, (64, 64)))
    seconds_of(listener, instances(tmp_path / "first", 3, (64, 64)))
    share = count // ROUNDS
    ours = theirs = 0.0
    for start in range(0, share * ROUNDS, share):  # in turns: the machine has other work
        theirs += seconds_of(orthanc, files[start : start + share])
        ours += seconds_of(listener, files[start : start + share])
    rate, other = share * ROUNDS / ours, share * ROUNDS / theirs
    print(f"\nC-STORE of {size / 1e6:.2f} MB: {rate:.1f}/s, Orthanc {other:.1f}/s, {rate / other:.2f} times")
    assert IncomingFile.objects.count() == share * ROUNDS + 3
    assert rate / other >= at_least
