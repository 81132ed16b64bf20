"""The whole platform as its own processes on a data folder and port of its own, as ``script/server`` starts it."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "bonefrac-demo"
OURS = ("BONEFRAC_", "DATABASE_URL", "REDIS_URL", "PORT", "HOST", "DJANGO_SETTINGS_MODULE")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Platform:
    """Started by ``start``; ``lines`` is what it printed so far."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.lines: list[str] = []
        self._told = threading.Condition()

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
        return {**kept, "BONEFRAC_DATA": str(self.data), "BONEFRAC_DEMO": "1", "PORT": str(self.port)}

    def start(self, *arguments: str, until: str = "the demo is at", seconds: float = 150) -> Platform:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bonefrac.launch", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self.wait_for(until, seconds)
        return self

    def _listen(self) -> None:
        for line in self._process.stdout:
            with self._told:
                self.lines.append(line.rstrip())
                self._told.notify_all()
        with self._told:
            self._told.notify_all()

    def wait_for(self, text: str, seconds: float) -> None:
        with self._told:
            found = self._told.wait_for(
                lambda: any(text in line for line in self.lines) or self._process.poll() is not None, seconds
            )
        assert found, f"{text!r} was not printed in {seconds} s:\n" + "\n".join(self.lines[-40:])
        assert any(text in line for line in self.lines), "\n".join(self.lines[-40:])

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(60)
        self._listener.join(10)
        self._process.stdout.close()
        return code

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout.strip()

    def api(self, username: str) -> Api:
        return Api(self.base, self.manage("issue_token", username).splitlines()[-1])


class Api:
    """A program that speaks to the platform with somebody's token."""

    def __init__(self, base: str, token: str) -> None:
        self._base, self._token = base + "/api/v1", token

    def get(self, path: str) -> Any:
        return json.loads(self.read(path))

    def read(self, path: str) -> bytes:
        return self._send("GET", path)[1]

    def post(self, path: str, body: Any = None, *, expect: int = 200) -> Any:
        status, content = self._send("POST", path, json.dumps(body or {}).encode(), "application/json")
        assert status == expect, (status, content)
        return json.loads(content) if content else None

    def upload(self, files: dict[str, bytes], **fields: str) -> Any:
        edge = "edge-of-a-part"
        body = io.BytesIO()
        for name, value in fields.items():
            body.write(f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
        for name, content in files.items():
            head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
            body.write(head.encode() + content + b"\r\n")
        body.write(f"--{edge}--\r\n".encode())
        status, content = self._send("POST", "/uploads/", body.getvalue(), f"multipart/form-data; boundary={edge}")
        assert status == 202, (status, content)
        return json.loads(content)

    def until(self, path: str, is_done, *, seconds: float = 30) -> Any:
        """Ask again until the answer is as wanted; the last answer is returned, done or not."""
        deadline = time.monotonic() + seconds
        pause = threading.Event()
        while not is_done(answer := self.get(path)) and time.monotonic() < deadline:
            pause.wait(0.1)
        return answer

    def _send(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> tuple[int, bytes]:
        headers = {"Authorization": f"Token {self._token}", **({"Content-Type": kind} if kind else {})}
        address = path if path.startswith("http") else self._base + path
        request = urllib.request.Request(address, data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


def picture(seed: int, *, fractured: bool = True, part: str = "hand") -> bytes:
    """A drawn radiograph as PNG; no two seeds give the same pixels."""
    from training import synthetic

    made = synthetic.radiograph(seed, fractured=fractured, part=part)
    buffer = io.BytesIO()
    Image.fromarray(made.pixels).save(buffer, "PNG")
    return buffer.getvalue()
