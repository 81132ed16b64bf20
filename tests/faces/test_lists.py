"""No list counts a table, skips rows, or asks more for many rows than for few."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pytest
from django.db import connection, transaction
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from bonefrac.accounts import people
from bonefrac.accounts.models import AccessToken, Role
from bonefrac.db import new_id
from inference.models import ModelVersion, Prediction, PredictionJob
from inference.states import JobStatus, ModelStatus
from studies import notices, reviews, worklist
from studies.dimse import devices
from studies.models import CriticalFinding, Dataset, Divergence, IncomingFile, Review
from studies.states import FileStatus, NoticeKind
from tests import factories_studies as make
from tests.faces import world as worlds
from tests.faces.test_matrix import ROWS

MANY = 52  # more than a page holds
SOME = 5


@dataclass(frozen=True)
class Listing:
    """One list as somebody sees it; ``has_pages`` where many rows are two pages, ``grows`` where they show at all."""

    url: str
    persona: str
    query: str = ""
    has_pages: bool = False
    grows: bool = True

    @property
    def is_api(self):
        return self.url.startswith("api")

    def __str__(self):
        return f"{self.url}{self.query} {self.persona}"


def parts(*shows):
    for show in shows:
        yield Listing("studies:worklist", "lead", f"?show={show}")
        yield Listing("api_studies", "lead", f"?show={show}")


LISTS = [
    Listing("studies:worklist", "radiologist", has_pages=True),
    Listing("studies:worklist", "auditor", has_pages=True),
    Listing("studies:worklist", "uploader", has_pages=True),
    Listing("studies:worklist", "lead", "?part=wrist&ai=doubt&urgent=1&search=P-00", grows=False),
    *parts("mine", "disputed", "problem", "reviewed", "void", "reads"),
    Listing("studies:upload", "uploader", grows=False),
    Listing("studies:uploads", "uploader", has_pages=True),
    Listing("studies:batch", "uploader"),
    Listing("studies:held", "lead", has_pages=True),
    Listing("api_held", "lead", has_pages=True),
    Listing("studies:devices", "admin", has_pages=True),
    Listing("studies:notices", "radiologist", has_pages=True),
    Listing("studies:critical", "lead", has_pages=True),
    Listing("api_critical", "radiologist", has_pages=True),
    Listing("studies:divergences", "lead", has_pages=True),
    Listing("api_divergences", "admin", has_pages=True),
    Listing("studies:datasets", "admin", has_pages=True),
    Listing("accounts:people", "admin", has_pages=True),
    Listing("accounts:sites", "admin"),
    Listing("accounts:tokens", "admin"),
    Listing("audit:events", "auditor", has_pages=True),
    Listing("audit:events", "auditor", "?verb=review_signed"),
    Listing("inference:models", "engineer"),
    Listing("inference:jobs", "engineer"),
    Listing("api_studies", "radiologist", has_pages=True),
    Listing("api_studies", "uploader", has_pages=True),
    Listing("api_uploads", "uploader", has_pages=True),
    Listing("api_datasets", "admin", has_pages=True),
    Listing("api_notices", "radiologist", has_pages=True),
    Listing("api_people", "admin", has_pages=True),
    Listing("api_memberships", "admin", has_pages=True),
    Listing("api_audit_events", "auditor", has_pages=True),
    Listing("api_audit_events", "auditor", "?verb=review_signed"),
    Listing("api-jobs", "engineer", has_pages=True),
    Listing("api-models", "engineer"),
    Listing("api_sites", "admin"),
    Listing("api_me", "admin"),
]
#: Addresses without arguments that list no rows of the database.
NO_LISTS = {
    "studies:keys", "waiting",
    "healthz", "readyz", "schema", "docs", "admin_sign_in", "accounts:sign_in", "accounts:unlock",
    "accounts:set_password", "accounts:password", "accounts:change_password", "accounts:new_site",
    "studies:upload_status", "api_dataset_preview",
    # A line for each pair of readers and part, counted in one query: tests/outcomes/test_agreement.py.
    "studies:agreement", "studies:agreement_file", "api_agreement",
    # The standard pages by limit and offset; what it may cost is measured in tests/bench/test_dicomweb.py.
    "dicomweb_studies", "dicomweb_all_series", "dicomweb_all_instances",
}  # fmt: skip


@dataclass
class Asked:
    """What a list was asked and what the database was asked for it."""

    body: str
    statements: list[str]


def grow(world, number, some):
    """Add rows to every list: ``number`` where a page ends at fifty, ``some`` where a row takes several verbs."""
    studies = [make.study(world.site, uploader=world.people["uploader"], patient="p") for _ in range(number)]
    for study in studies[:some]:
        make.predicted(study, world.objects["active"], "positive")
    _decide(world, some)
    _files(world, number, studies)
    _told(world, number)
    _read(world, number)
    _paper(world, number, some)
    _machines(world, number, some)


def _decide(world, some):
    cast = world.people
    two_readers = world.objects["disputed"].site
    for _ in range(some):
        reviewed, voided, troubled, mine = (
            make.study(world.site, uploader=cast["uploader"], patient="q") for _ in range(4)
        )
        make.signed(cast["lead"], reviewed)
        reviews.void(cast["lead"], voided.pk, reason="Twice.")
        reviews.report_problem(cast["lead"], troubled.pk, sentence="The side is wrong.")
        worklist.claim(cast["lead"], mine.pk)
        disputed = make.study(two_readers, uploader=cast["uploader"])
        for verdict in ("fracture", "no_fracture"):
            make.signed(make.reader(two_readers), disputed, verdict)


def _files(world, number, studies):
    batch = world.objects.setdefault("batch", new_id())
    for position, study in enumerate(studies):
        _file(world, position, batch=batch, status=FileStatus.ACCEPTED, study=study, judged_at=timezone.now())
    for position in range(number):
        held = {"status": FileStatus.HELD, "code": "other_patient", "sentence": "Two patients."}
        _file(world, position, batch=new_id(), judged_at=timezone.now(), **held)


def _told(world, number):
    for _ in range(number):
        told = {"kind": NoticeKind.IMAGE_ADDED, "sentence": "An image came later."}
        notices.tell([world.people["radiologist"].pk], world.objects["pair"], **told)


def _read(world, number):
    """Let a reader find something critical in a study so many times, which differs from what the model said."""
    reader, now = make.reader(world.site), timezone.now()
    prediction = Prediction.objects.filter(state="positive").first()
    study = make.study(world.site, uploader=world.people["uploader"], images=0, status="REVIEWED")
    for turn in range(number):
        review = Review.objects.create(
            study=study, reader=reader, mode="assisted", round=1 + turn, verdict="no_fracture", opened_at=now
        )
        CriticalFinding.objects.create(study=study, review=review, raised_by=reader, due_at=now)
        Divergence.objects.create(
            study=study, kind="model_against_final", round=1, review=review, prediction=prediction
        )


def _file(world, position, **values):
    sender = world.people["uploader"]
    IncomingFile.objects.create(
        site=world.site, sender=sender, position=position, sha256="0" * 64, size_bytes=1, kind="png", **values
    )


def _paper(world, number, some):
    admin = world.people["admin"]
    for _ in range(number):
        sender = make.person(world.site, Role.UPLOADER)
        devices.add(None, site=world.site, person=sender, terms=devices.Terms(f"ROOM{new_id().hex[-8:]}"))
        Dataset.objects.create(
            site=world.site, name=f"Dataset {new_id()}", frozen_by=admin, digest="0" * 64,
            counts=world.objects["dataset"].counts, criteria=world.objects["dataset"].criteria,
        )  # fmt: skip
    for _ in range(some):
        people.grant(None, person=admin, site=make.site(), role=Role.ADMIN)
        AccessToken.objects.create(user=admin, label="a script", digest=f"{new_id().hex:>064}")


def _machines(world, number, some):
    active = world.objects["active"]
    pixels = world.objects["job"].radiograph  # no model has answered for it: it needs attention
    for _ in range(number):
        PredictionJob.objects.create(
            radiograph=pixels, model_version=active, status=JobStatus.FAILED, error_code="bug",
            finished_at=timezone.now(),
        )  # fmt: skip
    for _ in range(some):
        other = make.model()
        ModelVersion.objects.filter(pk=other.pk).update(status=ModelStatus.RETIRED)
    ModelVersion.objects.filter(pk=active.pk).update(status=ModelStatus.ACTIVE)


def ask(listing, world):
    """Open a list twice, so that what only the first sight of it writes is over, and return the second."""
    person = world.people[listing.persona]
    if listing.is_api:
        client = APIClient()
        client.force_authenticate(person)
    else:
        client = Client()
        client.force_login(person, backend="bonefrac.accounts.backends.PlatformBackend")
    arguments = [world.objects["batch"]] if listing.url == "studies:batch" else []
    address = reverse(listing.url, args=arguments) + listing.query
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address)
    assert answer.status_code == 200, (listing, answer.status_code)
    return Asked(answer.content.decode(), [query["sql"] for query in captured.captured_queries])


def following(listing, asked):
    """Return the query of the page after an answer, empty where there is none."""
    pattern = r'"next": ?"([^"]+)"' if listing.is_api else r'href="\?[^"]*cursor=([^"&]+)"'
    found = re.search(pattern, asked.body)
    return f"?cursor={found.group(1)}" if found else ""


@pytest.fixture(scope="module")
def answers(django_db_setup, django_db_blocker, tmp_path_factory):
    """Every list with few rows, with many, and its second page: (few, many, second or None) by list."""
    stores = tmp_path_factory.mktemp("lists") / "stores"
    with django_db_blocker.unblock(), override_settings(STORES_ROOT=stores, UNDO_SECONDS=0), transaction.atomic():
        world = worlds.build()
        grow(world, 1, 1)
        few = {listing: ask(listing, world) for listing in LISTS}
        grow(world, MANY, SOME)
        many = {listing: ask(listing, world) for listing in LISTS}
        second = {}
        for listing, asked in many.items():
            query = following(listing, asked)
            second[listing] = ask(replace(listing, query=query), world) if query else None
        transaction.set_rollback(True)
    return {listing: (few[listing], many[listing], second[listing]) for listing in LISTS}


@pytest.mark.django_db
@pytest.mark.parametrize("listing", LISTS, ids=str)
def test_a_list_neither_counts_nor_skips_and_costs_the_same_for_many_rows(listing, answers):
    few, many, second = answers[listing]
    pages = [page for page in (few, many, second) if page is not None]
    statements = [statement for page in pages for statement in page.statements]
    unbounded = [
        one for one in statements if '"batch" = ' not in one
    ]  # a batch is of limited length: it may be counted
    assert [one for one in unbounded if re.search(r"\bCOUNT\s*\(|\bOFFSET\b", one, re.IGNORECASE)] == []
    assert [one for one in statements if one.startswith("SELECT")] != []
    is_full_already = listing.has_pages and following(listing, few) != ""  # a full page cannot show more rows
    assert is_full_already or len(many.body) > len(few.body) or not listing.grows
    assert len(many.statements) == len(few.statements), "\n".join(many.statements)
    assert (second is not None) == listing.has_pages
    assert second is None or len(second.statements) <= len(many.statements) + 1


def test_no_address_that_may_list_rows_is_forgotten():
    plain = {row["url"] for row in ROWS if row["method"] == "GET" and not row["arguments"].strip()}
    assert plain - {listing.url for listing in LISTS} - NO_LISTS == set()
