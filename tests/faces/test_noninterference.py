"""Until a person's own blind reading, no answer of any face depends on what the AI said, whatever their roles.

Every row of the permission matrix, and so every address that exists, is asked of the same platform twice: as it is when
nothing was predicted, and as it is when every radiograph was, in every state in turn. Status, headers, length and body
are the same byte for byte, apart from keys, tokens and times that each answer makes anew. An address that is not
covered fails ``test_matrix``, and so this one covers whatever is added later.
"""

from __future__ import annotations

import itertools
import re
import shutil
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from bonefrac.accounts import people
from bonefrac.accounts.models import ReadingMode, Role, Site
from bonefrac.db import new_id
from inference import jobs
from inference.models import ModelVersion
from inference.states import ModelStatus, Task
from studies import divergences, ranking
from studies.models import Disclosure, IncomingFile, Study, StudyImage
from studies.selectors.ai import has_signed_blind
from studies.states import AIState, Rank, StudyStatus
from tests import factories_studies as make
from tests.faces import test_matrix as matrix
from tests.faces import world as worlds
from tests.faces.clients import page_client
from tests.outcomes.passing import let_pass

ROLES = {
    "radiologist": None,
    "lead": None,
    "admin": None,
    "auditor": None,
    "everything": (*Role,),
    "reading administrator": (Role.RADIOLOGIST, Role.ADMIN),
}
CEILING = 20 * 24 * 60
#: Datasets hold settled studies only; whoever oversees a site and does not read there answers for what leaves it.
OPEN = {
    (person, url)
    for person in ("admin", "auditor")
    for url in ("studies:freeze", "api_datasets", "api_dataset_preview")
}
STATES = ("positive", "doubt", "negative", "not_assessed", "failed", "pending")
#: The same list asked in other words: an address, what is asked, and whether the page asks by itself.
LISTS = [
    (name, query, is_poll)
    for name in ("studies:worklist", "api_studies")
    for query in (
        *({"ai": state} for state in ("positive", "doubt", "negative", "unknown")),
        *({"show": show} for show in ("mine", "disputed", "problem", "skipped", "reviewed", "void")),
        *({"show": show} for show in ("reads", "uploads")),
        {"urgent": "1"}, {"part": "hand", "ai": "negative"},
    )
    for is_poll in ((False, True) if query == {"ai": "positive"} else (False,))
]  # fmt: skip
VOLATILE = [
    (re.compile(pattern), word)
    for pattern, word in [
        (r'csrfmiddlewaretoken" value="[^"]+"|csrf-token" content="[^"]+"|X-CSRFTOKEN"\] = "\w+"', "CSRF"),
        (r"\d+ h \d\d", "WAIT"),
        (r"bf_[\w-]{43}|token=\w{6}-\w{32}", "TOKEN"),
        (r"bonefrac-[0-9a-f]{32}", "BOUNDARY"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", "TIME"),
    ]
]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, tmp_path_factory):
    """A platform on which nothing was predicted and every site reads blind first."""
    stores = tmp_path_factory.mktemp("blind") / "stores"
    with django_db_blocker.unblock(), override_settings(STORES_ROOT=stores), transaction.atomic():
        made = worlds.build(has_predictions=False)
        people_of_many_roles(made)
        studies_of_others(made)
        for task in (Task.BODY_PART, Task.FRACTURE_TYPE):
            make.model(task)
        age(IncomingFile.objects.all(), Study.objects.order_by("pk"))
        for study in Study.objects.all():
            let_pass(study, minutes=5)
            ranking.rank_by_id(study.pk)
        made.objects |= {"stores": stores, "born": str(new_id())}
        yield made
        transaction.set_rollback(True)


def people_of_many_roles(world):
    for name, roles in ROLES.items():
        if roles:
            world.people[name] = make.person(engineer=name == "everything")
        for site, role in itertools.product((world.site, world.objects["disputed"].site), roles or ()):
            people.grant(None, person=world.people[name], site=site, role=role)


