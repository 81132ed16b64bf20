"""Archives: each entry has a verdict of its own, folders make studies, and nothing hostile gets past its bounds."""

from __future__ import annotations

import gzip
import io
import random
import struct
import tarfile
import zipfile

import pytest

from bonefrac.audit.models import AuditEvent
from bonefrac.stores import INCOMING
from studies import intake
from studies.intake import Grouping, archives
from studies.intake.containers import Bounds, entries_of
from studies.intake.sentences import ADVICE
from studies.models import IncomingFile, Study
from tests import factories_intake as files
from tests.intake.table import one_of_each
from training.frames import FrameError


def judge_all():
    while waiting := list(IncomingFile.objects.filter(status="RECEIVED").values_list("pk", flat=True)):
        for key in waiting:
            intake.judge(key)


def opened(uploader, site, *contents, **options):
    rows = files.hand_in(uploader, site, *contents, judged=False, **options)
    judge_all()
    return [IncomingFile.objects.get(pk=row.pk) for row in rows]


def inside(archive):
    return IncomingFile.objects.filter(details__archive__parent=str(archive.pk)).order_by("position")


@pytest.mark.parametrize("pack", [files.zipped, files.tarred, lambda entries: files.tarred(entries, "w:gz")])
def test_every_entry_has_a_verdict_and_every_folder_is_a_study(pack, uploader, site):
    (archive,) = opened(uploader, site, ("a.zip" if pack is files.zipped else "file", pack(one_of_each())))
    assert (archive.status, archive.code, archive.study) == ("ACCEPTED", "archive_opened", None)
    assert [(file.status, file.code) for file in inside(archive)] == [
        ("ACCEPTED", ""), ("ACCEPTED", ""), ("ACCEPTED", ""), ("REFUSED", "not_an_image"),
    ]  # fmt: skip
    assert sorted(study.images.count() for study in Study.objects.all()) == [1, 2]
    event = AuditEvent.objects.get(verb="archive_opened")
    assert (event.data["entries"], event.data["refused"], event.data["skipped"]) == (4, 1, 3)
    assert not INCOMING.path(archive.sha256).exists()
    assert "wrist" not in str(list(IncomingFile.objects.values("details", "sentence")))


def test_the_request_opens_nothing_and_the_batch_waits_for_all_entries(uploader, site):
    content = files.zipped({"a/1.png": files.png(), "b/2.png": files.png()})
    (archive,) = files.hand_in(uploader, site, content, judged=False, expected_files=1)
    assert (archive.status, archive.kind) == ("RECEIVED", "zip")
    intake.judge(archive.pk)
    first, second = inside(archive)
    intake.judge(first.pk)
    assert not Study.objects.filter(ready_at__lte=files.now()).exists()
    intake.judge(second.pk)
    assert Study.objects.filter(ready_at__lte=files.now()).count() == 2


def test_folders_of_two_archives_are_apart_and_a_study_per_file_stays_one(uploader, site):
    opened(uploader, site, *(files.zipped({"a/1.png": files.png()}) for _archive in range(2)))
    assert Study.objects.count() == 2
    many = files.zipped({f"a/{number}.png": files.png() for number in range(3)})
    opened(uploader, site, many, grouping=Grouping.STUDY_PER_FILE)
    assert Study.objects.count() == 5


def test_a_long_archive_goes_on_where_it_stopped(uploader, site, monkeypatch):
    monkeypatch.setattr(archives, "SECONDS", 0.0)
    monkeypatch.setattr(archives, "_AT_ONCE", 2)
    many = files.zipped({f"{number}.png": files.png() for number in range(5)})
    (archive,) = files.hand_in(uploader, site, many, judged=False)
    seen = []
    while IncomingFile.objects.get(pk=archive.pk).status == "RECEIVED":
        intake.judge(archive.pk)
        seen.append(inside(archive).count())
    assert seen == [2, 4, 5]
    judge_all()
    assert {file.status for file in inside(archive)} == {"ACCEPTED"}
    assert [file.position for file in inside(archive)] == [1, 2, 3, 4, 5]


def test_archives_inside_archives_end_at_the_limit(uploader, site, settings):
    settings.ARCHIVE_NESTING = 2
    content = files.png()
    for level in range(4):
        content = files.zipped({f"{level}.zip" if level else "a.png": content})
    opened(uploader, site, content)
    assert set(IncomingFile.objects.values_list("code", flat=True)) == {"too_nested", "archive_opened"}
    assert "2 archives lie inside each other" in IncomingFile.objects.get(code="too_nested").sentence
    assert not Study.objects.exists()


def test_the_shape_of_42_zip_ends_within_its_bounds(uploader, site, settings):
    settings.ARCHIVE_NESTING, settings.ARCHIVE_ENTRIES = 3, 60
    leaf = files.zipped({f"{number}.png": b"\0" * 2_000_000 for number in range(4)})
    middle = files.zipped({f"{number}.zip": leaf + b"\0" * number for number in range(16)})
    (archive,) = opened(uploader, site, files.zipped({f"{n}.zip": middle + b"\0" * n for n in range(16)}))
    assert archive.status == "ACCEPTED"
    assert IncomingFile.objects.count() <= 61
    assert IncomingFile.objects.filter(code="too_many_entries").exists()


