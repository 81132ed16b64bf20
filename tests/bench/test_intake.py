"""What the front door costs beside the bare decode of the same picture, measured in one run."""

from __future__ import annotations

import io
import statistics
import time

import numpy as np
import pytest
from PIL import Image

from bonefrac.accounts.models import Role
from studies import intake
from studies.decoding.parent import decoder
from tests import factories_intake as files
from tests import factories_studies as make

pytestmark = [pytest.mark.long, pytest.mark.django_db]
SHAPE = (2500, 2000)


def picture(seed):
    """A smooth radiograph-like picture of five megapixels as a grey JPEG of about a megabyte."""
    small = np.random.default_rng(seed).integers(0, 256, (250, 200), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(small).resize(SHAPE[::-1], Image.Resampling.BICUBIC))
    return files.jpeg(smooth, quality=90)


def milliseconds(deed):
    started = time.perf_counter()
    deed()
    return (time.perf_counter() - started) * 1000


def test_a_whole_judgement_beside_a_bare_decode(capsys):
    site = make.site()
    uploader = make.person(site, Role.UPLOADER)
    decoder().warm_up()
    files.hand_in(uploader, site, files.png())
    bare, judged, received = [], [], []
    for seed in range(7):
        content = picture(seed)
        rows = []
        received.append(milliseconds(lambda: rows.extend(files.hand_in(uploader, site, content, judged=False))))  # noqa: B023
        bare.append(milliseconds(lambda: Image.open(io.BytesIO(content)).load()))  # noqa: B023
        judged.append(milliseconds(lambda: intake.judge(rows[0].pk)))  # noqa: B023
        rows[0].refresh_from_db()
        assert rows[0].status == "ACCEPTED"
    ratio = statistics.median(judged) / statistics.median(bare)
    with capsys.disabled():
        print(
            f"\n5 megapixels: received {statistics.median(received):.0f} ms, "
            f"judged {statistics.median(judged):.0f} ms, "
            f"bare decode {statistics.median(bare):.0f} ms, ratio {ratio:.1f}"
        )
    assert ratio <= 15
