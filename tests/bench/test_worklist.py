"""The worklist with 100,000 and with 1,000,000 studies, through the web server's own processes on one platform.

Run by ``pytest tests/bench/test_worklist.py -m long -s``; filling takes five minutes. What counts is the
ratio to a signed-in, audited GET of one study, asked in turns with the list in the same run, and the ratio of the two
sizes. ``tests/bench/filling.py`` says what lies in the tables.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import statistics
import threading
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import urlencode

import psycopg
import pytest

from bonefrac import embedded
from tests.bench.filling import fill
from tests.platform import PASSWORD, Platform

pytestmark = [pytest.mark.long, pytest.mark.timeout(5400)]
SMALL, LARGE = 100_000, 1_000_000
ROUNDS, READERS, EVERY, SECONDS = 60, 50, 5.0, 40
TODAY = date.today()
FILTERS = {
    "part": {"part": "hand"}, "part that nobody has": {"part": "skull"}, "side": {"side": "right"},
    "side that nobody has": {"side": "both"}, "machine": {"ai": "positive"}, "urgent": {"urgent": "1"},
    "age": {"band": "child"}, "age that nobody has": {"band": "unknown"}, "unread": {"missing": "first"},
    "begun": {"missing": "further"}, "since": {"since": TODAY - timedelta(days=30)},
    "until": {"until": TODAY - timedelta(days=30)}, "rare word": {"search": "trampoline"},
    "common word": {"search": "kicked"}, "two words": {"search": "fell hand"}, "no such word": {"search": "zebra"},
    "pseudonym": {"search": "P-1f6"}, "accession": {"search": "20261121"},
    "four at once": {"part": "hip", "side": "right", "band": "child", "ai": "negative"},
    "none fits": {"part": "skull", "side": "both", "urgent": "1"},
}  # fmt: skip
SHOWS = ("open", "reviewed", "disputed", "problem", "void", "mine", "skipped", "reads")


class Person(contextlib.AbstractContextManager):
    """Somebody at the web server, on a connection of their own: a program with a token, or a browser with a session."""

    def __init__(self, port, headers):
        self.port, self.headers = port, headers
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, path, method="GET", body=None):
        """Return the milliseconds that an answer took, and its body."""
        began = time.perf_counter()
        try:
            self.connection.request(method, path, body, self.headers)
            answer = self.connection.getresponse()
        except (http.client.HTTPException, OSError):  # an idle connection was let go
            self.connection.close()
            began = time.perf_counter()
            self.connection.request(method, path, body, self.headers)
            answer = self.connection.getresponse()
        told = answer.read()
        taken = (time.perf_counter() - began) * 1000
        assert answer.status in (200, 204), (path, answer.status, told[:300])
        return taken, told

    def __exit__(self, *_raised):
        self.connection.close()


def program(platform, name="demo-radiologist"):
    return Person(platform.port, {"Authorization": f"Token {platform.api(name)._token}"})


def browser(platform, name="demo-radiologist"):
    """Sign in as a browser does and return the session."""
    connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=60)
    connection.request("GET", "/accounts/sign-in/")
    answer = connection.getresponse()
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', answer.read().decode()).group(1)
    cookie = answer.getheader("Set-Cookie").split(";")[0]
    form = urlencode({"username": name, "password": PASSWORD, "csrfmiddlewaretoken": token})
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
    connection.request("POST", "/accounts/sign-in/", form, kind)
    answer = connection.getresponse()
    assert answer.status == 302, answer.read()[:300]
    given = "; ".join(value.split(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie")
    connection.close()
    return Person(platform.port, {"Cookie": given})


@dataclass
class Times:
    """What one size of the list costs, in milliseconds."""

    one: list = field(default_factory=list)
    api: list = field(default_factory=list)
    page: list = field(default_factory=list)
    later: list = field(default_factory=list)
    following: list = field(default_factory=list)


def p95(times):
    return statistics.quantiles(times, n=20)[18]


def measure(platform, rounds=ROUNDS):
    """Ask in turns for one study, the list, the page, and a page ever further on."""
    with program(platform) as reader, browser(platform) as looker:
        return taken_in_turns(reader, looker, rounds)


def taken_in_turns(reader, looker, rounds):
    site = next(one["site"]["id"] for one in reader_sites(reader) if one["site"]["reading_mode"] == "assisted")
    studies = [row["id"] for row in json.loads(reader.ask("/api/v1/studies/?size=200")[1])["results"]]
    for person, path in ((reader, f"/api/v1/studies/{studies[0]}/"), (looker, "/")) * 5:
        person.ask(path)
    times, cursor = Times(), ""
    for turn in range(rounds):
        times.one.append(reader.ask(f"/api/v1/studies/{studies[turn % len(studies)]}/")[0])
        taken, told = reader.ask(f"/api/v1/studies/?cursor={cursor}" if cursor else "/api/v1/studies/")
        times.api.append(taken)
        cursor = json.loads(told)["next"]
        times.page.append(looker.ask("/")[0])
        times.later.append(looker.ask(f"/?cursor={cursor}")[0])
        taken, told = reader.ask(f"/api/v1/sites/{site}/next/", "POST")
        times.following.append(taken)
        reader.ask(f"/api/v1/studies/{json.loads(told)['id']}/hand-back/", "POST")
    return times


def reader_sites(reader):
    return json.loads(reader.ask("/api/v1/sites/")[1])["results"]


def filter_times(platform):
    """Return the fastest of three answers for every filter in every part of the list: what the machine's other work
    leaves of it."""
    with program(platform) as reader:
        return {
            (show, name): min(
                reader.ask("/api/v1/studies/?" + urlencode({"show": show, **asked}))[0] for _ in range(3)
            )
            for show in SHOWS
            for name, asked in FILTERS.items()
        }  # fmt: skip


def crowd_times(platform, seconds=SECONDS):
    """Let fifty readers open a page each every five seconds; return what each page took."""
    with contextlib.ExitStack() as stack:
        return pages_opened([stack.enter_context(browser(platform)) for _ in range(READERS)], seconds)


def pages_opened(people, seconds):
    pages = ["/", "/?part=hand", "/?ai=positive", "/?show=mine", "/?urgent=1"]
    taken, until = [], time.monotonic() + seconds

    def one(number):
        time.sleep(number * EVERY / READERS)
        while (began := time.monotonic()) < until:
            taken.append(people[number].ask(pages[number % len(pages)])[0])
            time.sleep(max(0.0, EVERY - (time.monotonic() - began)))

    threads = [threading.Thread(target=one, args=[number]) for number in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    started = Platform(tmp_path_factory.mktemp("worklist") / "data").start(seconds=400)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def sizes(platform):
    """The same platform with 100,000 studies and then with a million: what both cost."""
    address = embedded.locations(platform.data).database_url
    settle(address)
    fill(address, SMALL)
    small = measure(platform)
    fill(address, LARGE, first=SMALL + 1)
    return small, measure(platform)


def settle(address):
    """Wait until the workers have nothing to do: what they do would be measured too."""
    with psycopg.connect(address, autocommit=True) as connection:
        for _ in range(600):
            (waiting,) = connection.execute(
                "SELECT (SELECT count(*) FROM studies_incomingfile WHERE status IN ('RECEIVED', 'JUDGING'))"
                " + (SELECT count(*) FROM inference_predictionjob WHERE status IN ('QUEUED', 'RUNNING'))"
            ).fetchone()
            if not waiting:
                return
            time.sleep(0.5)


def told(name, times, one):
    return f"{name}: median {statistics.median(times):.1f}, p95 {p95(times):.1f} ms, {p95(times) / p95(one):.2f} x"


def test_a_million_studies_cost_what_the_issue_allows(sizes, capsys):
    small, large = sizes
    with capsys.disabled():
        for number, times in ((SMALL, small), (LARGE, large)):
            print(f"\n{number:,} studies; GET of one study: median {statistics.median(times.one):.1f}, "
                  f"p95 {p95(times.one):.1f} ms")  # fmt: skip
            for name in ("api", "page", "later", "following"):
                print("  " + told(name, getattr(times, name), times.one))
    assert p95(large.api) <= 2 * p95(large.one)
    assert p95(large.page) <= 5 * p95(large.one)
    assert p95(large.later) <= 5 * p95(large.one)
    assert statistics.median(large.later) <= 1.25 * statistics.median(large.page)
    for name in ("api", "page", "later", "following"):
        grown = statistics.median(getattr(large, name)) / statistics.median(large.one)
        assert grown <= 1.25 * statistics.median(getattr(small, name)) / statistics.median(small.one), name


def test_every_filter_of_every_part_is_read_from_an_index(platform, sizes, capsys):
    times = filter_times(platform)
    one = statistics.median(sizes[1].one)
    slowest = sorted(times.items(), key=lambda item: -item[1])[:8]
    with capsys.disabled():
        print(f"\n{len(times)} filters, the slowest of {len(SHOWS)} parts of the list:")
        for (show, name), taken in slowest:
            print(f"  {show}, {name}: {taken:.0f} ms, {taken / one:.1f} x one study")
    assert slowest[0][1] <= max(1000, 20 * one)
    assert statistics.median(times.values()) <= 3 * one


@pytest.mark.usefixtures("sizes")
def test_fifty_readers_open_a_page_each_every_five_seconds(platform, capsys):
    """The quieter of two rounds counts, by the goal or by what one reader alone waits at that time."""
    rounds = [(one_alone(platform), crowd_times(platform)) for _ in range(2)]
    for alone, times in rounds:
        with capsys.disabled():
            print(f"\n{READERS} readers, {len(times)} pages: median {statistics.median(times):.0f} ms, p95 "
                  f"{p95(times):.0f}; one reader alone: {alone:.0f}")  # fmt: skip
        assert len(times) >= READERS * SECONDS / EVERY * 0.8
    assert min(p95(times) / max(200, 4 * alone) for alone, times in rounds) <= 1


def one_alone(platform):
    """Return the median milliseconds of a page of the list while nobody else asks."""
    with browser(platform) as reader:
        return statistics.median(reader.ask("/")[0] for _ in range(20))
