"""Text in the pixels: markers pass untouched; a line that may name somebody is held, looked at, cleared or masked."""

from __future__ import annotations

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image, ImageDraw, ImageFont

from bonefrac.accounts.models import Role, Site
from bonefrac.audit.models import AuditEvent, Verb
from bonefrac.errors import Conflict, Forbidden, Invalid, NotFound
from bonefrac.stores import ORIGINALS
from inference import radiographs
from studies import datasets, intake
from studies.datasets import Criteria
from studies.decoding.lettering import lines_of
from studies.intake import lettering, listing
from studies.models import IncomingFile, StudyImage
from studies.states import FileStatus
from tests import factories_intake as files
from tests import factories_studies as make

NAMES = ("SMITH JOHN", "DOE^JANE", "Garcia Maria", "12.03.1961", "ID 4711234", "Nguyen Van Anh")


def smooth(shape=(454, 373), level=60):
    rows, columns = shape
    return np.rint(np.add.outer(np.linspace(20, level, rows), np.linspace(0, 60, columns))).astype(np.uint8)


def drawn(text, *, size=18, light=255, pixels=None, at=(20, 30)):
    image = Image.fromarray(smooth() if pixels is None else pixels)
    ImageDraw.Draw(image).text(at, text, fill=light, font=ImageFont.load_default(size))
    return np.asarray(image)


@pytest.mark.parametrize(
    "word", ["L", "R", "AP", "PA", "LAT", "OBL", "Li", "Re", "DP", "12", "ERECT", "Wrist J.", "R ANKLE"]
)
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


def client_of(person):
    client = Client()
    client.force_login(person, backend="bonefrac.accounts.backends.PlatformBackend")
    return client


def page_of(person, file):
    return client_of(person).get(reverse("studies:held_text", args=[file.pk])).content.decode()


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
    assert b"found by the machine" in client.get(reverse("studies:held_text", args=[file.pk])).content
    assert client.get(reverse("studies:held_picture", args=[file.pk])).content.startswith(b"\x89PNG")
    assert AuditEvent.objects.filter(verb=Verb.ORIGINAL_VIEWED, actor=lead).exists()


def test_a_lead_takes_it_on_and_another_may_take_it_over(uploader, lead, site):
    file = hand_in(uploader, site)
    other, reader = make.lead(site), make.reader(site)
    assert listing.held_page(lead).rows[0].owner is None
    assert "nobody yet" in page_of(lead, file)
    client_of(lead).post(reverse("studies:take_on", args=[file.pk]))
    assert (lettering.held(lead, file.pk).is_mine, lettering.held(other, file.pk).owner) == (True, lead)
    lettering.take_on(other, file.pk)
    assert listing.held_page(lead).rows[0].owner == other
    taken = AuditEvent.objects.filter(verb=Verb.FILE_TAKEN_ON).order_by("id")
    assert [event.actor for event in taken] == [lead, other]
    with pytest.raises(NotFound):
        lettering.take_on(reader, file.pk)
    with pytest.raises(Forbidden):
        lettering.take_on(uploader, file.pk)


@pytest.mark.parametrize(
    ("policy", "is_open", "status"),
    [("clinical", True, 200), ("clinical", False, 404), ("pseudonymous", True, 404), ("pseudonymous", False, 404)],
)
def test_readers_see_held_pictures_where_a_clinical_site_says_so(policy, is_open, status, uploader, lead, site):
    Site.objects.filter(pk=site.pk).update(identity_policy=policy, readers_see_held=is_open)
    site.refresh_from_db()
    file, reader = hand_in(uploader, site), make.reader(site)
    page = client_of(reader).get(reverse("studies:held_text", args=[file.pk]))
    assert page.status_code == status
    assert client_of(reader).get(reverse("studies:held_picture", args=[file.pk])).status_code == status
    assert client_of(reader).get(reverse("studies:held")).status_code == (200 if status == 200 else 403)
    assert AuditEvent.objects.filter(verb=Verb.ORIGINAL_VIEWED, actor=reader).exists() == (status == 200)
    for stranger in (make.reader(make.site()), make.person(site, Role.AUDITOR), make.person(engineer=True)):
        assert client_of(stranger).get(reverse("studies:held_picture", args=[file.pk])).status_code == 404
    if status == 200:
        assert b"Mask these" not in page.content
        assert reverse("studies:held") in client_of(reader).get("/").content.decode()
        with pytest.raises(Forbidden):
            lettering.clear(reader, file.pk)
        with pytest.raises(NotFound):
            intake.refuse_held(reader, file.pk)


@pytest.mark.usefixtures("undo_is_over")
def test_what_is_held_is_in_no_export(uploader, lead, site):
    Site.objects.filter(pk=site.pk).update(identity_policy="clinical", readers_see_held=True)
    site.refresh_from_db()
    file = hand_in(uploader, site)
    (shown,) = files.hand_in(uploader, site, files.png(), expected_files=1)
    make.signed(lead, shown.study)
    dataset = datasets.freeze(make.person(site, Role.ADMIN), site=site, name="A", criteria=Criteria())
    assert dataset.items.count() == 1
    assert not StudyImage.objects.filter(incoming_files=file).exists()


def test_a_header_that_says_that_something_is_burnt_in_is_believed(uploader, lead, site):
    told = [files.dicom(files.dataset(BurnedInAnnotation=said)) for said in ("YES", "NO")]
    held, taken = files.hand_in(uploader, site, *told)
    assert (held.code, held.details["lettering"], taken.status) == ("text_in_pixels", [], FileStatus.ACCEPTED)
    assert "Clear it" in page_of(lead, held)
    lettering.clear(lead, held.pk)
    assert again(held).status == FileStatus.ACCEPTED


def test_a_region_lies_where_it_is_seen_though_pixels_are_oblong(uploader, lead, site):
    wide = np.asarray(Image.fromarray(drawn("SMITH JOHN")).resize((373, 908)))
    made = files.dataset(wide, bits=8, PixelAspectRatio=[1, 2])
    (file,) = files.hand_in(uploader, site, files.dicom(made))
    assert file.details["size"] == {"rows": 908, "columns": 746}
    line = file.details["lettering"][0]
    lettering.mask(lead, file.pk, regions=[[line["left"], line["top"], line["width"], line["height"]]])
    done = again(file)
    assert lines_of(np.asarray(radiographs.frame_of(done.study_image.radiograph).grey(), np.uint8)) == []


def test_what_a_lead_clears_goes_in_as_it_is(uploader, lead, site):
    file = hand_in(uploader, site, "VAN DER BERG")
    shown = file.details["preview"]
    lettering.clear(lead, file.pk)
    done = again(file)
    assert done.status == FileStatus.ACCEPTED
    assert np.array_equal(radiographs.frame_of(done.study_image.radiograph).pixels, drawn("VAN DER BERG"))
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
    region = [line["left"], line["top"], line["width"], line["height"]]
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
