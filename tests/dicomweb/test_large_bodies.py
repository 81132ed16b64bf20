"""Bodies of gigabytes go through the real web server within the memory of a few; one that breaks off leaves nothing."""

from __future__ import annotations

import http.client
import socket
import threading
import time

import psutil
import psycopg
import pytest

from bonefrac import embedded
from tests import factories_intake as files
from tests.platform import Platform
from tests.worker.conftest import wait_for

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
INSTANCES, SHAPE = 40, (5000, 5000)  # of 50 MB each: 2 GB in one body
MOST_MORE = 150_000_000
HEAD = b"\r\n--edge\r\nContent-Type: application/dicom\r\n\r\n"
TYPE = 'multipart/related; type="application/dicom"; boundary=edge'


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    started = Platform(tmp_path_factory.mktemp("platform") / "data").start("--no-demo", until="ready at", seconds=300)
    started.manage("make_admin", "root", "--site", "One", "--reading-mode", "assisted")
    yield started
    started.stop()


@pytest.fixture(scope="module")
def token(platform):
    with connected(platform) as connection:
        connection.execute(
            "INSERT INTO accounts_membership (user_id, site_id, role)"
            " SELECT user_id, site_id, 'uploader' FROM accounts_membership WHERE role = 'admin'"
        )
    return platform.manage("issue_token", "root").splitlines()[-1]


def connected(platform):
    return psycopg.connect(embedded.locations(platform.data).database_url, autocommit=True)


def web_processes(platform):
    children = psutil.Process(platform._process.pid).children(recursive=True)
    return [child for child in children if "gunicorn" in " ".join(child.cmdline())]


class Watch(threading.Thread):
    """The most memory that any of some processes holds while it runs."""

    def __init__(self, processes):
        super().__init__(daemon=True)
        self.processes, self.most, self.is_over = processes, 0, threading.Event()

    def run(self):
        while not self.is_over.wait(0.05):
            self.most = max([self.most, *(process.memory_info().rss for process in self.processes)])


def body():
    content = bytearray(files.dicom(files.dataset(files.values(12, seed=1, shape=SHAPE), SOPInstanceUID="1.2.3.100")))
    at = content.find(b"1.2.3.100", 400)
    for number in range(INSTANCES):
        content[at : at + 9] = f"1.2.3.{100 + number}".encode()
        content[-2:] = number.to_bytes(2, "little")
        yield HEAD
        for start in range(0, len(content), 1 << 20):
            yield bytes(content[start : start + (1 << 20)])
    yield b"\r\n--edge--\r\n"


@pytest.fixture
def connection(platform):
    made = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=600)
    yield made
    made.close()


def test_gigabytes_go_in_without_gigabytes_of_memory(platform, token, connection, capsys):
    connection.request("GET", "/dicomweb/studies", headers={"Authorization": f"Token {token}"})
    assert connection.getresponse().read() == b"[]"
    watch = Watch(web_processes(platform))
    before = max(process.memory_info().rss for process in watch.processes)
    watch.start()
    began = time.monotonic()
    headers = {"Authorization": f"Token {token}", "Content-Type": TYPE, "Accept": "application/dicom+json"}
    connection.request("POST", "/dicomweb/studies", body(), headers, encode_chunked=True)
    answer = connection.getresponse()
    told = answer.read()
    watch.is_over.set()
    with capsys.disabled():
        print(f"\nSTOW-RS of 2 GB: {time.monotonic() - began:.0f} s, web process {before / 1e6:.0f} MB before, "
              f"{watch.most / 1e6:.0f} MB at most")  # fmt: skip
    assert (answer.status, told.count(b"00081155")) == (200, INSTANCES), told[:500]
    assert watch.most - before < MOST_MORE


def test_a_body_that_breaks_off_leaves_nothing_but_whole_instances(platform, token):
    with connected(platform) as connection:
        (before,) = connection.execute("SELECT count(*) FROM studies_incomingfile").fetchone()
    content = files.dicom(files.dataset(files.values(12, shape=(1500, 1500))))
    sent = f"POST /dicomweb/studies HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token {token}\r\n"
    sent += f"Content-Type: {TYPE}\r\nContent-Length: 90000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", platform.port)) as broken:
        broken.sendall(sent.encode() + HEAD + content + HEAD + content[:1_000_000])
    count = "SELECT count(*) FROM studies_incomingfile"
    with connected(platform) as connection:
        wait_for(lambda: connection.execute(count).fetchone()[0] == before + 1, what="the whole instance")
    opened = [file.path for process in web_processes(platform) for file in process.open_files()]
    assert [path for path in opened if "incomplete" in path] == []
    assert list((platform.data / "stores" / "incoming").glob("**/.incomplete-*")) == []
    assert not any("Traceback" in line for line in platform.lines), platform.lines[-30:]
