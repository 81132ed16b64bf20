"""A small site of the built front end alone: real templates, real scripts, the real content security policy.

It stands in for no part of the platform: pages here are the components themselves with made-up studies, so that the
viewer, the form and the upload are tested in a browser without the rest; every answer carries the settings' policy.
"""

import io
import json
import re
import threading
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
from django.conf import settings
from django.template import engines
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    generate_uid,
)

from bonefrac.db import new_id
from studies import keys

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "static" / "dist"
TYPES = {".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm", ".png": "image/png"}
DIRECTIVES = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
POLICY = "; ".join(f"{name} {' '.join(values)}" for name, values in DIRECTIVES.items())


def bone(rows, columns, bits=12):
    """A drawn limb, brighter inside, with a bright corner at the upper LEFT that tells which way round it is."""
    y, x = np.mgrid[0:rows, 0:columns]
    middle = columns / 2 + columns * 0.08 * np.sin(y / rows * 3)
    shade = np.exp(-(((x - middle) / (columns * 0.12)) ** 2))
    cortex = np.exp(-(((np.abs(x - middle) - columns * 0.11) / (columns * 0.015)) ** 2)) * 0.5
    picture = 0.08 + 0.5 * shade + cortex
    picture[: rows // 12, : columns // 8] = 1.0
    return (np.clip(picture, 0, 1) * (2**bits - 1)).astype(np.uint16 if bits > 8 else np.uint8)


def part10(pixels, syntax=ExplicitVRLittleEndian, *, bits=12, photometric="MONOCHROME2", frame=None, **elements):
    """A DICOM file of these pixels; `frame` is the frame of a compressed syntax, `elements` more of its header."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = DigitalXRayImageStorageForPresentation
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.Modality, ds.PatientID, ds.PatientName = "DX", "harness", ""
    ds.Rows, ds.Columns = pixels.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, photometric, 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = (16, bits, bits - 1) if bits > 8 else (8, 8, 7)
    ds.WindowCenter, ds.WindowWidth = str(2 ** (bits - 1)), str(2**bits)
    ds.PixelData = encapsulate([frame]) if frame is not None else pixels.tobytes()
    for name, value in elements.items():
        setattr(ds, name, value)
    ds["PixelData"].VR = "OB" if frame is not None or bits <= 8 else "OW"
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def jpeg_baseline(pixels):
    """The pixels as a baseline JPEG stream."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return part10(pixels, JPEGBaseline8Bit, bits=8, frame=out.getvalue())


def jpeg_ls(pixels, bits):
    """The pixels as JPEG-LS."""
    from jpeg_ls import encode

    return part10(pixels, JPEGLSLossless, bits=bits, frame=bytes(encode(pixels)))


def png(pixels, longest=512):
    """A preview: 8 bits, at most `longest` on its longer side."""
    grey = (pixels / pixels.max() * 255).astype(np.uint8)
    picture = Image.fromarray(grey)
    picture.thumbnail((longest, longest))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def map_png(size=7):
    """A grey map whose hot cell is the upper right one of the middle."""
    values = np.zeros((size, size), np.uint8)
    values[2, 4] = 255
    values[3, 4] = 120
    out = io.BytesIO()
    Image.fromarray(values).save(out, "PNG")
    return out.getvalue()


def render(source, context=None):
    """Render template source with the project's own engine."""
    return engines["django"].from_string(source).render({"csrf_token": "harness", **(context or {})}).encode()


READING = (Path(__file__).parent / "pages" / "reading.html").read_text()


class Site:
    """What the harness serves: bytes by path, and what was posted to it."""

    def __init__(self):
        self.files = {"/favicon.ico": ("image/png", map_png())}  # what a browser asks for beside plain text
        self.posted = []
        self.answers = {}
        self.refuse = {}
        self.waiting = {}
        self.held_back = {}  # path -> an event: answered once it is set
        self.down = set()  # paths that answer 503
        self.asked = []  # paths that were asked for
        self.url = ""

    def image(
        self, name, dicom, rows, columns, *, preview=None, label="AP left", with_map=False, findings=None, **known
    ):
        """Serve an instance and its preview; return its entry for the reading page, with what else is known of it."""
        self.files[f"/{name}/instance/"] = ("application/dicom", dicom)
        self.files[f"/{name}/preview/"] = ("image/png", preview or png(np.ones((rows // 4 or 1, columns // 4 or 1))))
        self.files[f"/{name}/map/"] = ("image/png", map_png())
        looked = {
            "url": f"/{name}/map/",
            "content_box": [0.0, 0.0, 1.0, 1.0],
            "regions": [[0.5, 0.2, 0.8, 0.5]],
            "certainty": "definite",
            "state": "positive",
            "sentence": "fracture suspected",
            "model_version": "mobilenet_v2 3",
            "score": 0.83,
        }
        return {
            "id": name,
            "position": 1,
            "label": label,
            "dicom": f"/{name}/instance/",
            "preview": f"/{name}/preview/",
            "rows": rows,
            "columns": columns,
            "map": looked if with_map else None,
            "findings": findings or [],
            **known,
        }

    def page(self, path, source, context=None):
        """Serve a rendered page."""
        self.files[path] = ("text/html; charset=utf-8", render(source, context))
        return self.url + path

    def prior(self, study, date, images):
        """Serve an earlier study and return its entry for the reading page."""
        address = f"/priors/{study}/"
        self.files[address] = ("application/json", json.dumps({"images": images}).encode())
        return {"study": study, "date": date, "label": "left wrist", "address": address}

    def reading(self, images, *, can_read=True, findings="", measurements="", htmx=False, draft=False, **data):
        """Serve a reading page of these images, hung as told, and return its address."""
        data = {"images": images, "can_read": can_read, "study": "s1", **data}
        context = {
            "reading_data": data,
            "images": images,
            "revision": 3,
            "findings": findings,
            "measurements": measurements,
            "can_read": can_read,
            "htmx": htmx,
            "draft": draft,
            "until": "2099-01-01T00:00:00Z",
            "keys": keys.bound({}),
            "since": "2026-01-01T00:00:00Z",
        }
        return self.page(f"/read/{new_id()}/", READING, context)


class Handler(BaseHTTPRequestHandler):
    """Answers from the site; every answer carries the platform's policy."""

    site: Site
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        """Stay quiet."""

    def _send(self, status, kind, body, headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        parts = urlsplit(self.path)
        if parts.path.startswith("/static/dist/"):
            file = DIST / parts.path.removeprefix("/static/dist/")
            if not file.is_file():
                return self._send(404, "text/plain", b"no such file")
            return self._send(200, TYPES.get(file.suffix, "application/octet-stream"), file.read_bytes())
        if parts.path == "/uploads/status/":
            ids = parse_qs(parts.query).get("ids", [""])[0]
            return self._json(self._statuses(ids.split(",") if ids else []))
        self.site.asked.append(parts.path)
        if parts.path in self.site.held_back:
            self.site.held_back[parts.path].wait(30)
        if parts.path in self.site.down:
            return self._send(503, "text/plain", b"not now")
        kind, body = self.site.files.get(parts.path, ("text/plain", None))
        if body is None:
            return self._send(404, "text/plain", b"nothing here")
        return self._send(200, kind, body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        parts = urlsplit(self.path)
        form = self._parse(body)
        self.site.posted.append({"path": parts.path, "headers": dict(self.headers), **form})
        if parts.path == "/upload/":
            return self._upload(form)
        status, kind, content, headers = self.site.answers.get(parts.path, (200, "text/plain", b"ok", ()))
        return self._send(status, kind, content, headers)

    def _json(self, value, status=200):
        return self._send(status, "application/json", json.dumps(value).encode())

    def _upload(self, form):
        answers = []
        for name, size in form["files"]:
            if self.site.refuse.get(name):
                self.site.refuse[name] -= 1
                self.close_connection = True
                return self._send(502, "text/plain", b"bad gateway")
            known = {"id": str(new_id()), "name": name, "code": "", "sentence": ""}
            if not size:
                known |= {"status": "REFUSED", "code": "empty"}
                known |= {"sentence": f"{name} was not accepted: it holds 0 bytes."}
            else:
                known |= {"status": "RECEIVED"}
                self.site.waiting[known["id"]] = known
            answers.append(known)
        return self._json({"files": answers, "batch": form["fields"].get("batch", "")})

    def _statuses(self, ids):
        """Received at the first question, accepted at the second."""
        files = []
        for one in ids:
            known = self.site.waiting[one]
            files.append(dict(known))
            known |= {"status": "ACCEPTED", "sentence": "Accepted as AP of a new study."}
        return {"files": files}

    def _parse(self, body):
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("application/x-www-form-urlencoded"):
            typed = parse_qs(body.decode(), keep_blank_values=True)
            return {"fields": {name: values[-1] for name, values in typed.items()}, "files": []}
        message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
        fields, files = {}, []
        for part in message.iter_parts() if message.is_multipart() else ():
            found = dict(re.findall(r'(\w+)="([^"]*)"', part["Content-Disposition"]))
            payload = part.get_payload(decode=True)
            if "filename" in found:
                files.append((found["filename"], len(payload)))
            else:
                fields[found["name"]] = payload.decode().strip("\r\n")
        return {"fields": fields, "files": files}


def serve():
    """Start a site on a free port of the loopback; return it with the server."""
    site = Site()
    handler = type("BoundHandler", (Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return site, server
