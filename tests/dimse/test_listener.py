"""The listener as a process, asked by DCMTK: who may call, what is stored, what the sender is told."""

from __future__ import annotations

import pytest

from studies.models import IncomingFile
from studies.states import FileStatus
from tests import factories_intake as make
from tests.dimse import dcmtk

pytestmark = [dcmtk.needs_dcmtk, pytest.mark.django_db(transaction=True)]


def test_a_known_device_is_answered_and_what_it_stores_is_durable(listener, device, tmp_path):
    assert dcmtk.echo(listener).returncode == 0
    content = [make.dicom() for _ in range(3)]
    sent = dcmtk.send(listener, *dcmtk.written(tmp_path / "out", *content))
    assert sent.returncode == 0, sent.stdout + sent.stderr + listener.log
    rows = list(IncomingFile.objects.order_by("position"))
    assert [(row.status, row.kind, row.sender_id, row.site_id) for row in rows] == [
        (FileStatus.RECEIVED, "dicom", device.person_id, device.site_id)
    ] * 3
    assert len({row.batch for row in rows}) == 1
    assert list(listener.spool.iterdir()) == []
