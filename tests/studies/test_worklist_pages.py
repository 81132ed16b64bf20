"""Pages of the worklist: saved filters, what a row offers, what a poll gets, and what comes next."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bonefrac.accounts.models import ReadingMode, Role
from bonefrac.audit.models import AuditEvent, Verb
from bonefrac.errors import Conflict, Invalid, NotFound
from studies import ranking, saved_filters, worklist
from studies.models import Disclosure, SavedFilter, Skip
from studies.states import Rank
from tests import factories_studies as make

pytestmark = pytest.mark.django_db
LIST = "/"


def signed_in(user):
    client = Client()
    client.force_login(user, backend="bonefrac.accounts.backends.PlatformBackend")
    return client


def test_a_filter_is_saved_shared_renamed_and_deleted():
    site = make.site()
    reader, other = make.reader(site), make.reader(site)
    client = signed_in(reader)
    query = "part=hand&ai=positive"
    answer = client.post(reverse("studies:save_filter"), {"name": "  Hands   first ", "query": f"cursor=x&{query}&q=1"})
    assert (answer.status_code, answer.url) == (302, f"/?{query}")
    saved = SavedFilter.objects.get()
    assert (saved.person, saved.name, saved.query) == (reader, "Hands first", query)
    page = client.get(f"/?{query}").text
    assert "Hands first" in page
    assert f'<a class="chip" href="?{query.replace("&", "&amp;")}" aria-current="true">' in page
    assert "Hands first" not in signed_in(other).get(f"/?{query}").text  # the address is shared, the name is not
    renamed = client.post(reverse("studies:rename_filter", args=[saved.pk]), {"name": "Hands"})
    assert renamed.url == f"/?{query}"
    for verb in ("rename_filter", "delete_filter"):
        assert signed_in(other).post(reverse(f"studies:{verb}", args=[saved.pk]), {"name": "x"}).status_code == 404
    client.post(reverse("studies:delete_filter", args=[saved.pk]))
    assert not SavedFilter.objects.exists()


def test_what_cannot_be_saved_says_why(monkeypatch):
    reader = make.reader(make.site())
    kept = saved_filters.keep(reader, name="Hands", query="part=hand")
    legs = saved_filters.keep(reader, name="Legs", query="part=leg&show=nonsense")
    assert legs.query == "part=leg"
    for deed in (
        lambda: saved_filters.keep(reader, name="Hands", query=""),
        lambda: saved_filters.rename(reader, legs.pk, name="Hands"),
    ):
        with pytest.raises(Conflict) as refused:
            deed()
        assert refused.value.code == "name_taken"
    for name in ("", " ", "x" * 41, "\0"):
        with pytest.raises(Invalid):
            saved_filters.keep(reader, name=name, query="")
    monkeypatch.setattr(saved_filters, "AT_MOST", 2)
    with pytest.raises(Invalid):
        saved_filters.keep(reader, name="Third", query="")
    with pytest.raises(NotFound):
        saved_filters.delete(make.reader(make.site()), kept.pk)


def test_a_filter_of_somebody_else_shows_what_the_opener_may_see():
    near, far = make.site(), make.site()
    mine, theirs = make.study(near, patient="a"), make.study(far, patient="b")
    query = saved_filters.keep(make.reader(far), name="Theirs", query=f"site={far.pk}").query
    page = signed_in(make.reader(near)).get(f"/?{query}").text
    assert str(theirs.pk) not in page
    assert str(mine.pk) not in page
    assert "Nothing fits these filters" in page


def test_an_empty_part_says_what_would_fill_it():
    client = signed_in(make.lead(make.site()))
    told = {
        "open": "uploads radiographs", "mine": "Take the next", "disputed": "readers differ", "problem": "reports that",
        "skipped": "passes over", "reviewed": "are signed and agree", "void": "voids it", "reads": "What you sign",
    }  # fmt: skip
    for show, words in told.items():
        page = client.get(f"/?show={show}").text
        assert 'class="empty"' in page, show
        assert words in page, show


def test_a_row_offers_what_the_person_can_do_with_it():
    site = make.site()
    reader, other = make.reader(site), make.reader(site)
    free, held, mine = (make.study(site, waited=number) for number in (3, 2, 1))
    worklist.claim(other, held.pk)
    worklist.claim(reader, mine.pk)
    page = signed_in(reader).get(LIST).text
    assert f'formaction="/studies/{free.pk}/claim/"' in page
    assert f'data-skip="/studies/{free.pk}/skip/"' in page
    assert f"claimed by {other}" in page
    assert f"/studies/{held.pk}/claim/" not in page
    assert f'formaction="/studies/{mine.pk}/hand-back/"' in page
    auditor = signed_in(make.person(site, Role.AUDITOR)).get(LIST).text
    assert "formaction" not in auditor
    assert "data-skip=" not in auditor


def test_a_poll_gets_the_rows_and_counts_alone_and_leaves_no_record():
    site = make.site()
    study, client = make.study(site), signed_in(make.reader(site))
    fragment = client.get("/", headers={"X-Background": "1"}).text
    assert f'id="row-{study.pk}"' in fragment
    assert '<strong class="num" data-count="open">1</strong>' in fragment
    assert "<html" not in fragment
    assert "csrfmiddlewaretoken" not in fragment
    assert not AuditEvent.objects.filter(verb=Verb.LIST_SHOWN).exists()


def test_skipping_from_the_list_comes_back_to_the_list_and_from_the_reading_goes_on():
    site = make.site()
    reader = make.reader(site)
    client = signed_in(reader)
    first, second = make.study(site, waited=2), make.study(site, waited=1)
    address = reverse("studies:skip", args=[first.pk])
    assert client.post(address, {"reason": ""}).status_code == 400
    answer = client.post(address, {"reason": "Not my field", "query": "part=hand&show=evil"})
    assert answer.url == "/?part=hand"
    assert Skip.objects.get().reason == "Not my field"
    onwards = client.post(reverse("studies:skip", args=[second.pk]), {"reason": "Not my field", "next": "1"})
    assert onwards.url == "/"
    third = make.study(site)
    fourth = make.study(site)
    onwards = client.post(reverse("studies:skip", args=[third.pk]), {"reason": "Not my field", "next": "1"})
    assert onwards.url == f"/studies/{fourth.pk}/read/"


def test_a_lead_who_takes_the_next_goes_to_settle_a_dispute():
    site = make.site(required=2)
    disputed, *_ = make.disputed(site)
    client = signed_in(make.lead(site))
    assert client.post(reverse("studies:next", args=[site.pk])).url == f"/studies/{disputed.pk}/adjudicate/"
    assert client.get(f"/studies/{disputed.pk}/adjudicate/").status_code == 200


def test_sign_and_next_leads_a_lead_to_the_dispute_that_follows():
    site = make.site(required=2, ceiling=60)
    lead = make.lead(site)
    over = make.study(site, waited=61)
    disputed, *_ = make.disputed(site)
    worklist.claim(lead, over.pk)
    form = {"verdict": "no_fracture", "findings": "[]", "revision": "1", "shown": json.dumps(ids_of(over))}
    client = signed_in(lead)
    answer = client.post(f"/studies/{over.pk}/sign/", form, headers={"X-In-Place": "1"})
    assert (answer.status_code, answer["X-Address"]) == (200, f"/studies/{disputed.pk}/adjudicate/")
    assert answer.content == b""  # another kind of form: the page is loaded anew


def ids_of(study):
    return [str(image.pk) for image in study.images.all()]


@pytest.mark.parametrize("mode", [ReadingMode.ASSISTED, ReadingMode.BLIND_FIRST])
def test_what_comes_next_holds_pictures_and_nothing_of_the_ai(mode):
    site = make.site(mode=mode)
    reader = make.reader(site)
    held, following = make.study(site, waited=9), make.study(site, images=2)
    worklist.claim(reader, held.pk)
    client = signed_in(reader)
    address = reverse("studies:upcoming", args=[held.pk])
    before = client.get(address)
    make.predicted(following, make.model(), "positive", "negative")
    ranking.rank_by_id(following.pk)
    after = client.get(address)
    assert after.json() == before.json()
    assert after.json()["study"] == str(following.pk)
    image = following.images.first()
    assert after.json()["images"][0] == {
        "id": str(image.pk), "rows": image.radiograph.rows, "columns": image.radiograph.columns,
        "dicom": f"/studies/{following.pk}/images/{image.pk}/instance/",
        "preview": f"/studies/{following.pk}/images/{image.pk}/preview/",
    }  # fmt: skip
    assert not Disclosure.objects.exists()
    assert not AuditEvent.objects.filter(verb__in=[Verb.STUDY_OPENED, Verb.STUDY_CLAIMED], target_id=following.pk)
    worklist.skip(reader, following.pk, reason="not my field")
    assert client.get(address).json() == {"study": None, "images": []}


def test_the_api_lists_by_the_same_filters_and_its_own_readings():
    site = make.site()
    reader = make.reader(site)
    client = signed_in(reader)
    hand, leg = make.study(site, body_part="hand", side="left"), make.study(site, body_part="leg")
    listed = client.get("/api/v1/studies/?part=hand&side=left&missing=first").json()["results"]
    assert [row["id"] for row in listed] == [str(hand.pk)]
    review = make.signed(reader, leg)
    (read,) = client.get("/api/v1/studies/?show=reads").json()["results"]
    assert (read["id"], read["review"], read["verdict"]) == (str(leg.pk), str(review.pk), "fracture")
    assert client.post(f"/api/v1/studies/{hand.pk}/skip/", {"reason": "Not my field"}).status_code == 204
    assert client.post(f"/api/v1/studies/{hand.pk}/skip/", {}).status_code == 400


def test_where_the_ai_does_not_order_the_list_no_rank_speaks_of_it():
    site = make.site()
    type(site).objects.filter(pk=site.pk).update(triage=False)
    make.study(site, rank=Rank.UNCERTAIN)
    page = signed_in(make.reader(site)).get(LIST).text
    assert '<td class="rank">routine</td>' in page


def test_the_first_sight_of_a_page_costs_no_statement_a_row():
    site, model = make.site(), make.model()
    client = signed_in(make.reader(site))
    client.get(LIST)
    costs = []
    for number in (2, 12):
        for _ in range(number):
            make.predicted(make.study(site), model, "positive")
        with CaptureQueriesContext(connection) as captured:
            assert client.get(LIST).status_code == 200
        costs.append(len(captured))
    assert costs[0] == costs[1]


def test_a_row_says_when_the_study_was_made_where_its_files_do():
    site = make.site()
    reader, study = make.reader(site), make.study(site, images=3)
    silent = make.study(site)
    for image, made in zip(study.images.all(), ("20240302", "20240229", "nonsense"), strict=True):
        image.header = {"00080020": {"vr": "DA", "Value": [made]}}
        image.save(update_fields=["header"])
    client = signed_in(reader)
    rows = {row["id"]: row for row in client.get("/api/v1/studies/").json()["results"]}
    assert rows[str(study.pk)]["study_date"] == "2024-02-29"
    assert rows[str(silent.pk)]["study_date"] is None
    shown = client.get(LIST).content.decode()
    assert shown.count("study 2024-02-29") == 1
