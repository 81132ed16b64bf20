"""Storing and searching over DICOMweb beside Orthanc with its DICOMweb plug-in, in one run on one machine.

Run by ``pytest tests/bench/test_dicomweb.py -m long -s``. Both are real servers on their own folders; both keep bytes
durably in a folder of the same disk; the clients are the same. The platform judges in the background meanwhile.
"""

from __future__ import annotations

import http.client
import json
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np
import psycopg
import pytest

from bonefrac import embedded
from studies.dicom import compose
from tests import factories_intake as files
from tests.platform import Platform, free_port

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not PLUGIN.exists(), reason="Orthanc with its DICOMweb plug-in is not installed"),
]
SMALL, SMALL_SHAPE, LARGE, LARGE_SHAPE, TOGETHER = 500, (512, 512), 24, (2000, 2000), 10
STUDIES, QUERIES, IDLE = 5000, 60, 0.5


class Server:
    """Somebody's DICOMweb: where it is, and with which headers it is spoken to."""

    def __init__(self, name, port, root, headers):
        self.name, self.root, self.headers = name, root, headers
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self._asked = 0.0

    def ask(self, method, path, body=None, **headers):
        if time.monotonic() > self._asked + IDLE:
            self.connection.close()  # each server lets go of an idle connection after seconds of its own
        self.connection.request(method, self.root + path, body, self.headers | headers)
        answer = self.connection.getresponse()
        told = answer.read()
        self._asked = time.monotonic()
        return answer.status, told

    def store(self, contents):
        """Return the seconds that it took to have instances stored."""
        edge = b"\r\n--edge\r\nContent-Type: application/dicom\r\n\r\n"
        body = edge + edge.join(contents) + b"\r\n--edge--"
        began = time.perf_counter()
        status, told = self.ask("POST", "/studies", body, **{
            "Content-Type": 'multipart/related; type="application/dicom"; boundary=edge',
            "Accept": "application/dicom+json",
        })  # fmt: skip
        assert status == 200, (self.name, status, told[:500])
        return time.perf_counter() - began

    def search(self, query):
        began = time.perf_counter()
        status, told = self.ask("GET", f"/studies?{query}", Accept="application/dicom+json")
        taken = time.perf_counter() - began
        assert status == 200, (self.name, status, told[:500])
        return taken, json.loads(told)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    folder = tmp_path_factory.mktemp("orthanc")
    port = free_port()
    told = {
        "Name": "beside", "HttpPort": port, "DicomServerEnabled": False, "AuthenticationEnabled": False,
        "StorageDirectory": str(folder), "IndexDirectory": str(folder), "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"}, "RemoteAccessAllowed": False,
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(told))
    program = shutil.which("Orthanc")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([program, str(folder / "orthanc.json")], stdout=log, stderr=log)
        server = Server("Orthanc", port, "/dicom-web", {})
        wait_for(server)
        yield server
        server.connection.close()
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    started = Platform(tmp_path_factory.mktemp("platform") / "data").start(seconds=400)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def ours(platform):
    uploader = platform.api("demo-uploader")
    sites = [row["site"] for row in uploader.get("/sites/")["results"]]
    (site,) = {one["id"] for one in sites if one["reading_mode"] == "assisted"}
    server = Server("bonefrac", platform.port, f"/dicomweb/sites/{site}", {"Authorization": f"Token {uploader._token}"})
    server.site = site
    yield server
    server.connection.close()


def wait_for(server):
    for _ in range(200):
        try:
            if server.ask("GET", "/studies?limit=1")[0] == 200:
                return
        except OSError:
            server.connection.close()
        time.sleep(0.1)
    raise AssertionError(f"{server.name} does not answer")


def instances(number, shape, seed):
    """Digital radiographs of 16 allocated bits that differ in a corner, which is enough to be another picture."""
    pixels = files.values(12, seed=seed, shape=shape)
    made = []
    for index in range(number):
        pixels[0, 0], pixels[0, 1] = index % 4096, seed
        words = {"Modality": "DX", "SOPClassUID": compose.DIGITAL_X_RAY, "PatientID": f"P{seed}-{index}"}
        made.append(files.dicom(files.dataset(pixels.copy(), **words)))
    return made


def rates(servers, number, shape, seed):
    """Return instances a second by server; they take turns, so that other work of the machine meets both."""
    made = instances(number, shape, seed)
    taken = dict.fromkeys((server.name for server in servers), 0.0)
    for start in range(0, number, TOGETHER):
        for server in servers:
            taken[server.name] += server.store(made[start : start + TOGETHER])
    return {name: number / seconds for name, seconds in taken.items()}


