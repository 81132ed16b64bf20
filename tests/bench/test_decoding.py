"""Decoding and judging, measured: each pinned decoder beside pydicom's plug-ins, headers, whole judgements, memory.

Every plug-in that is installed takes part. GDCM, pylibjpeg-libjpeg and pylibjpeg-openjpeg are not: the first loads its
symbols into every process that imports pydicom. What they took where they were is in ``training/frames/codecs.py``.
"""

from __future__ import annotations

import io
import re
import sys
import time
import warnings
from pathlib import Path

import imagecodecs
import jpeg_ls
import numpy as np
import psutil
import pydicom
import pytest
from django.db import transaction
from PIL import Image
from pydicom import uid
from pydicom.pixels import get_decoder

from bonefrac.accounts.models import Role
from bonefrac.celery import ring
from bonefrac.stores import INCOMING
from studies import intake
from studies.decoding.parent import Decoder
from studies.intake import Details, Handed, glancing, limits
from studies.models import IncomingFile
from tests import factories_intake as files
from tests import factories_studies as make
from tests.worker.conftest import broker, start_worker, wait_for  # noqa: F401 fixtures
from training.frames import codecs, open_dicom

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
ROWS, COLUMNS = 2500, 2048
RATIO, HEADER_MS, A_SECOND, RESIDENT = 1.2, 2.0, 5.0, 700_000_000


def radiograph(seed=1, shape=(ROWS, COLUMNS), bits=12):
    """A smooth picture with a detector's noise."""
    chance = np.random.default_rng(seed)
    small = chance.random((8, 6)).astype(np.float32) * (2**bits - 1)
    smooth = np.asarray(Image.fromarray(small).resize(shape[::-1], Image.Resampling.BICUBIC))
    return np.clip(smooth + chance.normal(0, 2 ** (bits - 9), shape), 0, 2**bits - 1).astype(np.uint16)


def rle(pixels):
    made = pydicom.dcmread(io.BytesIO(files.dicom(files.dataset(pixels))))
    made.compress(uid.RLELossless)
    return next(pydicom.encaps.generate_frames(made.PixelData, number_of_frames=1))


def lossless_jpeg(predictor):
    return lambda wide: imagecodecs.jpeg8_encode(wide, lossless=True, predictor=predictor, bitspersample=12)


def openjpeg(**options):
    return lambda wide: imagecodecs.jpeg2k_encode(wide, codecformat="J2K", **options)


ENCODED = {
    uid.RLELossless: rle,
    uid.JPEGBaseline8Bit: lambda wide: files.jpeg((wide >> 4).astype(np.uint8), quality=92),
    uid.JPEGExtended12Bit: lambda wide: imagecodecs.jpeg8_encode(wide, level=95, bitspersample=12),
    uid.JPEGLossless: lossless_jpeg(4),
    uid.JPEGLosslessSV1: lossless_jpeg(1),
    uid.JPEGLSLossless: lambda wide: bytes(jpeg_ls.encode_array(wide)),
    uid.JPEGLSNearLossless: lambda wide: bytes(jpeg_ls.encode_array(wide, lossy_error=3)),
    uid.JPEG2000Lossless: openjpeg(reversible=True, level=0),
    uid.JPEG2000: openjpeg(reversible=False, level=60),
    uid.HTJ2KLossless: lambda wide: imagecodecs.htj2k_encode(wide, reversible=True),
    uid.HTJ2K: lambda wide: imagecodecs.htj2k_encode(wide, reversible=False),
}


def milliseconds(*deeds, times=5):
    """The least processor time of each deed; they take turns, so that a busy machine is busy for all."""
    taken = [[] for _deed in deeds]
    for _time in range(times):
        for deed, kept in zip(deeds, taken, strict=True):
            started = time.process_time()
            deed()
            kept.append((time.process_time() - started) * 1000)
    return [min(kept) for kept in taken]


def plug_ins(syntax, made):
    """What decodes the data set by each plug-in of pydicom that can."""
    decoder = get_decoder(syntax)
    for name in decoder.available_plugins:
        try:
            decoder.as_array(made, decoding_plugin=name)
        except Exception:  # noqa: BLE001 a plug-in that is there and cannot
            continue
        yield name, lambda name=name: decoder.as_array(made, decoding_plugin=name)


