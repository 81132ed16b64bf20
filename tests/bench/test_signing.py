"""What signing costs at the server: the verb, the API, the page, the page in place with the next study; p95 of each.

Run by ``script/test --long`` or ``pytest tests/bench/test_signing.py -m long -s``; a line is printed for each figure.
A figure passes where it meets its goal, or is near a floor of the same run (a signed-in, audited GET of one study over
the API): the machine has other work.
"""

from __future__ import annotations

import json
import statistics
import time

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from studies import drafts, following, reviews, worklist
from studies.models import Review, Study
from studies.terms import DraftPurpose
from tests import factories_studies as make

pytestmark = [pytest.mark.long, pytest.mark.timeout(600), pytest.mark.django_db(transaction=True)]
GOAL, TIMES, WARM_UP = 60, 60, 5  # milliseconds at p95; readings of each kind; the first are not counted


@pytest.fixture
def desk():
    """A site with a model, two readers' worth of studies of two images, and other people's readings around them."""
    site, model = make.site(), make.model()
    for _ in range(40):
        make.signed(make.reader(site) if _ % 10 == 0 else make.lead(site), make.study(site, images=2))
    for number in range(5 * (TIMES + WARM_UP)):
        made = make.study(site, images=2, waited=number, body_part="hand")
        make.predicted(made, model, "positive", "negative")
    return site, make.reader(site)


def timed(deed):
    began = time.perf_counter()
    came = deed()
    return (time.perf_counter() - began) * 1000, came


def p95(figures):
    return statistics.quantiles(figures[WARM_UP:], n=20)[18]


def sent(study):
    """A form with a box, a point and everything ticked."""
    image = study.images.first()
    place = {"image": str(image.pk), "x": 2, "y": 3, "width": 5, "height": 6, "bone": "radius", "type": "buckle"}
    return image, place


def taken(reader, site):
    """The next study with a draft, as it stands before somebody signs."""
    study = worklist.next_for(reader, site)
    drafts.keep(
        reader, study.pk, purpose=DraftPurpose.SIGN, form=make.typed(note="x"), version=0, revision=study.revision
    )
    return study


def by_verb(reader, study):
    image, _place = sent(study)
    judgement = make.judgement(boxes=(make.box(image),), points=(make.point(image),), other_findings=("effusion",))
    return lambda: reviews.sign(reader, study.pk, judgement=judgement, revision=study.revision)


def by_api(reader, study, client):
    _image, place = sent(study)
    body = {"verdict": "fracture", "revision": study.revision, "boxes": [place], "advice": ["ct"]}
    return lambda: client.post(reverse("api_sign", args=[study.pk]), body, format="json")


def by_page(study, client, **headers):
    _image, place = sent(study)
    body = {
        "verdict": "fracture", "revision": study.revision, "findings": json.dumps([place]),
        "shown": make.shown(study), "advice": ["ct"], "note": "distal",
    }  # fmt: skip
    return lambda: client.post(reverse("studies:sign", args=[study.pk]), body, headers=headers)


def test_signing_is_quick(desk, capsys):
    site, reader = desk
    api, page = APIClient(), Client()
    api.force_authenticate(reader)
    page.force_login(reader, backend="bonefrac.accounts.backends.PlatformBackend")
    figures = {name: [] for name in ("floor", "verb", "api", "next", "page", "in place", "draft")}
    for _ in range(TIMES + WARM_UP):
        study = taken(reader, site)
        figures["floor"].append(timed(lambda key=study.pk: api.get(reverse("api_study", args=[key])))[0])
        keep = lambda key=study.pk: drafts.keep(  # noqa: E731
            reader, key, purpose=DraftPurpose.SIGN, form=make.typed(note="y"), version=1, revision=1
        )
        figures["draft"].append(timed(keep)[0])
        figures["verb"].append(timed(by_verb(reader, study))[0])
        figures["next"].append(timed(lambda: following.next_study(reader, site))[0])
        for name, deed in (
            ("api", lambda study: by_api(reader, study, api)),
            ("page", lambda study: by_page(study, page)),
            ("in place", lambda study: by_page(study, page, **{"X-In-Place": "1"})),
        ):
            milliseconds, answer = timed(deed(taken(reader, site)))
            assert answer.status_code in {200, 201, 302}, answer.content[:500]
            figures[name].append(milliseconds)
    found = {name: p95(values) for name, values in figures.items()}
    with capsys.disabled():
        for name, value in found.items():
            middle = statistics.median(figures[name][WARM_UP:])
            print(
                f"\nsigning, {name}: p95 {value:.1f} ms, median {middle:.1f} ({value / found['floor']:.2f} floors)",
                end="",
            )
        print()
    assert Review.objects.filter(reader=reader).count() == 4 * (TIMES + WARM_UP)
    assert Study.objects.filter(claimed_by=reader).count() <= 1
    for name in ("verb", "api", "page"):
        assert found[name] <= max(GOAL, 2 * found["floor"]), name
    assert found["in place"] <= max(2 * GOAL, 4.5 * found["floor"])
