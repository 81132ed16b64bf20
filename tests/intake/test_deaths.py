"""Workers and decoders that die, hang, come back late; disks that fill; and that no file is lost over it."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

import pytest
from django.utils import timezone

from bonefrac.accounts.models import Role
from bonefrac.db import new_id
from bonefrac.errors import Conflict, Forbidden, Invalid, TooMuch, Unavailable
from bonefrac.stores import INCOMING
from studies import intake
from studies.decoding.parent import Decoder, DecoderDied, decoder
from studies.intake import Details, Handed, judging
from studies.models import IncomingFile, Study
from tests import factories_intake as files
from tests import factories_studies as make


def again(file):
    file.refresh_from_db()
    return file


@pytest.fixture
def waiting(uploader, site):
    (file,) = files.hand_in(uploader, site, files.png(), judged=False)
    return file


def test_a_child_that_is_killed_is_replaced(tmp_path):
    path = tmp_path / "picture"
    path.write_bytes(files.png())
    child = Decoder()
    child.decode(path, max_pixels=10**6, preprocessings=[])
    first = child.pid
    os.kill(first, signal.SIGKILL)
    try:
        child.decode(path, max_pixels=10**6, preprocessings=[])
    except DecoderDied:
        child.decode(path, max_pixels=10**6, preprocessings=[])
    assert child.pid != first
    child.stop()


def test_a_child_that_never_answers_is_killed(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    child = Decoder(seconds=1.0)
    with pytest.raises(DecoderDied):
        child.decode(pipe, max_pixels=10**6, preprocessings=[])
    assert child.pid == 0


def test_a_child_holds_no_secret_of_the_platform():
    child = Decoder()
    process = child._ready()
    with open(f"/proc/{process.pid}/environ", "rb") as handle:
        environment = handle.read()
    child.stop()
    assert b"DATABASE_URL" not in environment
    assert b"BONEFRAC" not in environment


def test_a_child_asks_for_more_memory_than_allowed(uploader, site, settings):
    settings.UPLOAD_PIXELS = 10**10
    (file,) = files.hand_in(uploader, site, files.png_header(60_000, 60_000))
    assert (file.status, file.code) in {("REFUSED", "too_demanding"), ("REFUSED", "too_many_pixels")}
    (neighbour,) = files.hand_in(uploader, site, files.png())
    assert neighbour.status == "ACCEPTED"


def test_three_deaths_refuse_a_file_and_two_do_not(waiting):
    for _death in range(2):
        judging.lapse(judging.start(waiting.pk))
        assert again(waiting).status == "RECEIVED"
    judging.lapse(judging.start(waiting.pk))
    assert (again(waiting).status, waiting.code, waiting.deaths) == ("REFUSED", "decoder_died", 3)
    assert "failed 3 times" in waiting.sentence
    assert not INCOMING.path(waiting.sha256).exists()
    assert waiting.judged_at


def test_the_sweeper_brings_a_lost_file_back_and_the_late_worker_changes_nothing(waiting):
    late = judging.start(waiting.pk)
    assert judging.start(waiting.pk) is None
    IncomingFile.objects.filter(pk=waiting.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    intake.sweep()
    assert again(waiting).status == "RECEIVED"
    intake.judge(waiting.pk)
    assert again(waiting).status == "ACCEPTED"
    with pytest.raises(Conflict):
        judging.refuse(late, "damaged", "it is late")
    assert again(waiting).status == "ACCEPTED"
    assert Study.objects.count() == 1


def test_judging_twice_is_judging_once(waiting):
    intake.judge(waiting.pk)
    intake.judge(waiting.pk)
    assert (again(waiting).status, waiting.attempt) == ("ACCEPTED", 1)


def test_a_store_that_fails_is_not_the_files_fault(waiting, settings, tmp_path):
    originals = tmp_path / "stores" / "originals"
    originals.write_text("in the way")
    intake.judge(waiting.pk)
    assert (again(waiting).status, waiting.deaths) == ("RECEIVED", 0)
    assert not Study.objects.exists()
    originals.unlink()
    intake.judge(waiting.pk)
    assert again(waiting).status == "ACCEPTED"


def test_bytes_that_are_gone_are_said_to_be_gone(waiting):
    INCOMING.remove(waiting.sha256)
    intake.judge(waiting.pk)
    assert (again(waiting).status, waiting.code) == ("REFUSED", "lost")


def test_two_waiting_files_of_equal_bytes_do_not_lose_them(uploader, site):
    content = files.png()
    first, second = files.hand_in(uploader, site, content, content, judged=False)
    intake.judge(first.pk)
    assert INCOMING.path(second.sha256).exists()
    intake.judge(second.pk)
    assert (again(first).status, again(second).status) == ("ACCEPTED", "DUPLICATE")


def test_intake_stops_when_the_disk_is_nearly_full_and_goes_on_after(uploader, site, settings):
    settings.MINIMUM_FREE_DISK = 1.1
    with pytest.raises(Unavailable) as refusal:
        files.hand_in(uploader, site, files.png())
    assert refusal.value.code == "disk_full"
    assert not IncomingFile.objects.exists()
    settings.MINIMUM_FREE_DISK = 0.0
    assert files.hand_in(uploader, site, files.png())[0].status == "ACCEPTED"


def test_only_uploaders_of_the_site_hand_in_and_only_to_their_own_batch(uploader, site):
    handed = [Handed.of_bytes("a.png", files.png())]
    for stranger in (make.reader(site), make.person(make.site(), Role.UPLOADER)):
        with pytest.raises(Forbidden):
            intake.receive(stranger, site=site, files=handed, details=Details())
    batch = new_id()
    intake.receive(uploader, site=site, files=handed, details=Details(), batch=batch)
    with pytest.raises(Conflict):
        intake.receive(make.person(site, Role.UPLOADER), site=site, files=handed, details=Details(), batch=batch)


def test_a_batch_has_bounds_and_details_have_values(uploader, site, settings):
    settings.UPLOAD_BATCH_FILES = 1
    with pytest.raises(TooMuch):
        files.hand_in(uploader, site, files.png(), files.png())
    with pytest.raises(Invalid):
        files.hand_in(uploader, site)
    for wrong in (Details(sex="X"), Details(age_months=-1), Details(body_part="tail"), Details(question="x" * 501)):
        with pytest.raises(Invalid):
            files.hand_in(uploader, site, files.png(), details=wrong)
    assert not IncomingFile.objects.exists()


def test_the_decoder_of_a_process_is_one():
    assert decoder() is decoder()