def studies_of_others(world):
    """Studies that wait, half of them sent by whoever holds every role, and four of which another reads two at once."""
    for number in range(8):
        sender = world.people["everything" if number % 2 else "uploader"]
        make.study(world.site, uploader=sender, urgent=number == 3)
    terms = {"reading_mode": ReadingMode.BLIND_FIRST, "uploaders_see_ai": True, "wait_ceiling_minutes": CEILING}
    Site.objects.update(**terms)
    world.objects["of others"] = [make.study(world.site, uploader=world.people["uploader"]) for _number in range(4)]
    world.objects["another"] = make.reader(world.site)
    for study, verdict in zip(world.objects["of others"], ("fracture", "no_fracture"), strict=False):
        read_by_another(world, study, verdict)


def age(*tables):
    """Let everything have come days ago, each a day before the next, so that no wait changes while it is asked."""
    for rows in tables:
        for days, row in enumerate(rows, start=1):
            came = timezone.now() - timedelta(days=days, hours=11, minutes=30)
            listed = {"ready_at": came} if isinstance(row, Study) else {}
            type(row).objects.filter(pk=row.pk).update(received_at=came, **listed)


def read_by_another(world, study, verdict):
    """Let somebody else read a study, blind and again, so that it has a label."""
    while (read := Study.objects.get(pk=study.pk)).status == StudyStatus.AWAITING:
        make.signed(world.objects["another"], read, verdict)


def predict(first: int) -> None:
    """Let the models speak of every radiograph of every study, each in another state, and follow as a worker does.

    From every other state on, order and filter are as they were left by a site that showed the AI until this moment.
    """
    active = {row.task: row for row in ModelVersion.objects.filter(status=ModelStatus.ACTIVE)}
    unspoken = StudyImage.objects.filter(radiograph__predictions=None)
    images = list(unspoken.order_by("study_id", "position").select_related("radiograph"))
    for image, state in zip(images, itertools.islice(itertools.cycle(STATES), first, None), strict=False):
        if state == "pending":
            jobs.request(image.radiograph, active[Task.FRACTURE])
        elif state == "failed":
            jobs.fail(jobs.start(jobs.request(image.radiograph, active[Task.FRACTURE]).pk), code="bug", detail="told")
        else:
            make.predict(image.radiograph, active[Task.FRACTURE], state, caution="Metal." if state == "doubt" else "")
    for study in Study.objects.all():
        make.classified(study, active[Task.BODY_PART], ("leg", 0.9), ("hand", 0.1))
        make.classified(study, active[Task.FRACTURE_TYPE], ("spiral", 0.7), ("oblique", 0.3))
    rank_all(is_shown=bool(first % 2))
    for image in images:
        divergences.find_late(image.radiograph_id)


def rank_all(*, is_shown):
    """Rank every study, as its site does or as it did while it showed the AI."""
    if is_shown:
        Site.objects.update(reading_mode=ReadingMode.ASSISTED)
    for study in Study.objects.all():
        ranking.rank_by_id(study.pk)
    if is_shown:
        Site.objects.update(reading_mode=ReadingMode.BLIND_FIRST)
        assert Study.objects.filter(rank=Rank.POSITIVE).exists()
        assert Study.objects.exclude(ai_state=AIState.UNKNOWN).exists()
    else:
        ranking.lift_waiting()


def rows_for(world, persona):
    """The rows of the matrix that ask about nothing that the person has read blind already."""
    for row in matrix.ROWS:
        asked = world.objects.get(row["object"])
        study = getattr(asked, "study", asked)
        is_read = isinstance(study, Study) and has_signed_blind(world.people[persona], study)
        if not is_read and (persona, row["url"]) not in OPEN:
            yield row


def seen(answer, born):
    """What a person can see of an answer: everything but keys, tokens and times that it made anew."""
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    own = {"X-Request-ID", "Set-Cookie", "Expires"}
    headers = {name: masked(value, born) for name, value in answer.headers.items() if name not in own}
    return answer.status_code, headers, len(content), masked(content.decode("latin-1"), born)


