"""Builds radiographs and models by the verbs of inference."""

from __future__ import annotations

import hashlib
import io
from itertools import count

import numpy as np
from PIL import Image

from inference import jobs, prediction, radiographs, renditions
from training.frames import decode_png

_NUMBERS = count()


def picture(share_bright=0.5, *, rows=90, columns=120, number=None):
    """Return (rows, columns) uint8: the upper part bright, the rest dark, with noise that makes every one different."""
    generator = np.random.default_rng(next(_NUMBERS) if number is None else number)
    pixels = generator.integers(0, 20, (rows, columns)).astype(np.uint8)
    pixels[: int(rows * share_bright)] += 230
    return pixels


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def store(pixels, *, pixel_key="", facts=None, with_renditions=True):
    """Store pixels as intake does and return (radiograph, is_new)."""
    frame = decode_png(png(pixels))
    described = radiographs.describe(frame)
    files = renditions.render(frame, radiographs.preprocessings()) if with_renditions else {}
    key = pixel_key or hashlib.sha256(b"site" + described.pixel_digest.encode()).hexdigest()
    return radiographs.store(described, pixel_key=key, facts=facts or {}, files=files)


def grey_radiograph(share_bright=0.5, *, facts=None, **shape):
    """Return a new radiograph; the tiny model's score rises with the share that is bright."""
    return store(picture(share_bright, **shape), facts=facts)[0]


def predicted(radiograph, model_version):
    """Ask a model about a radiograph and do the job in this process; return the job as it ended."""
    job = jobs.request(radiograph, model_version)
    prediction.work_on(job.pk)
    job.refresh_from_db()
    return job
