"""The whole platform takes canaries in at each of its faces and is searched: nothing is found beyond the originals."""

from __future__ import annotations

import base64
import contextlib
import http.cookiejar
import io
import re
import shutil
import subprocess
import time
import urllib.request
import zipfile
import zlib

import numpy as np
import pytest
from django.urls import reverse
from PIL import Image

from bonefrac.db import new_id
from tests import factories_intake as files
from tests.intake.test_canaries import BIRTH, NUMBERS, UID, WORD, everywhere, part_10, picture
from tests.intake.test_canaries_in_streams import png, tiff, webp
from tests.intake.test_lettering import drawn
from tests.platform import PASSWORD, Platform, free_port

SITE = "Demo Hospital"
PLAIN = (WORD, WORD.lower(), WORD.capitalize(), NUMBERS, BIRTH, UID)
DUMP = """
import sys
from django.db import connection
with connection.cursor() as cursor, open({path!r}, "wb") as out:
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    for (table,) in cursor.fetchall():
        out.write(table.encode() + b"\\n")
        with cursor.copy(f'COPY "{{table}}" TO STDOUT') as copy:
            for part in copy:
                out.write(bytes(part))
    cursor.execute("CHECKPOINT")
"""


def forms_of(canary):
    """A canary as bytes: plain, wide, as digits of a byte array, and in base64 at any of its three offsets."""
    plain = canary.encode()
    yield from (plain, plain.hex().encode(), canary.encode("utf-16-le"), canary.encode("utf-16-be"))
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + plain + b"\0\0\0")
        yield coded[4 if offset else 0 : len(plain) * 4 // 3 - 1]


FORMS = tuple({form for canary in PLAIN for form in forms_of(canary)})


def found_in(content, depth=0):
    """Canaries in bytes, and in what is packed in them: entries of a ZIP, chunks of a PNG, streams of zlib and gzip."""
    found = {form for form in FORMS if form in content}
    if depth < 3:
        for inner in unpacked(content):
            found |= found_in(inner, depth + 1)
    return found


def unpacked(content):
    if content.startswith(b"PK\3\4"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
        return
    if content.startswith(b"\x89PNG"):
        with Image.open(io.BytesIO(content)) as opened:
            yield repr(opened.info).encode()
            yield np.asarray(opened).tobytes()
        return
    for start in re.finditer(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08", content[:2_000_000]):
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj(wbits=47).decompress(content[start.start() :][:500_000], 4_000_000)


class Listening(Platform):
    """The platform with its listener for devices, and a folder of its own for temporary files."""

    def __init__(self, data):
        super().__init__(data)
        self.dicom_port = free_port()
        (data.parent / "temporary").mkdir()

    @property
    def environment(self):
        more = {"DICOM_PORT": str(self.dicom_port), "TMPDIR": str(self.data.parent / "temporary")}
        return super().environment | more


class Browser:
    """A person at the pages."""

    def __init__(self, platform, username):
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.base, self.opener = platform.base, urllib.request.build_opener(jar)
        door = reverse("accounts:sign_in")
        page = self.get(door).decode()
        self.post(door, {"username": username, "password": PASSWORD}, page)

    def get(self, path):
        with self.opener.open(self.base + path, timeout=60) as answer:
            return answer.read()

    def post(self, path, fields, page, handed=()):
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
        body, edge = io.BytesIO(), "edge-of-a-part"
        for name, value in {**fields, "csrfmiddlewaretoken": token}.items():
            body.write(f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
        for name, content in handed:
            head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
            body.write(head.encode() + content + b"\r\n")
        body.write(f"--{edge}--\r\n".encode())
        kind = {"Content-Type": f"multipart/form-data; boundary={edge}", "Referer": self.base + path}
        request = urllib.request.Request(self.base + path, data=body.getvalue(), headers=kind)
        with self.opener.open(request, timeout=60) as answer:
            return answer.read()


def over_dicomweb(platform, token, site, *contents):
    edge = "edge-of-a-part"
    parts = b"".join(
        f"--{edge}\r\nContent-Type: application/dicom\r\n\r\n".encode() + one + b"\r\n" for one in contents
    )
    kind = f'multipart/related; type="application/dicom"; boundary={edge}'
    headers = {"Authorization": f"Token {token}", "Content-Type": kind, "Accept": "application/dicom+json"}
    body = parts + f"--{edge}--\r\n".encode()
    request = urllib.request.Request(
        f"{platform.base}/dicomweb/sites/{site}/studies", data=body, headers=headers, method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def asked(platform, token, path, accept):
    headers = {"Authorization": f"Token {token}", "Accept": accept}
    with urllib.request.urlopen(urllib.request.Request(platform.base + path, headers=headers), timeout=60) as answer:
        return answer.read()


def over_the_network(platform, folder, content):
    path = folder / "sent.dcm"
    path.write_bytes(content)
    storescu = ["storescu", "-R", "-aet", "ROOM1", "-aec", "BONEFRAC", "127.0.0.1", str(platform.dicom_port), str(path)]
    sent = subprocess.run(storescu, capture_output=True, timeout=60)
    assert sent.returncode == 0, sent.stdout + sent.stderr
    path.unlink()


@pytest.fixture
def platform(tmp_path):
    started = Listening(tmp_path / "data").start(seconds=200)
    started.manage("device", "add", "ROOM1", "--site", SITE, "--sender", "demo-uploader")
    yield started
    if started._process.poll() is None:
        started.stop()


def hand_in_everywhere(platform, folder, token, site):
    """Hand canaries in at every face; return how many files that were."""
    api, browser = platform.api("demo-uploader"), Browser(platform, "demo-uploader")
    page = browser.get("/upload/").decode()
    handed = [(f"{WORD}.dcm", part_10(everywhere("1"))), (f"{WORD}.jpg", picture())]
    browser.post("/upload/", {"site": site, "patient_code": "", "age": "", "question": "", "sex": "unknown",
                              "body_part": "unknown", "side": "unknown", "grouping": "one_study",
                              "batch": str(new_id()), "expected_files": "2"}, page, handed)  # fmt: skip
    contents = {
        f"{WORD}.dcm": part_10(everywhere("2")),
        f"{WORD}.png": png(),
        f"{WORD}.tif": tiff(),
        f"{WORD}.webp": webp(),
    }
    contents[f"{WORD}.zip"] = files.zipped({f"{WORD}/{WORD}.dcm": part_10(everywhere("3"))})
    contents[f"{WORD}-named.png"] = files.png(drawn(WORD, size=24))
    api.upload(contents, site=site)
    over_dicomweb(platform, token, site, part_10(everywhere("4")))
    over_the_network(platform, folder, part_10(everywhere("5")))
    return len(handed) + len(contents) + 1 + 1 + 1


@pytest.mark.long
@pytest.mark.timeout(500)
@pytest.mark.skipif(shutil.which("storescu") is None, reason="DCMTK (storescu) is not installed")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_canary_is_found_in_anything_that_the_platform_keeps_or_says(platform, tmp_path):
    token = platform.manage("issue_token", "demo-uploader").splitlines()[-1]
    api, reader = platform.api("demo-uploader"), platform.api("demo-lead")
    site = next(own["site"]["id"] for own in api.get("/me/")["sites"] if own["site"]["name"] == SITE)
    before = {row["id"] for row in api.get("/uploads/")["results"]}
    number = hand_in_everywhere(platform, tmp_path, token, site)

    def mine(answer):
        return [row for row in answer["results"] if row["id"] not in before]

    answer = api.until(
        "/uploads/",
        lambda answer: (
            len(mine(answer)) == number and all(row["status"] not in ("RECEIVED", "JUDGING") for row in mine(answer))
        ),
        seconds=90,
    )
    rows = mine(answer)
    by_name = {row["name"]: (row["status"], row["code"], row["sentence"]) for row in rows}
    assert len(rows) == number, by_name
    assert by_name.pop(f"{WORD}-named.png")[:2] == ("HELD", "text_in_pixels")
    assert {status for status, _, _ in by_name.values()} == {"ACCEPTED"}, by_name
    study = next(row["study"] for row in rows if row["name"] == f"{WORD}.dcm" and row["study"])
    lead, lead_token = Browser(platform, "demo-lead"), platform.manage("issue_token", "demo-lead").splitlines()[-1]
    said = [
        lead.get(path) for path in ("/", f"/studies/{study}/", "/held/", "/notices/", f"/studies/{study}/identity/")
    ]
    said += [reader.read("/studies/"), reader.read(f"/studies/{study}/")]
    searched = asked(platform, lead_token, "/dicomweb/instances?includefield=all&limit=100", "application/dicom+json")
    assert len(searched) > 1000
    said.append(searched)
    studies = re.findall(rb'"0020000D": ?\{"vr": ?"UI", ?"Value": ?\["([0-9.]+)"\]', searched)
    for uid in {one.decode() for one in studies}:
        said.append(asked(platform, lead_token, f"/dicomweb/studies/{uid}/metadata", "application/dicom+json"))
        said.append(
            asked(
                platform,
                lead_token,
                f"/dicomweb/studies/{uid}",
                'multipart/related; type="application/dicom"; transfer-syntax=*',
            )
        )
    dump = tmp_path / "dump"
    platform.manage("shell", "-v", "0", "-c", DUMP.format(path=str(dump)))
    time.sleep(1)
    assert platform.stop() == 0
    assert [found_in(one) for one in said if found_in(one)] == []
    assert rows[0]["id"].encode() in dump.read_bytes()
    assert found_in(dump.read_bytes()) == set()
    assert found_in("\n".join(platform.lines).encode()) == set()
    kept = [path for root in (platform.data, tmp_path / "temporary") for path in root.rglob("*") if path.is_file()]
    originals = [path for path in kept if "originals" in path.parts or "incoming" in path.parts]
    assert any(WORD.encode() in path.read_bytes() for path in originals)
    leaked = {str(path): found for path in set(kept) - set(originals) if (found := found_in(path.read_bytes()))}
    assert leaked == {}
    assert len(kept) > 100
