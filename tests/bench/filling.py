"""Puts very many studies into a platform's database, with images, predictions, readings and the record of all that.

Rows are written past the verbs, by ``generate_series``: a million studies by the verbs would take days. Shares are
those of a department that has worked for years: nearly all is read, some thousands wait, few are disputed.
"""

from __future__ import annotations

import psycopg

#: Of 1000 studies: how many await a reading, are disputed, void; the others are reviewed.
OPEN, DISPUTED, VOID = 100, 5, 10

MODEL = """
    INSERT INTO inference_modelversion (task, name, version, artifact_sha256, artifact_path, status, preprocessing,
        preprocessing_digest, temperature, operating_points, scope, report, card, dataset_digest, map_kind,
        activated_at)
    VALUES ('fracture', 'filled', 1, repeat('f', 64), 'nowhere', 'ACTIVE', '{}', '', 1.0,
        '{"lower": 0.2, "upper": 0.7}', '{}', '{}', '', '', 'activation', now())
    ON CONFLICT DO NOTHING
"""
STUDIES = """
    INSERT INTO studies_study (id, site_id, uploader_id, study_uid, accession, patient_key, received_at, ready_at,
        body_part, side, age_months, sex, question, urgent, status, round, rank, ai_state,
        readings_required, revision, has_problem)
    SELECT uuidv7(n * interval '-20 seconds'), site.id, uploader.id, '2.25.0.' || n,
        substr(md5('a' || n), 1, 16), CASE WHEN n %% 7 > 0 THEN md5('p' || n / 3) || md5('q' || n / 3) END,
        now() - n * %(step)s::interval, now() - n * %(step)s::interval,
        (ARRAY['hand','hand','hand','leg','leg','leg','elbow','shoulder','hip','spine','chest','unknown'])
            [1 + d1 %% 12],
        (ARRAY['left','right','left','right','unpaired','unknown'])[1 + d2 %% 6], d3 %% 1081,
        (ARRAY['F','M','unknown'])[1 + d4 %% 3],
        (ARRAY['fell on the outstretched hand','twisted the ankle','fracture?','pain after lifting','kicked','']
        )[1 + d5 %% 6] || CASE WHEN n %% 5000 = 0 THEN ' trampoline' ELSE '' END,
        n %% 40 = 0,
        CASE WHEN n %% 1000 < %(open)s THEN 'AWAITING' WHEN n %% 1000 < %(open)s + 5 THEN 'DISPUTED'
            WHEN n %% 1000 < %(open)s + 15 THEN 'VOID' ELSE 'REVIEWED' END,
        1, CASE WHEN n %% 40 = 0 THEN 0 WHEN site.reading_mode = 'blind_first' THEN 2 ELSE 1 + d6 %% 3 END,
        CASE WHEN site.reading_mode = 'blind_first' THEN 'unknown'
            ELSE (ARRAY['positive','doubt','negative'])[1 + d6 %% 3] END,
        site.readings_required, 1, n %% 400 = 3
    FROM (  -- dice, so that no two facts of a study go together
        SELECT n, abs(hashint8(n * 7 + 1)::bigint) AS d1, abs(hashint8(n * 7 + 2)::bigint) AS d2,
            abs(hashint8(n * 7 + 3)::bigint) AS d3, abs(hashint8(n * 7 + 4)::bigint) AS d4,
            abs(hashint8(n * 7 + 5)::bigint) AS d5, abs(hashint8(n * 7 + 6)::bigint) AS d6
        FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
    ) dice
    JOIN (SELECT *, row_number() OVER (ORDER BY name) - 1 AS place, count(*) OVER () AS sites FROM accounts_site) site
        ON site.place = (n / 3) %% site.sites
    CROSS JOIN (SELECT id FROM accounts_user WHERE username = 'demo-uploader') uploader
"""
RADIOGRAPHS = """
    INSERT INTO inference_radiograph (pixel_key, pixel_digest, frame, frame_bytes, transfer_syntax, decoder, rows,
        columns, photometric_interpretation, bits_allocated, bits_stored, is_signed, grey, facts)
    SELECT md5('k' || n) || md5('l' || n), md5('d' || n) || md5('e' || n), md5('f' || n) || md5('g' || n), 1000000,
        '1.2.840.10008.1.2.4.80', 'filled', 2000, 1500, 'MONOCHROME2', 16, 12, false, '{}', '{}'
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) n WHERE n %% 4 <> 1  -- every other study has one image
"""
IMAGES = """
    INSERT INTO studies_studyimage (study_id, radiograph_id, position, view, side, sop_instance_uid, sop_class_uid,
        header, original, original_kind)
    SELECT study.id, pixels.id, view.place, (ARRAY['AP','LL'])[view.place + 1], study.side,
        study.study_uid || '.' || view.place, '1.2.840.10008.5.1.4.1.1.1.1', '{}', '', 'dicom'
    FROM (SELECT id, side, study_uid, substr(study_uid, 8)::bigint AS n FROM studies_study
          WHERE study_uid LIKE '2.25.0.%%' AND substr(study_uid, 8)::bigint BETWEEN %(first)s AND %(last)s) study
    JOIN LATERAL (SELECT generate_series(0, (study.n %% 2)::int) AS place) view ON true
    JOIN inference_radiograph pixels ON pixels.pixel_key = md5('k' || (study.n * 2 + view.place))
        || md5('l' || (study.n * 2 + view.place))
"""
JOBS = """
    INSERT INTO inference_predictionjob (status, attempt, error_code, error_detail, radiograph_id, model_version_id,
        started_at, finished_at)
    SELECT 'SUCCEEDED', 1, '', '', pixels.id, model.id, now(), now() FROM inference_radiograph pixels
    CROSS JOIN (SELECT id FROM inference_modelversion WHERE task = 'fracture' AND status = 'ACTIVE') model
    WHERE pixels.decoder = 'filled'
        AND NOT EXISTS (SELECT 1 FROM inference_predictionjob job WHERE job.radiograph_id = pixels.id)
"""
PREDICTIONS = """
    INSERT INTO inference_prediction (state, reason_code, reason, logit, probability, heat_map, regions, milliseconds,
        model_version_id, job_id, radiograph_id, caution, label, probabilities)
    SELECT state.word, '', '', 0.1, state.probability, '', '[]', 8.0, job.model_version_id, job.id, job.radiograph_id,
        '', '', '[]'
    FROM inference_predictionjob job JOIN inference_radiograph pixels ON pixels.id = job.radiograph_id
    JOIN (VALUES (0, 'positive', 0.83), (1, 'doubt', 0.4), (2, 'negative', 0.05)) AS state (place, word, probability)
        ON state.place = abs(hashtext(pixels.pixel_key)) %% 3
    WHERE pixels.decoder = 'filled' ON CONFLICT DO NOTHING
"""
REVIEWS = """
    INSERT INTO studies_review (study_id, reader_id, kind, mode, round, verdict, not_assessable_reason, confidence,
        note, reason, opened_at, signed_at, advice, agreed_with_model, has_cast_or_hardware, is_critical, is_withdrawal,
        other_findings)
    SELECT study.id, reader.id, 'reading', 'assisted', 1,
        CASE WHEN study.status = 'DISPUTED' AND reader.username = 'demo-radiologist2' THEN 'fracture'
            ELSE 'no_fracture' END, '', 'definite', '', '', study.received_at + interval '19 minutes',
        study.received_at + interval '20 minutes', '{}', false, false, false, false, '{}'
    FROM studies_study study JOIN accounts_user reader ON reader.username = 'demo-radiologist2'
        OR (reader.username = 'demo-radiologist' AND study.readings_required > 1)
    WHERE study.status IN ('REVIEWED', 'DISPUTED') AND study.study_uid LIKE '2.25.0.%%'
        AND substr(study.study_uid, 8)::bigint BETWEEN %(first)s AND %(last)s
"""
EVENTS = """
    INSERT INTO audit_auditevent (occurred_at, actor_id, verb, target_type, target_id, site_id, request_id, data)
    SELECT received_at, uploader_id, 'study_made', 'study', id::text, site_id, '', '{}' FROM studies_study
    WHERE study_uid LIKE '2.25.0.%%' AND substr(study_uid, 8)::bigint BETWEEN %(first)s AND %(last)s
"""
#: Rows of one statement: what a commit holds back, and what the disk's log has to take at once.
AT_ONCE = 100_000


def fill(address: str, last: int, *, first: int = 1, share_open: int = OPEN, step: str = "20 seconds") -> None:
    """Write studies into the database of a platform whose demo is seeded.

    Args:
        address: Where the database is.
        last: How many studies there are then.
        first: The number of the first that is written: more than one where some were written before.
        share_open: How many of 1000 await a reading.
        step: How much older each study is than the one before.
    """
    batches = [(start, min(start + AT_ONCE - 1, last)) for start in range(first, last + 1, AT_ONCE)]
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # what is written refers to what was just written
        connection.execute("SET synchronous_commit = off")
        connection.execute(MODEL)
        for start, end in batches:
            connection.execute(STUDIES, {"first": start, "last": end, "open": share_open, "step": step})
            connection.execute(RADIOGRAPHS, {"first": start * 2, "last": end * 2 + 1})
        connection.execute("ANALYZE studies_study, inference_radiograph")
        for start, end in batches:
            connection.execute(IMAGES, {"first": start, "last": end})
        for statement in (JOBS, PREDICTIONS):
            connection.execute(statement.replace("%%", "%"))
        for statement in (REVIEWS, EVENTS):
            connection.execute(statement, {"first": first, "last": last})
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")  # what is measured next is not the writing of what was filled in