def p95(times):
    return statistics.quantiles(times, n=20)[18] * 1000


def search_times(server, queries):
    server.search(queries[0])
    found = [server.search(query) for query in queries]
    return [taken for taken, _rows in found], found


def test_searches_are_as_fast_as_orthancs(platform, ours, orthanc, capsys):
    patients = fill(platform, ours.site)
    for index, content in enumerate(instances(STUDIES, (16, 16), 13)):
        if not index % 100:
            batch = []
        batch.append(content)
        if len(batch) == 100:
            orthanc.store(batch)
    picked = np.random.default_rng(1).integers(0, STUDIES, QUERIES)
    by_patient = search_times(ours, [f"PatientID={patients[index]}" for index in picked])
    theirs = search_times(orthanc, [f"PatientID=P13-{index}" for index in picked])
    assert all(len(rows) == 1 for _taken, rows in by_patient[1] + theirs[1])
    listed, listed_there = (search_times(server, ["limit=50"] * QUERIES)[0] for server in (ours, orthanc))
    with capsys.disabled():
        print(f"\nQIDO-RS by PatientID p95 {p95(by_patient[0]):.1f} ms, Orthanc {p95(theirs[0]):.1f} (goal 1)")
        print(f"QIDO-RS limit 50 p95 {p95(listed):.1f} ms, Orthanc {p95(listed_there):.1f} (goal 0.5)")
    assert p95(by_patient[0]) <= p95(theirs[0])
    assert p95(listed) <= 0.5 * p95(listed_there)


def test_instances_are_stored_as_fast_as_by_orthanc(ours, orthanc, capsys):
    small = rates((ours, orthanc), SMALL, SMALL_SHAPE, 11)
    large = rates((ours, orthanc), LARGE, LARGE_SHAPE, 12)
    ratios = [found["bonefrac"] / found["Orthanc"] for found in (small, large)]
    with capsys.disabled():
        for label, found, ratio, goal in (("525 kB", small, ratios[0], 0.8), ("8 MB", large, ratios[1], 0.5)):
            print(
                f"\nSTOW-RS of {label}: {found['bonefrac']:.1f} instances/s, Orthanc {found['Orthanc']:.1f}, "
                f"ratio {ratio:.2f} (goal {goal})"
            )
    assert ratios[0] >= 0.8
    assert ratios[1] >= 0.5


FILL = """
    WITH pixel AS (SELECT id FROM inference_radiograph LIMIT 1),
    made AS (
        INSERT INTO studies_study (site_id, uploader_id, study_uid, patient_key, received_at, ready_at, body_part, side,
            sex, question, urgent, status, round, rank, readings_required, revision, has_problem)
        SELECT site_id, uploader_id, '2.25.1' || lpad(n::text, 30, '0'), md5(n::text) || md5(n::text), now(), now(),
            body_part, side, sex, '', false, 'AWAITING', 1, 2, 1, 1, false
        FROM generate_series(1, %(number)s) n, (SELECT * FROM studies_study WHERE site_id = %(site)s LIMIT 1) one
        RETURNING id, study_uid, patient_key
    ),
    shown AS (
        INSERT INTO studies_studyimage (study_id, radiograph_id, position, view, side, sop_instance_uid, sop_class_uid,
            header, original, original_kind)
        SELECT made.id, pixel.id, 0, 'AP', 'unknown', made.study_uid || '.1', '1.2.840.10008.5.1.4.1.1.1.1', one.header,
            '', 'dicom'
        FROM made, pixel, (SELECT header FROM studies_studyimage WHERE original_kind = 'dicom' LIMIT 1) one
    )
    SELECT patient_key FROM made
"""


def fill(platform, site):
    """Put studies of one image each into the database, and return their patients' pseudonyms."""
    with psycopg.connect(embedded.locations(platform.data).database_url, autocommit=True) as connection:
        for _ in range(600):
            (waiting,) = connection.execute(
                "SELECT (SELECT count(*) FROM studies_incomingfile WHERE status IN ('RECEIVED', 'JUDGING'))"
                " + (SELECT count(*) FROM inference_predictionjob WHERE status IN ('QUEUED', 'RUNNING'))"
            ).fetchone()
            if not waiting:
                break
            time.sleep(0.5)
        found = connection.execute(FILL, {"number": STUDIES, "site": site}).fetchall()
        connection.execute("ANALYZE")
    return [f"P-{key[:12]}" for (key,) in found]