@pytest.mark.parametrize("syntax", ENCODED, ids=lambda syntax: syntax.name)
def test_a_pinned_decoder_beside_the_fastest_plug_in(syntax, capsys):
    wide = radiograph()
    content = ENCODED[syntax](wide)
    is_narrow = syntax == uid.JPEGBaseline8Bit
    pixels = (wide >> 4).astype(np.uint8) if is_narrow else wide
    made = pydicom.dcmread(io.BytesIO(files.encapsulated(content, syntax, pixels, bits=8 if is_narrow else 12)))
    shape = codecs.Shape(ROWS, COLUMNS, 1, pixels.dtype.itemsize * 8, is_signed=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        others = dict(plug_ins(syntax, made))
        ours, *theirs = milliseconds(lambda: codecs.decode(content, str(syntax), shape), *others.values())
    name = codecs.decoder_of(str(syntax)).name
    told = ", ".join(f"{other} {taken:.0f}" for other, taken in zip(others, theirs, strict=True)) or "no plug-in"
    with capsys.disabled():
        ratio = f", ratio {ours / min(theirs):.2f}" if theirs else ""
        print(f"\n{syntax.name}: {name} {ours:.0f} ms; {told}{ratio}")
    assert not theirs or ours <= RATIO * min(theirs) + 1


@pytest.mark.django_db
def test_a_header_is_read_in_no_time(capsys):
    site = make.site()
    content = files.dicom(files.dataset(radiograph()))
    key = INCOMING.put(content)
    allowed = limits.of(site)
    glance, whole = milliseconds(
        lambda: glancing.kind_at(key, name="a.dcm", size=len(content), allowed=allowed),
        lambda: open_dicom(content), times=20,
    )  # fmt: skip
    with capsys.disabled():
        print(f"\nheader of 10 MB of DICOM: glance {glance:.2f} ms, all elements {whole:.2f} ms")
    assert max(glance, whole) <= HEADER_MS


@pytest.mark.django_db
def test_the_request_decodes_no_pixel(capsys):
    """Every call in Python and in C while files are taken in is watched."""
    site = make.site()
    uploader = make.person(site, Role.UPLOADER)
    wide = radiograph()
    packed = files.encapsulated(ENCODED[uid.JPEGLSLossless](wide), uid.JPEGLSLossless, wide)
    contents = [files.jpeg((wide >> 4).astype(np.uint8)), files.dicom(files.dataset(wide)), files.png(), packed]
    called = set()

    def watch(frame, event, argument):
        if event == "call":
            called.add(f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}")
        elif event == "c_call":
            called.add(f"{getattr(argument, '__module__', '')}:{argument.__name__}")

    handed = [Handed.of_bytes("file", content) for content in contents]
    started = time.perf_counter()
    sys.setprofile(watch)
    try:
        rows = intake.receive(uploader, site=site, files=handed, details=Details())
    finally:
        sys.setprofile(None)
    with capsys.disabled():
        print(f"\n4 files of {sum(map(len, contents)) / 1e6:.0f} MB taken in: {time.perf_counter() - started:.2f} s")
    assert {row.status for row in rows} == {"RECEIVED"}
    assert "receiving.py:receive" in called
    assert not {"ImageFile.py:load", "codecs.py:decode", "dicom.py:decode_dicom", "parent.py:decode"} & called
    assert not any(name.split(":")[1].endswith(("_decode", "decode_frame")) for name in called)


def resident(pid):
    """The most memory that a process ever had, in bytes."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) * 1024


def largest():
    """Files with as many pixels as are allowed, of the widest values, by what makes the decoder work most."""
    wide = radiograph(shape=(8000, 8000), bits=16)
    narrow = (wide >> 8).astype(np.uint8)
    coloured = Image.fromarray(narrow).convert("RGBA")
    yield "jpeg-ls, 16 bit", files.encapsulated(imagecodecs.jpegls_encode(wide), uid.JPEGLSLossless, wide, bits=16)
    yield "png, 16 bit", files.png(wide, compress_level=1)
    yield "png, transparent", files.saved(coloured, "PNG", compress_level=1)
    yield "jpeg, three components", files.saved(coloured.convert("RGB"), "JPEG")
    yield "dicom, 32 megapixels", files.dicom(files.dataset(wide[:4000].copy(), bits=16))


def test_the_largest_images_fit_into_the_decoder(tmp_path, capsys):
    most = {}
    for name, content in largest():
        (tmp_path / "file").write_bytes(content)
        child = Decoder(seconds=120)
        child.decode(tmp_path / "file", max_pixels=64_000_000, preprocessings=[])
        most[name] = resident(child.pid)
        child.stop()
    with capsys.disabled():
        print("\nlargest images, resident MB: " + ", ".join(f"{name} {size / 1e6:.0f}" for name, size in most.items()))
    assert max(most.values()) <= RESIDENT


def radiographs(kind, seeds):
    for seed in seeds:
        wide = radiograph(seed)
        is_jpeg = kind == "jpeg"
        yield files.jpeg((wide >> 4).astype(np.uint8), quality=92) if is_jpeg else files.dicom(files.dataset(wide))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["jpeg", "dicom"])
def test_two_workers_judge_radiographs(kind, start_worker, capsys):  # noqa: F811
    site = make.site()
    uploader = make.person(site, Role.UPLOADER)
    workers = [start_worker("intake"), start_worker("intake")]
    for worker in workers:
        worker.wait_until_ready()
    judged(uploader, site, radiographs(kind, range(4)))  # every process has its decoder now
    before, number = processor_seconds(workers), 24
    seconds = judged(uploader, site, radiographs(kind, range(4, 4 + number)))
    each = (processor_seconds(workers) - before) / number
    most = max(resident(process.pid) for process in processes_of(workers))
    with capsys.disabled():
        print(
            f"\njudged (5 megapixels, {kind}, two workers): {number / seconds:.1f} radiographs/s by the clock, "
            f"{each * 1000:.0f} ms of one core each: {2 / each:.1f}/s on two; largest process {most / 1e6:.0f} MB"
        )
    assert IncomingFile.objects.filter(status="ACCEPTED").count() == number + 4
    assert 2 / each >= A_SECOND
    assert most <= RESIDENT


def processes_of(workers):
    """The processes that judge and those that decode for them."""
    return [child for worker in workers for child in psutil.Process(worker.process.pid).children(recursive=True)]


def processor_seconds(workers):
    return sum(sum(process.cpu_times()[:2]) for process in processes_of(workers))


def judged(uploader, site, contents):
    """Hand files in and return how many seconds their judgement took."""
    rows = files.hand_in(uploader, site, *contents, judged=False)
    started = time.perf_counter()
    with transaction.atomic():
        for row in rows:
            ring("intake.judge", str(row.pk))
    wait_for(lambda: not IncomingFile.objects.filter(judged_at__isnull=True).exists(), seconds=120, what="verdicts")
    return time.perf_counter() - started
