"""The table of formats over C-STORE: each instance as a device sends it, its status at once, its verdict later."""

from __future__ import annotations

import pytest

from studies.models import IncomingFile
from tests.dicomweb.conftest import judge_all
from tests.dimse import scu
from tests.intake import table

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_table_of_formats_over_c_store(listener):
    seen = {}
    for row in (row for row in table.INSTANCES if row.is_part10):
        content, count = row.content(), IncomingFile.objects.count()
        status = scu.store(listener.port, content)
        if status is None:  # a syntax or a class that is not negotiated never arrives
            assert row.code == "unsupported_syntax", row.format
            continue
        assert IncomingFile.objects.count() == count + 1, row.format
        file = IncomingFile.objects.latest("received_at", "position")
        assert (status == 0) is (file.status != "REFUSED"), row.format
        judge_all()
        file.refresh_from_db()
        seen[row.format] = (file.status, file.code)
        assert seen[row.format] in ((row.status, row.code), ("DUPLICATE", "duplicate")), row.format
        assert row.says in file.sentence
    assert len(seen) > 30
