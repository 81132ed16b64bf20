"""Text in the pixels: markers pass untouched; a line that may name somebody is held, looked at, cleared or masked."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image, ImageDraw, ImageFont

from bonefrac.audit.models import AuditEvent, Verb
from bonefrac.errors import Conflict, Forbidden, Invalid
from bonefrac.stores import ORIGINALS
from inference import radiographs
from studies import intake
from studies.decoding.lettering import lines_of
from studies.intake import lettering
from studies.models import IncomingFile
from studies.states import FileStatus
from tests import factories_intake as files

NAMES = ("SMITH JOHN", "DOE^JANE", "Garcia Maria", "12.03.1961", "ID 4711234", "Nguyen Van Anh")


def smooth(shape=(454, 373), level=60):
    rows, columns = shape
    return np.rint(np.add.outer(np.linspace(20, level, rows), np.linspace(0, 60, columns))).astype(np.uint8)


def drawn(text, *, size=18, light=255, pixels=None, at=(20, 30)):
    image = Image.fromarray(smooth() if pixels is None else pixels)
    ImageDraw.Draw(image).text(at, text, fill=light, font=ImageFont.load_default(size))
    return np.asarray(image)


@pytest.mark.parametrize("word", ["L", "R", "AP", "PA", "LAT", "OBL", "Li", "Re", "DP", "12"])
@pytest.mark.parametrize("size", [16, 40])
def test_markers_pass(word, size):
    assert lines_of(drawn(word, size=size)) == []


@pytest.mark.parametrize("size", [12, 18, 30])
@pytest.mark.parametrize("light", [255, 200])
@pytest.mark.parametrize("name", NAMES)
def test_finds_names_numbers_and_dates_where_they_stand(name, light, size):
    (first, *_) = lines_of(drawn(name, size=size, light=light))
    assert 10 <= first.left <= 120
    assert 20 <= first.top <= 60


def test_a_plain_picture_has_no_lines():
    assert lines_of(smooth()) == []
    assert lines_of(np.random.default_rng(1).integers(0, 256, (300, 300), dtype=np.uint8)) == []


def hand_in(uploader, site, text="SMITH JOHN"):
    (file,) = files.hand_in(uploader, site, files.png(drawn(text)))
    return file


def again(file):
    intake.judge(file.pk)
    return IncomingFile.objects.select_related("study_image__radiograph").get(pk=file.pk)


def test_text_is_held_with_its_bytes_and_nothing_else(uploader, lead, site):
    file = hand_in(uploader, site)
    assert (file.status, file.code, file.study) == (FileStatus.HELD, "text_in_pixels", None)
    with pytest.raises(Conflict):
        intake.release_held(lead, file.pk)
    with pytest.raises(Forbidden):
        lettering.clear(uploader, file.pk)
    client = Client()
    client.force_login(lead, backend="bonefrac.accounts.backends.PlatformBackend")
    assert reverse("studies:held_text", args=[file.pk]) in client.get(reverse("studies:held")).content.decode()
    assert b"letters at" in client.get(reverse("studies:held_text", args=[file.pk])).content
    assert client.get(reverse("studies:held_picture", args=[file.pk])).content.startswith(b"\x89PNG")
    assert AuditEvent.objects.filter(verb=Verb.ORIGINAL_VIEWED, actor=lead).exists()


def test_what_a_lead_clears_goes_in_as_it_is(uploader, lead, site):
    file = hand_in(uploader, site, "ERECT PORTABLE")
    shown = file.details["preview"]
    lettering.clear(lead, file.pk)
    done = again(file)
    assert done.status == FileStatus.ACCEPTED
    assert np.array_equal(radiographs.frame_of(done.study_image.radiograph).pixels, drawn("ERECT PORTABLE"))
    assert not ORIGINALS.path(shown).exists()
    assert AuditEvent.objects.get(verb=Verb.TEXT_CLEARED).actor == lead
    with pytest.raises(Conflict):
        lettering.clear(lead, file.pk)


def test_what_a_lead_masks_is_gone_and_the_rest_is_untouched(uploader, lead, site):
    file = hand_in(uploader, site)
    (line,) = file.details["lettering"]
    for regions in ([], [[0, 0, 9999, 2]], [[5, 5, 0, 3]], [[-1, 0, 5, 5]]):
        with pytest.raises(Invalid):
            lettering.mask(lead, file.pk, regions=regions)
    region = [line["left"] - 4, line["top"] - 4, line["width"] + 8, line["height"] + 8]
    client = Client()
    client.force_login(lead, backend="bonefrac.accounts.backends.PlatformBackend")
    answer = client.post(reverse("studies:mask_text", args=[file.pk]), {"region": ",".join(map(str, region))})
    assert answer.status_code == 302
    done = again(file)
    assert done.status == FileStatus.ACCEPTED
    pixels = radiographs.frame_of(done.study_image.radiograph).pixels
    left, top, width, height = region
    inside = (slice(top, top + height), slice(left, left + width))
    assert len(np.unique(pixels[inside])) == 1
    expected = drawn("SMITH JOHN").copy()
    expected[inside] = pixels[inside]
    assert np.array_equal(pixels, expected)
    assert lines_of(pixels) == []
    assert AuditEvent.objects.get(verb=Verb.REGION_MASKED).data == {"masks": [region]}


def test_a_refused_file_leaves_no_picture(uploader, lead, site):
    file = hand_in(uploader, site)
    intake.refuse_held(lead, file.pk)
    assert not ORIGINALS.path(file.details["preview"]).exists()


@pytest.mark.long
def test_few_real_radiographs_are_held_and_most_drawn_names_are(shared_data):
    root = shared_data / "fracatlas"
    with (root / "manifest.csv").open() as manifest:
        rows = [row for row in csv.DictReader(manifest) if row["split"] == "val"]
    pictures = []
    for row in rows:
        with Image.open(root / row["file"]) as opened:
            pictures.append(np.asarray(opened.convert("L")))
    held = sum(bool(lines_of(picture)) for picture in pictures) / len(pictures)
    assert held <= 0.05
    generator = np.random.default_rng(3)
    found = []
    for picture in pictures[::10]:
        size = int(generator.choice([12, 18, 28]))
        at = (int(generator.integers(2, picture.shape[1] // 4)), int(generator.integers(2, picture.shape[0] - 40)))
        name = NAMES[int(generator.integers(len(NAMES)))]
        found.append(bool(lines_of(drawn(name, size=size, pixels=picture.copy(), at=at))))
    assert np.mean(found) >= 0.75
