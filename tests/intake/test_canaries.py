"""A canary in every attribute of the standard's table, and everywhere else: none is found beyond the originals."""

from __future__ import annotations

import io
import logging

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from PIL import Image
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from bonefrac.accounts.models import IdentityPolicy, Site
from bonefrac.stores import FRAMES, INCOMING, ORIGINALS, RENDITIONS
from studies import datasets
from studies.datasets import Criteria
from studies.dicom import compose
from studies.dicom.deidentify.table import ACTIONS
from studies.intake import Details
from studies.models import Identity, StudyImage
from tests import factories_intake as files
from tests import factories_studies as make

WORD = "KANARIENVOGEL"
NUMBERS = "8151623427"
UID = f"1.2.826.{NUMBERS}"
BIRTH, TIME = "18910403", "235957"
CANARIES = (WORD, NUMBERS, BIRTH, TIME)
BYTES = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})
VALUES = {
    "DA": BIRTH, "DT": f"{BIRTH}{TIME}", "TM": TIME, "UI": UID, "AS": "042Y", "DS": "8151623427", "IS": "815162342",
    "AT": 0x00100010, "UR": f"https://{WORD}.example/",
}  # fmt: skip


def value_of(kind):
    if kind in BYTES:
        return WORD.encode() + b" "
    if kind in ("US", "SS", "UL", "SL", "UV", "SV", "FD", "FL"):
        return 4242
    return VALUES.get(kind, WORD)


def element(tag, kind):
    return DataElement(tag, kind, value_of(kind), validation_mode=0)


def canary_item(depth=0):
    """Every attribute of the table that is no sequence, with canaries; and nested items of the same."""
    made = Dataset()
    for tag in ACTIONS:
        if tag >> 16 < 8 or not dictionary_has_tag(tag) or tag >> 16 == 0xFFFA:
            continue
        kind = dictionary_VR(tag).split(" or ")[0]
        if kind == "SQ":
            if depth == 0:
                made.add(DataElement(tag, "SQ", Sequence([canary_item(1)])))
        else:
            made.add(element(tag, kind))
    return made


def everywhere(instance="1"):
    """A radiograph with canaries in the table's attributes, in unnamed ones, private, nested, curves and overlays."""
    made = files.dataset()
    sound = {name: made[name].value for name in ("SOPClassUID", "Modality")}
    made.update(canary_item())
    sound["SOPInstanceUID"] = f"{UID}.{instance}"
    for name, value in sound.items():
        setattr(made, name, value)
    for tag, kind in {
        0x00080070: "LO", 0x00180015: "CS", 0x00081090: "LO", 0x00181020: "LO", 0x00204000: "LT", 0x00402001: "LO",
        0x00081050: "PN", 0x0018700C: "DA", 0x00180010: "LO", 0x00185101: "CS", 0x00400007: "LO", 0x00189000: "FD",
    }.items():  # fmt: skip
        made.add(element(tag, kind))
    concept = Dataset()
    concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning = WORD, "DCM", WORD
    concept.PatientComments = WORD
    made.ProcedureCodeSequence = [concept]
    block = made.private_block(0x0099, WORD, create=True)
    block.add_new(0x01, "LO", WORD)
    block.add_new(0x02, "SQ", [canary_item(1)])
    made.add_new(0x50000022, "LO", WORD)
    made.add_new(0x60000022, "LO", WORD)
    made.add_new(0x60003000, "OW", WORD.encode() + b" ")
    made.add_new(0x60004000, "LT", WORD)
    return made


def part_10(made, syntax=ExplicitVRLittleEndian):
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.file_meta.ImplementationVersionName = WORD
    made.file_meta.SourceApplicationEntityTitle = WORD
    made.file_meta.SendingApplicationEntityTitle = WORD
    made.file_meta.PrivateInformationCreatorUID = UID
    made.file_meta.PrivateInformation = WORD.encode() + b" "
    buffer = io.BytesIO()
    dcmwrite(buffer, made, enforce_file_format=True, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True)
    content = bytearray(buffer.getvalue())
    content[: len(WORD)] = WORD.encode()  # the preamble is anybody's
    return bytes(content)


def picture():
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = exif[0x8298] = WORD
    content = files.jpeg(exif=exif, comment=WORD.encode(), icc_profile=WORD.encode())
    segment = WORD.encode()
    return content[:2] + b"\xff\xed" + (len(segment) + 2).to_bytes(2, "big") + segment + content[2:] + segment


def dump():
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = b""
        for (table,) in cursor.fetchall():
            with cursor.copy(f'COPY "{table}" TO STDOUT') as copy:
                found += b"".join(bytes(part) for part in copy)
    return found


def in_bytea(text):
    return text.encode().hex().encode()


def found_in(content):
    return [canary for canary in CANARIES if canary.encode() in content or in_bytea(canary) in content]


def stored(store):
    return b"".join(path.read_bytes() for path in sorted(store.root.rglob("*")) if path.is_file())


@pytest.mark.parametrize("policy", [IdentityPolicy.PSEUDONYMOUS, IdentityPolicy.CLINICAL])
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_no_canary_gets_past_the_door(policy, uploader, lead, site, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    Site.objects.filter(pk=site.pk).update(identity_policy=policy)
    site.refresh_from_db()
    contents = [
        (f"{WORD}^{NUMBERS}.dcm", part_10(everywhere())),
        (f"{WORD}-implicit.dcm", part_10(everywhere("2"), ImplicitVRLittleEndian)),
        (f"{WORD}.jpg", picture()),
    ]
    caplog.clear()  # what making the files printed is not the platform's
    capfd.readouterr()
    rows = files.hand_in(uploader, site, *contents, details=Details(patient_code=WORD))
    assert [row.status for row in rows] == ["ACCEPTED"] * 3, [row.sentence for row in rows]
    assert Identity.objects.exists() == (policy == IdentityPolicy.CLINICAL)
    held = dump()
    assert rows[0].sha256.encode() in held  # the dump holds what was handed in, and is searched in earnest
    assert found_in(held) == []
    for store in (FRAMES, RENDITIONS, INCOMING):
        assert found_in(stored(store)) == []
    assert WORD.encode() in stored(ORIGINALS)
    for image in StudyImage.objects.select_related("study__site", "radiograph"):
        assert found_in(compose.instance(image)) == []
    printed = capfd.readouterr()
    assert found_in((caplog.text + printed.out + printed.err).encode()) == []


@pytest.mark.usefixtures("undo_is_over")
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_no_canary_is_on_a_page_or_in_an_export(uploader, lead, site):
    (row,) = files.hand_in(uploader, site, (f"{WORD}.dcm", part_10(everywhere())), expected_files=1)
    make.signed(lead, row.study)
    client = Client()
    client.force_login(lead, backend="bonefrac.accounts.backends.PlatformBackend")
    for address in (reverse("studies:study", args=[row.study_id]), reverse("studies:worklist")):
        assert found_in(client.get(address).content) == []
    admin = make.person(site, "admin")
    dataset = datasets.freeze(admin, site=site, name="A", criteria=Criteria())
    for kind in ("csv", "coco", "zip"):
        client.force_login(admin, backend="bonefrac.accounts.backends.PlatformBackend")
        answer = client.get(reverse("studies:export_dataset", args=[dataset.pk, kind]))
        assert answer.status_code == 200, kind
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert len(content) > 100
        assert found_in(content) == []
