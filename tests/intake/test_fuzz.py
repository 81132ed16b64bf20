"""Mutated files of every accepted kind: each ends in a frame or a code, and the decoding child survives them all.

Bytes are mutated, and structure: lengths and value representations of DICOM elements, ends of sequences, JPEG markers
and lengths, chunks of PNG, tables of contents of archives. 1,000 mutations by default, 10,000 in the long run.
"""

from __future__ import annotations

import random
import re
import struct

import pytest
from rest_framework.test import APIClient

from studies import intake
from studies.decoding.parent import Decoder
from studies.dimse import devices
from studies.dimse.devices import Terms
from studies.dimse.storing import Instance, Visit, store
from studies.intake.sentences import ADVICE
from studies.models import IncomingFile
from tests import factories_intake as files
from tests.dicomweb.test_storing import body, send
from tests.intake.table import ACCEPTED, one_of_each
from tests.intake.test_verdicts import by_api, by_page, sent
from training.frames import FrameError

ROUNDS, LONG_ROUNDS, EACH_FACE = 1_000, 10_000, 50
CR = "1.2.840.10008.5.1.4.1.1.1"
_REPRESENTATIONS = (b"UI", b"SQ", b"OW", b"OB", b"UN", b"DS", b"US", b"LO", b"PN", b"UT", b"\0\0", b"zz")
_NUMBERS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)
_ELEMENT = re.compile(rb"[\x02\x08\x10\x18\x20\x28\xe0][\x00\x7f][\x00-\xff]{2}[A-Z]{2}")
_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_ENDS = (b"\xfe\xff\xdd\xe0\0\0\0\0", b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\xff\xd9")


def bytes_changed(content, chance):
    reach = chance.choice([200, 700, len(content)])
    for _change in range(chance.choice([1, 2, 5, 20])):
        content[chance.randrange(min(len(content), reach))] = chance.randrange(256)


def cut(content, chance):
    del content[chance.randrange(1, len(content)) :]


def place_of(pattern, content, chance):
    places = [found.start() for found in pattern.finditer(content)]
    return chance.choice(places) if places else chance.randrange(len(content))


def element_changed(content, chance):
    """Another value representation, or another length of 16 or 32 bits."""
    place = place_of(_ELEMENT, content, chance)
    change = chance.choice(("VR", "<H", "<I"))
    new = chance.choice(_REPRESENTATIONS) if change == "VR" else number(change, chance)
    offset = {"VR": 4, "<H": 6, "<I": 8}[change]
    content[place + offset : place + offset + len(new)] = new


def number(form, chance):
    return struct.pack(form, chance.choice(_NUMBERS) & (0xFFFF if form[1] == "H" else 0xFFFFFFFF))


def marker_changed(content, chance):
    """Another JPEG marker, or another length of its segment."""
    place = place_of(_MARKER, content, chance)
    if chance.random() < 0.5:
        content[place + 1 : place + 2] = bytes([chance.randrange(256)])
    else:
        content[place + 2 : place + 4] = number(">H", chance)


def ended(content, chance):
    """The end of an item, of a sequence or of an image, or an item without an end, where none belongs."""
    place = chance.randrange(len(content))
    content[place:place] = chance.choice(_ENDS)


def number_changed(content, chance):
    form = chance.choice(("<H", ">H", "<I", ">I"))
    place = chance.randrange(len(content))
    content[place : place + 4] = number(form, chance)


def moved(content, chance):
    """A piece of the file comes twice, or is missing."""
    start, size = chance.randrange(len(content)), chance.randrange(1, 200)
    piece = content[start : start + size]
    if chance.random() < 0.5:
        del content[start : start + size]
    else:
        place = chance.randrange(len(content) + 1)
        content[place:place] = piece


DEEDS = (
    bytes_changed,
    bytes_changed,
    cut,
    element_changed,
    element_changed,
    marker_changed,
    ended,
    number_changed,
    moved,
)


def mutated(content, chance):
    changed = bytearray(content)
    for _deed in range(chance.choice([1, 1, 2, 3])):
        if changed:
            chance.choice(DEEDS)(changed, chance)
    return bytes(changed) or b"\0"


def verdict(child, path):
    try:
        child.decode(path, max_pixels=10**6, preprocessings=[])
    except FrameError as error:
        return error.code
    return "accepted"


def assert_survives(rounds, seed, path):
    """Every kind in its turn; the child is the same at the end, but for those that are replaced after 500 files."""
    chance, child, seen, pids = random.Random(seed), Decoder(seconds=20), set(), []
    seeds = [make() for make in ACCEPTED.values()]
    assert max(map(len, seeds)) < 256 * 256 * 4
    for turn in range(rounds):
        path.write_bytes(mutated(seeds[turn % len(seeds)], chance))
        seen.add(verdict(child, path))
        pids.append(child.pid)
    child.stop()
    assert len(set(pids)) <= 1 + rounds // 500
    assert seen - {"accepted"} <= set(ADVICE)
    assert {"accepted", "truncated", "damaged"} <= seen


def test_nothing_crashes_the_child(tmp_path):
    assert_survives(ROUNDS, "front door", tmp_path / "file")


@pytest.mark.long
@pytest.mark.timeout(600)
def test_nothing_crashes_the_child_for_long(tmp_path):
    assert_survives(LONG_ROUNDS, "long", tmp_path / "file")


def some(face):
    """Mutations for a face, archives among them."""
    chance = random.Random(face)
    seeds = [make() for make in ACCEPTED.values()] + [files.zipped(one_of_each()), files.tarred(one_of_each())]
    return [mutated(chance.choice(seeds), chance) for _mutation in range(EACH_FACE)]


def assert_each_has_a_verdict(site):
    """Whatever was taken in is judged, refused or held with a sentence, and a sound neighbour is accepted."""
    while waiting := list(IncomingFile.objects.filter(status="RECEIVED").values_list("pk", flat=True)):
        for key in waiting:
            intake.judge(key)
    rows = IncomingFile.objects.filter(site=site)
    assert set(rows.values_list("status", flat=True)) <= {"ACCEPTED", "REFUSED", "DUPLICATE", "HELD"}
    assert not rows.filter(status="REFUSED", sentence="").exists()
    assert set(rows.filter(status="REFUSED").values_list("code", flat=True)) <= set(ADVICE)
    return rows


def test_the_faces_of_files_have_a_verdict_for_each_mutation(client, uploader, site):
    for face in (by_page, by_api):
        answer = face(client, uploader, [sent("file", content) for content in [*some(face.__name__), files.png()]])
        assert answer.status_code == 202
        assert len(answer.json()["files"]) == EACH_FACE + 1
        last = answer.json()["files"][-1]["id"]
        assert assert_each_has_a_verdict(site).get(pk=last).status == "ACCEPTED"


def test_stow_has_an_outcome_for_each_mutation(uploader, site):
    api = APIClient()
    api.force_authenticate(uploader)
    for content in (*some("stow"), files.dicom()):
        assert send(api, body(content)).status_code in (200, 202, 409)
    assert assert_each_has_a_verdict(site).latest("received_at", "position").status == "ACCEPTED"


@pytest.mark.django_db(transaction=True)
def test_c_store_has_a_status_for_each_mutation(uploader, site, tmp_path):
    device = devices.add(None, site=site, person=uploader, terms=Terms("FUZZER"))
    path = tmp_path / "instance"
    sound, chance = files.dicom(files.dataset(SOPInstanceUID="1.2.3")), random.Random("c-store")
    for content in (*(mutated(sound, chance) for _mutation in range(EACH_FACE)), sound):
        path.write_bytes(content)
        status, _comment = store(Visit(device), Instance(path, sop_class=CR, sop_instance="1.2.3"))
        assert status in (0x0000, 0xA700, 0xA900, 0xC000, 0x0122)
    assert_each_has_a_verdict(site)
    assert IncomingFile.objects.filter(status="ACCEPTED").exists()