def test_no_more_entries_and_bytes_than_allowed(uploader, site, settings):
    settings.ARCHIVE_ENTRIES = 3
    for pack in (files.zipped, files.tarred):
        (archive,) = opened(uploader, site, pack({f"{number}.png": files.png() for number in range(4)}))
        assert (archive.status, archive.code) == ("REFUSED", "too_many_entries")
    assert IncomingFile.objects.count() == 2
    assert not INCOMING.path(archive.sha256).exists()


def test_links_devices_and_paths_outside_are_refused_and_their_neighbours_taken(uploader, site):
    link, device, hard = tarfile.TarInfo("link.png"), tarfile.TarInfo("device"), tarfile.TarInfo("hard.png")
    link.type, link.linkname, device.type, hard.type, hard.linkname = (
        tarfile.SYMTYPE, "/etc/passwd", tarfile.BLKTYPE, tarfile.LNKTYPE, "a.png",
    )  # fmt: skip
    (tar,) = opened(uploader, site, files.tarred({"/abs.png": files.png(), link: None, device: None, hard: None,
                                                  "a.png": files.png()}))  # fmt: skip
    assert [file.code for file in inside(tar)] == ["unsafe_path", *["link_in_archive"] * 3, ""]
    pointer = zipfile.ZipInfo("link.png")
    pointer.external_attr, pointer.create_system = 0o120777 << 16, 3
    (zipped,) = opened(uploader, site, files.zipped([(pointer, b"/etc/passwd"), ("..\\..\\b.png", files.png()),
                                                     ("C:/c.png", files.png()), ("d.png", files.png())]))  # fmt: skip
    assert [file.code for file in inside(zipped)] == ["link_in_archive", "unsafe_path", "unsafe_path", ""]


def test_an_encrypted_entry_and_another_packing_are_said(uploader, site):
    mixed = files.zipped({"a.png": files.png()}, packing=zipfile.ZIP_BZIP2)
    (archive,) = opened(uploader, site, mixed)
    assert [file.code for file in inside(archive)] == ["unsupported_packing"]
    assert (archive.status, archive.code) == ("REFUSED", "no_images")


def test_lengths_that_lie_end_as_damaged(uploader, site):
    content = bytearray(files.zipped({"a.png": files.png(), "b.png": files.png()}))
    place = content.find(b"PK\1\2")
    content[place + 24 : place + 28] = struct.pack("<I", 100)
    (archive,) = opened(uploader, site, bytes(content))
    assert [file.code for file in inside(archive)] == ["damaged", ""]
    assert archive.status == "ACCEPTED"


@pytest.mark.parametrize("name", ["übergröße.png", "手.png", "a" * 300 + ".png", "line\nbreak.png"])
def test_names_of_any_kind_are_shown_to_the_sender(name, uploader, site):
    from studies.intake import listing

    for content in (files.zipped({name: files.png()}), files.tarred({name: files.png()})):
        (archive,) = opened(uploader, site, content)
        (row,) = listing.rows_of(uploader, inside(archive))
        assert row.name == name[-255:]
        assert row.file.status == "ACCEPTED"


@pytest.mark.parametrize("kind", ["zip", "tar", "gzip"])
@pytest.mark.parametrize("tenth", range(1, 10))
def test_an_archive_cut_anywhere_has_a_verdict(kind, tenth, uploader, site):
    make = {"zip": files.zipped, "tar": files.tarred, "gzip": lambda entries: files.tarred(entries, "w:gz")}[kind]
    content = make({f"{number}.png": files.png() for number in range(3)})
    (archive,) = opened(uploader, site, content[: len(content) * tenth // 10])
    assert not IncomingFile.objects.filter(judged_at__isnull=True).exists()
    assert (archive.status, archive.code) in {
        ("ACCEPTED", "archive_opened"), ("REFUSED", "truncated"), ("REFUSED", "damaged"), ("REFUSED", "no_images"),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["zip", "tar", "gzip"])
def test_mutated_archives_end_in_entries_or_a_code(kind):
    make = {"zip": files.zipped, "tar": files.tarred, "gzip": lambda entries: files.tarred(entries, "w:gz")}[kind]
    sound = make({"a.png": b"x" * 700, "b/c.png": b"y" * 900, "d" * 150: b"z"})
    chance, seen = random.Random(kind), set()
    for _round in range(400):
        changed = bytearray(sound)
        for _change in range(chance.choice([1, 3, 20])):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        try:
            for entry in entries_of(io.BytesIO(bytes(changed)), kind, Bounds(10, 100_000)):
                assert sum(map(len, entry.read())) <= 100_000
            seen.add("read")
        except FrameError as error:
            seen.add(error.code)
    assert seen - {"read"} <= set(ADVICE)
    assert len(seen) > 1


def test_a_header_that_announces_gigabytes_is_not_read():
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 8_000_000_000
    with pytest.raises(FrameError, match="damaged"):
        list(entries_of(io.BytesIO(info.tobuf(tarfile.GNU_FORMAT)), "tar", Bounds(10, 10**9)))
    bomb = gzip.compress(info.tobuf(tarfile.GNU_FORMAT).replace(b"x", b"0", 1) + b"\0" * 2_000_000)
    with pytest.raises(FrameError):
        list(entries_of(io.BytesIO(bomb), "gzip", Bounds(10, 10**6)))