def masked(text, born):
    for pattern, word in VOLATILE:
        text = pattern.sub(word, text)
    return UUID.sub(lambda found: found.group() if found.group() < born else "NEW-KEY", text)


def answers(world, persona, settings, wanted):
    """Every answer that a person gets, each asked of the same state; files are not rolled back, so they are anew."""
    shutil.rmtree(settings.STORES_ROOT, ignore_errors=True)
    shutil.copytree(world.objects["stores"], settings.STORES_ROOT)
    found = {}
    for row in filter(wanted, rows_for(world, persona)):
        with transaction.atomic():
            if row["holds"]:
                worlds.claim(world, persona, row["object"])
            name = " ".join(row[part] for part in ("method", "url", "object", "arguments", "holds"))
            found[name] = (*seen(matrix.answer_of(row, world, persona), world.objects["born"]), handed(world, persona))
            transaction.set_rollback(True)
    client = page_client(world.people[persona])
    for name, query, is_poll in LISTS:
        address = f"{reverse(name)}?{urlencode(query)}"
        headers = {"HX-Request": "true"} if is_poll else {}
        with transaction.atomic():
            answer = client.get(address, headers=headers)
            found[address, is_poll] = (*seen(answer, world.objects["born"]), handed(world, persona))
            transaction.set_rollback(True)
    return found


def handed(world, persona):
    """How many predictions the person is on record to have been shown."""
    return Disclosure.objects.filter(reader=world.people[persona]).count()


def differences(before, after):
    """One line for each answer that is not the same: how its status, headers and length changed, and from where on."""
    return [
        f"{name}: {then[0]} {now[0]} {sorted(set(then[1].items()) ^ set(now[1].items()))} {then[2]} {now[2]} "
        f"{then[4:]} {now[4:]} {parted(then[3], now[3])}"
        for (name, then), now in zip(before.items(), after.values(), strict=True)
        if then != now
    ]


def parted(body, other):
    """Where two bodies part, with a little around it."""
    place = next((at for at, (a, b) in enumerate(zip(body, other, strict=False)) if a != b), None)
    return "" if place is None else (body[max(0, place - 60) : place + 90], other[max(0, place - 60) : place + 90])


def told(world, persona, settings, first, wanted=None):
    """What a person is answered where nothing was predicted, or every state from a first one on."""
    with transaction.atomic():
        if first is not None:
            predict(first)
        for study, verdict in zip(world.objects["of others"][2:], ("fracture", "no_fracture"), strict=True):
            read_by_another(world, study, verdict)
        for study in world.objects["of others"]:
            let_pass(study, minutes=1)
        found = answers(world, persona, settings, wanted)
        transaction.set_rollback(True)
    return found


def compared(world, persona, settings, first, wanted=None):
    """How the answers differ without and with predictions."""
    return differences(*(told(world, persona, settings, start, wanted) for start in (None, first)))


@pytest.mark.django_db
def test_no_answer_depends_on_a_prediction(world, settings):
    assert compared(world, "everything", settings, 0, lambda row: row["method"] == "GET") == []


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.django_db
@pytest.mark.parametrize("persona", ROLES)
def test_no_answer_depends_on_a_prediction_of_any_state(persona, world, settings):
    """Each radiograph in every state: as it is without a prediction, asked twice, and then from each state on."""
    unspoken = told(world, persona, settings, None)
    for first in (None, *range(len(STATES))):
        assert differences(unspoken, told(world, persona, settings, first)) == [], first


@pytest.mark.django_db
def test_the_comparison_sees_a_difference(world, settings):
    """Where the same sites show the AI from the start, the same questions are answered otherwise."""
    Site.objects.update(reading_mode=ReadingMode.ASSISTED)
    shown = (
        "studies:worklist",
        "studies:read",
        "studies:machine",
        "studies:study",
        "studies:map",
        "api_study",
        "api_map",
    )
    found = compared(world, "radiologist", settings, 0, lambda row: row["url"] in shown and row["method"] == "GET")
    told = " ".join(line.partition(": ")[0] for line in found)
    assert [name for name in (*shown, "?ai=positive") if name not in told] == []
