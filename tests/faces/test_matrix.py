"""Who may do what, on every face: ``tests/matrix.csv`` is the law, and no address exists that it does not mention."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from django.db import transaction
from django.test import override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.test import APIClient

from bonefrac.db import new_id
from studies.dicom.compose import series_uid
from studies.models import Study
from tests import factories_studies as make
from tests.faces import world as worlds
from tests.faces.clients import api_client, page_client
from tests.faces.world import PERSONAS

MATRIX = Path(__file__).parent.parent / "matrix.csv"
ROWS = list(csv.DictReader(MATRIX.read_text().splitlines()))
KEYS = {
    "study_id": "study", "image_id": "image", "review_id": "review", "site_id": "site", "dataset_id": "dataset",
    "file_id": "held", "problem_id": "problem", "person_id": "person", "membership_id": "membership",
    "model_version_id": "active", "other_id": "other", "gate_verdict_id": "gate", "job_id": "job",
    "notice_id": "notice", "discrepancy_id": "discrepancy",
    "device_id": "device", "upload_id": "upload", "finding_id": "critical", "divergence_id": "divergence",
}  # fmt: skip
PIECE, TUS = "application/offset+octet-stream", {"Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
JUDGED = {"verdict": "no_fracture", "findings": "[]", "reason": "Looked again.", "note": "Looked again."}
REASONED = {"reason": "Looked again.", "sentence": "The side is wrong.", "settlement": "Asked the ward.",
            "whom": "Dr. Berg", "channel": "telephone"}  # fmt: skip


def payload_of(row: dict, world: worlds.World) -> dict:
    study = world.objects.get(row["object"] or "awaiting", world.objects["awaiting"])
    site, target = str(world.site.pk), str(world.objects["target"].pk)
    images = [str(image.pk) for image in study.images.all()[:1]] if row["object"] == "pair" else []
    shown = make.shown(study) if isinstance(study, Study) else "[]"
    return {
        "images": images, "image": images, "to": target, "into": target, "chosen": "left",
        **REASONED, **JUDGED, "shown": shown if row["face"] == "page" else json.loads(shown),
        "revision": getattr(study, "revision", 1), "site": site, "name": "A dataset", "username": "somebody",
        "display_name": "Some Body", "roles": ["uploader"], "role": "lead", "person": str(world.people["auditor"].pk),
        "label": "a script", "reading_mode": "assisted", "readings_required": 1, "wait_ceiling_minutes": 60,
        "identity_policy": "pseudonymous", "originals_days": 30, "critical_minutes": 60,
        "time_zone": "UTC", "patient_code": "4711", "grouping": "one_study", "task": "fracture",
    }  # fmt: skip


def uids_of(row: dict, world: worlds.World) -> dict[str, str]:
    """What DICOMweb calls the study of a row, and the series and instance of its first image."""
    study = world.objects.get(row["object"])
    image = study.images.first() if study and "series" in row["arguments"] else None
    if image is None:
        return {"study": study.study_uid} if study else {}
    series = series_uid(study.study_uid, image.sop_class_uid)
    return {"study": study.study_uid, "series": series, "instance": image.sop_instance_uid}


def address_of(row: dict, world: worlds.World) -> str:
    kwargs, uids = {}, uids_of(row, world) if row["url"].startswith("dicomweb_") else {}
    for name in filter(None, row["arguments"].split()):
        key, _, literal = name.partition("=")
        chosen = row["object"] if key == "study_id" else KEYS.get(key, "")
        kwargs[key] = literal or uids.get(key) or str(world.objects[chosen].pk)
    return reverse(row["url"], kwargs=kwargs)


def status_of(answer) -> int:
    if answer.streaming:
        b"".join(answer.streaming_content)
    return answer.status_code


def ask(row: dict, world: worlds.World, persona: str) -> int:
    if row["holds"]:
        worlds.claim(world, persona, row["object"])
    return status_of(answer_of(row, world, persona))


def answer_of(row: dict, world: worlds.World, persona: str):
    address, payload = address_of(row, world), payload_of(row, world)
    if row["face"] == "api":
        client, form = api_client(world.people.get(persona)), "multipart" if row["url"] == "api_uploads" else "json"
        if row["method"] not in ("GET", "POST"):
            return client.generic(row["method"], address, b"piece", content_type=PIECE, headers=TUS)
        sent = {"format": form, "headers": TUS}
        return client.get(address) if row["method"] == "GET" else client.post(address, payload, **sent)
    client = page_client(world.people.get(persona))
    return client.get(address) if row["method"] == "GET" else client.post(address, payload)


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, tmp_path_factory):
    """One world for all rows; what a row changes is rolled back, and the world itself at the end."""
    stores = tmp_path_factory.mktemp("matrix") / "stores"
    with django_db_blocker.unblock(), override_settings(STORES_ROOT=stores), transaction.atomic():
        made = worlds.build()
        made.objects["stores"] = stores
        yield made
        transaction.set_rollback(True)


@pytest.mark.django_db
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['method']} {row['url']} {row['object']}".strip())
def test_every_face_answers_as_the_matrix_says(row, world, settings):
    # Rows are rolled back, files are not: every test asks over files of its own.
    shutil.copytree(world.objects["stores"], settings.STORES_ROOT)
    # A world that is built once for all rows is soon older than a reading may be to be undone.
    settings.UNDO_SECONDS = 3600 if row["url"].endswith("undo") else 0
    answers = {}
    for persona in PERSONAS:
        with transaction.atomic():
            answers[persona] = ask(row, world, persona)
            transaction.set_rollback(True)
    assert answers == {persona: int(row[persona]) for persona in PERSONAS}


def named_addresses(patterns=None, namespace: str = "") -> set[str]:
    found: set[str] = set()
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(entry, URLResolver):
            if entry.namespace == "admin":
                continue
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            found |= named_addresses(entry.url_patterns, inner)
        elif isinstance(entry, URLPattern):
            found.add(f"{namespace}{entry.name}" if entry.name else str(entry.pattern))
    return found


def test_no_address_exists_that_the_matrix_does_not_mention():
    assert named_addresses() - {row["url"] for row in ROWS} == set()


def test_the_matrix_mentions_no_address_that_does_not_exist():
    assert {row["url"] for row in ROWS} - named_addresses() == set()


@pytest.mark.django_db
def test_a_stranger_gets_the_same_answer_as_for_a_study_that_does_not_exist(world):
    client = APIClient()
    client.force_authenticate(world.people["stranger"])
    hidden = client.get(reverse("api_study", args=[world.objects["awaiting"].pk]))
    missing = client.get(reverse("api_study", args=[new_id()]))
    assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content)
    assert hidden.status_code == 404
