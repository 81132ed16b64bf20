"""How many radiographs a second the real server takes in, with their bytes durable, beside bare durable writes.

Run by ``script/test --long`` or ``pytest tests/bench/test_uploads.py -m long -s``; a line is printed for each figure.
A rate passes where it meets its goal, or where it is near a floor of the same run: the machine has other work.
"""

from __future__ import annotations

import http.client
import io
import os
import threading
import time

import numpy as np
import pytest
from PIL import Image

from tests.platform import Api, Platform

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
IN_BATCHES, SINGLY = 85, 40  # the goals: images a second
BATCH, CLIENTS = 25, 3
EDGE = "edge-of-a-part"


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    platform = Platform(tmp_path_factory.mktemp("uploads") / "data").start()
    yield platform
    platform.stop()


def radiographs(count):
    """Grey JPEGs of about 147 kB, no two alike."""
    generator = np.random.default_rng(3)
    base = generator.integers(0, 256, (400, 460), dtype=np.uint8)
    made = []
    for number in range(count):
        base[0, :8] = list(number.to_bytes(8, "big"))
        buffer = io.BytesIO()
        Image.fromarray(base).save(buffer, "JPEG", quality=88, comment=number.to_bytes(8, "big"))
        made.append(buffer.getvalue())
    return made


def body_of(contents, site):
    body = io.BytesIO()
    body.write(f'--{EDGE}\r\nContent-Disposition: form-data; name="site"\r\n\r\n{site}\r\n'.encode())
    for number, content in enumerate(contents):
        head = f'--{EDGE}\r\nContent-Disposition: form-data; name="files"; filename="{number}.jpg"\r\n\r\n'
        body.write(head.encode() + content + b"\r\n")
    body.write(f"--{EDGE}--\r\n".encode())
    return body.getvalue()


def send(platform, token, bodies):
    connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=120)
    headers = {"Authorization": f"Token {token}", "Content-Type": f"multipart/form-data; boundary={EDGE}"}
    for body in bodies:
        connection.request("POST", "/api/v1/uploads/", body=body, headers=headers)
        answer = connection.getresponse()
        assert (answer.status, answer.read()[:300])[0] == 202
    connection.close()


def rate(platform, token, bodies, images, clients):
    """Return images a second when several clients each send their share of the bodies."""
    threads = [
        threading.Thread(target=send, args=(platform, token, bodies[client::clients])) for client in range(clients)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return images / (time.perf_counter() - began)


def bare(folder, contents):
    """Return files a second that are merely written and made durable, each with its folder."""
    folder.mkdir()
    handle = os.open(folder, os.O_RDONLY)
    began = time.perf_counter()
    for number, content in enumerate(contents):
        with (folder / str(number)).open("wb") as file:
            file.write(content)
            os.fsync(file.fileno())
        os.fsync(handle)
    seconds = time.perf_counter() - began
    os.close(handle)
    return len(contents) / seconds


def test_images_a_second(platform, tmp_path, capsys):
    token = platform.manage("issue_token", "demo-uploader").splitlines()[-1]
    site = Api(platform.base, token).get("/sites/")["results"][0]["site"]["id"]
    contents = radiographs(4 * BATCH * CLIENTS + 240)
    kilobytes = len(contents[0]) / 1000
    floor = bare(tmp_path / "bare", contents[:200])
    in_batches, alone = contents[: 4 * BATCH * CLIENTS], contents[4 * BATCH * CLIENTS :]
    batches = [body_of(in_batches[first : first + BATCH], site) for first in range(0, len(in_batches), BATCH)]
    batched = rate(platform, token, batches, len(in_batches), CLIENTS)
    one = rate(platform, token, [body_of([content], site) for content in alone[:120]], 120, 1)
    several = rate(platform, token, [body_of([content], site) for content in alone[120:]], 120, CLIENTS)
    with capsys.disabled():
        print(
            f"\n{kilobytes:.0f} kB images a second, durable: {batched:.0f} in batches of {BATCH} (goal {IN_BATCHES}), "
            f"{several:.0f} singly by {CLIENTS} clients and {one:.0f} by one (goal {SINGLY}); "
            f"bare write, fsync and fsync of the folder {floor:.0f}: {batched / floor:.2f}, {several / floor:.2f}"
        )
    assert batched >= min(IN_BATCHES, 0.5 * floor)
    assert several >= min(SINGLY, 0.25 * floor)
