"""What the page of agreement costs where very many studies were read twice: counted in the database, by readers.

Run by ``pytest tests/bench/test_agreement.py -m long -s``; a line is printed for each figure.
"""

from __future__ import annotations

import time

import pytest
from django.db import connection

from bonefrac.accounts.models import Role
from studies.selectors.agreement import agreements
from tests import factories_studies as make

pytestmark = [pytest.mark.long, pytest.mark.timeout(600), pytest.mark.django_db]
SIZES, READERS, GROWTH = (10_000, 100_000), 12, 1.5

STUDIES = """
    INSERT INTO studies_study (id, site_id, uploader_id, study_uid, received_at, ready_at, body_part, side, sex,
        question, urgent, status, round, rank, ai_state, readings_required, revision, has_problem)
    SELECT uuidv7(), %(site)s, %(uploader)s, '2.25.0.' || n, now(), now(),
        (ARRAY['hand','leg','shoulder','hip'])[1 + n %% 4], 'left', 'F', '', false, 'REVIEWED',
        1, 1, 'unknown', 2, 1, false
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
"""
REVIEWS = """
    INSERT INTO studies_review (study_id, reader_id, kind, mode, round, verdict, not_assessable_reason, confidence,
        note, reason, opened_at, other_findings, advice, has_cast_or_hardware, is_critical, agreed_with_model,
        is_withdrawal)
    SELECT study.id, (%(readers)s::uuid[])[1 + (n / 4 + %(seat)s * (1 + n %% 11)) %% %(count)s],
        'reading', 'assisted', 1,
        CASE WHEN abs(hashint8(n * 3 + %(seat)s)) %% 10 < 2 THEN 'fracture'
            WHEN n %% 3 = 0 THEN 'fracture' ELSE 'no_fracture' END,
        '', '', '', '', now(), '{}', '{}', false, false, false, false
    FROM (SELECT id, substr(study_uid, 8)::bigint AS n FROM studies_study WHERE study_uid LIKE '2.25.0.%%'
          AND substr(study_uid, 8)::bigint BETWEEN %(first)s AND %(last)s) study
"""


def test_the_page_of_agreement_grows_with_what_was_read_and_no_faster():
    site = make.site(required=2)
    readers, admin = [make.reader(site) for _ in range(READERS)], make.person(site, Role.ADMIN)
    facts = {"site": site.pk, "uploader": admin.pk, "readers": [reader.pk for reader in readers], "count": READERS}
    first, times = 1, {}
    for size in SIZES:
        with connection.cursor() as cursor:
            cursor.execute(STUDIES, {**facts, "first": first, "last": size})
            for seat in (0, 1):
                cursor.execute(REVIEWS, {**facts, "seat": seat, "first": first, "last": size})
            cursor.execute("ANALYZE studies_study, studies_review")
        took = []
        for _ in range(3):
            started = time.perf_counter()
            lines = agreements(admin)
            took.append(time.perf_counter() - started)
        assert lines[0].agreement.studies == size
        assert lines[0].agreement.kappa is not None
        times[size], first = min(took), size + 1
        print(f"\nagreement over {size} studies read twice by {READERS}: {1000 * min(took):.0f} ms, {len(lines)} lines")
    small, large = SIZES
    assert times[large] / times[small] <= GROWTH * large / small
