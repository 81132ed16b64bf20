"""The page of one upload: who, when, what became of each, the originals, and thousands of rows a page at a time."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.urls import reverse

from bonefrac.accounts.models import Role
from bonefrac.audit.models import AuditEvent, Verb
from studies import intake
from studies.intake import Details
from tests import factories_intake as files
from tests import factories_studies as make


@pytest.fixture
def as_person(client):
    def sign_in(person):
        client.force_login(person, backend="bonefrac.accounts.backends.PlatformBackend")
        return client

    return sign_in


def address_of(file, **query):
    return reverse("studies:batch", args=[file.batch], query=query or None)


def test_the_page_counts_and_says_who_when_where_and_why(as_person, uploader, site):
    good, bad = files.hand_in(uploader, site, ("wrist.png", files.png()), ("x.png", b"<html>"), judged=False)
    page = as_person(uploader).get(address_of(good)).content.decode()
    for told in (str(uploader), str(site), "wrist.png", bad.sentence[:30]):
        assert told in page
    assert 'hx-get="' in page
    intake.judge(good.pk)
    again = as_person(uploader).get(address_of(good), headers={"HX-Request": "true"}).content.decode()
    assert "hx-get" not in again
    trouble = as_person(uploader).get(address_of(good, only="trouble")).content.decode()
    assert "x.png" in trouble
    assert "wrist.png" not in trouble


def test_thousands_of_rows_come_a_page_at_a_time(as_person, uploader, site, django_assert_max_num_queries):
    rows = files.hand_in(uploader, site, *(b"no picture %d" % number for number in range(230)), judged=False)
    client = as_person(uploader)
    address, seen = address_of(rows[0]), []
    client.get(address)
    for after in ("", "99", "199"):
        with django_assert_max_num_queries(20):
            page = client.get(address_of(rows[0], after=after)).context["page"]
        seen += [row.file.position for row in page.rows]
    assert seen == list(range(230))
    assert (page.following, page.of.total) == ("", 230)
    assert client.get(address, {"after": "x"}).status_code == 400
    assert client.get(address, {"only": "everything"}).status_code == 400


def test_the_list_is_narrowed_to_a_verdict_and_a_poll_without_news_gets_nothing(as_person, uploader, site):
    good, _bad = files.hand_in(uploader, site, ("wrist.png", files.png()), ("x.png", b"<html>"), judged=False)
    client = as_person(uploader)
    for only, names in (
        ("", {"wrist.png", "x.png"}),
        ("REFUSED", {"x.png"}),
        ("RECEIVED", {"wrist.png"}),
        ("HELD", set()),
    ):
        answer = client.get(address_of(good, only=only) if only else address_of(good))
        assert {row.name for row in answer.context["rows"]} == names
    state = answer.context["page"].fingerprint
    poll = {"headers": {"HX-Request": "true"}}
    assert client.get(address_of(good, only="HELD", state=state), **poll).status_code == 204
    intake.judge(good.pk)
    news = client.get(address_of(good, only="HELD", state=state), **poll)
    assert news.status_code == 200
    assert 'id="batch-said" hx-swap-oob="innerHTML">Every one of the 2 files has its verdict.' in news.content.decode()


def test_all_verdicts_as_a_file(as_person, uploader, lead, site):
    good, _bad = files.hand_in(uploader, site, ("wrist.png", files.png()), ("=1+1\u202egnp.x", b"<html>"), judged=False)
    intake.judge(good.pk)

    def fetched(file_format):
        answer = as_person(uploader).get(reverse("studies:verdicts", args=[good.batch, file_format]))
        return b"".join(answer.streaming_content).decode(), answer

    rows = list(csv.DictReader(io.StringIO(fetched("csv")[0])))
    assert [row["status"] for row in rows] == ["ACCEPTED", "REFUSED"]
    assert rows[1]["name"] == "'=1+1\u202egnp.x"
    told, answer = fetched("json")
    assert [row["name"] for row in json.loads(told)] == ["wrist.png", "=1+1\u202egnp.x"]
    assert answer["Content-Disposition"].startswith("attachment;")
    assert as_person(uploader).get(reverse("studies:verdicts", args=[good.batch, "xls"])).status_code == 404
    assert as_person(lead).get(reverse("studies:verdicts", args=[good.batch, "csv"])).status_code == 404


def test_the_sender_and_a_lead_get_the_original_while_it_is_kept(as_person, uploader, lead, site):
    content = files.png()
    (file,) = files.hand_in(uploader, site, ("wrist.png", content), judged=False)
    (refused,) = files.hand_in(uploader, site, ("x.png", b"<html>"), judged=False)
    address = reverse("studies:original", args=[file.pk])
    for _round in ("waiting", "judged"):
        answer = as_person(uploader).get(address)
        assert b"".join(answer.streaming_content) == content
        assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("application/octet-stream", "nosniff")
        assert 'attachment; filename="wrist.png"' in answer["Content-Disposition"]
        intake.judge(file.pk)
    seen_by_lead = as_person(lead).get(address)
    assert b"".join(seen_by_lead.streaming_content) == content
    assert "wrist" not in seen_by_lead["Content-Disposition"]
    viewed = AuditEvent.objects.filter(verb=Verb.ORIGINAL_VIEWED, target_id=file.pk)
    assert viewed.count() == 3
    assert as_person(make.person(site, Role.ADMIN)).get(address).status_code == 403
    for person in (make.person(site, Role.UPLOADER), make.reader(site), make.lead(make.site())):
        assert as_person(person).get(address).status_code == 404
    assert as_person(uploader).get(reverse("studies:original", args=[refused.pk])).status_code == 404


def test_nobody_downloads_another_sites_copy(as_person, uploader, site):
    content, elsewhere = files.png(), make.site()
    files.hand_in(make.person(elsewhere, Role.UPLOADER), elsewhere, content, details=Details())
    (mine,) = files.hand_in(uploader, site, content, judged=False)
    mine.status, mine.code = "REFUSED", "damaged"
    mine.save()
    assert as_person(uploader).get(reverse("studies:original", args=[mine.pk])).status_code == 404
