"""What the whole platform costs as real processes: how soon the first page, how much memory, how soon a prediction.

Run by ``script/test --long`` or ``pytest tests/bench/test_platform.py -m long -s``; a line is printed for each figure.
A time passes where it meets its goal, or where it is near a floor of the same run: the machine has other work.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field

import psutil
import psycopg
import pytest

from bonefrac import embedded
from tests.platform import ROOT, Platform, picture

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
MEGABYTE = 1_000_000
FIRST, WARM, WEB, INFERENCE, VISIBLE = 15, 5, 180, 250, 2  # the goals: seconds, seconds, MB, MB, seconds
AT_ONCE = 8

ENGINES = (
    "import sys; from pathlib import Path; from bonefrac import embedded; embedded.start(Path(sys.argv[1])).stop()"
)
DJANGO = "import django; django.setup(); from django.urls import get_resolver; get_resolver().url_patterns"
MIGRATION = (
    "import os, subprocess, sys; from pathlib import Path; from bonefrac import embedded\n"
    "held = embedded.start(Path(sys.argv[1])); os.environ['BONEFRAC_DATA'] = sys.argv[1]\n"
    "try: subprocess.run([sys.executable, 'manage.py', 'migrate', '--verbosity', '0'], check=True)\n"
    "finally: held.stop()"
)


@dataclass
class Started:
    """The platform, running, and how long its starts took, in seconds, beside what they cannot do without."""

    platform: Platform
    first: float = 0.0
    first_floor: float = 0.0
    warm: list[float] = field(default_factory=list)
    warm_floor: float = 0.0


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """Started four times on one folder, and left running with the demo's studies predicted."""
    folder = tmp_path_factory.mktemp("bench")
    platform = Platform(folder / "data").start()
    made = Started(platform, first=first_page(platform))
    made.first_floor = seconds(platform, MIGRATION, folder / "bare") + seconds(platform, DJANGO)
    for _ in range(3):
        assert platform.stop() == 0
        platform.lines.clear()
        platform.start()
        made.warm.append(first_page(platform))
    made.warm_floor = seconds(platform, ENGINES, folder / "bare") + seconds(platform, DJANGO)
    yield made
    platform.stop()


def first_page(platform):
    """Return what the launcher says that its first page took, in seconds."""
    (found,) = [match for line in platform.lines if (match := re.search(r"first page after ([\d.]+) s", line))]
    return float(found.group(1))


def seconds(platform, script, *arguments):
    environment = platform.environment | {"DJANGO_SETTINGS_MODULE": "bonefrac.settings"}
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", script, *map(str, arguments)], cwd=ROOT, env=environment, check=True)
    return time.perf_counter() - began


def processes(platform, word):
    """Return the processes whose command says a word, the first started first."""
    family = psutil.Process(platform._process.pid).children(recursive=True)
    return sorted((one for one in family if word in " ".join(one.cmdline())), key=lambda one: one.create_time())


def test_the_first_page_comes_early(started, capsys):
    warm = statistics.median(started.warm)
    with capsys.disabled():
        print(
            f"\nfirst page on a first start {started.first:.1f} s (goal {FIRST}; bare engines, migrate and "
            f"django.setup {started.first_floor:.1f} s: {started.first / started.first_floor:.2f})"
            f"\nfirst page on a warm start {warm:.1f} s, median of {len(started.warm)} (goal {WARM}; bare engines and "
            f"django.setup {started.warm_floor:.1f} s: {warm / started.warm_floor:.2f})"
        )
    assert started.first <= max(FIRST, 3 * started.first_floor)
    assert warm <= max(WARM, 3 * started.warm_floor)


def test_processes_are_small_and_web_knows_no_tensorflow(started, capsys):
    platform = started.platform
    for name in ("demo-uploader", "demo-radiologist", "demo-lead", "demo-admin"):
        api = platform.api(name)
        for path in ("/studies/", "/uploads/", "/me/", "/models/", "/schema/?format=json") * 3:
            api._send("GET", path)
    for _ in range(8):
        urllib.request.urlopen(platform.base + "/accounts/sign-in/", timeout=30).close()
    master, *web = processes(platform, "gunicorn")
    parent, *children = processes(platform, "inference@")
    largest = max(web, key=resident)
    child = max(children, key=resident)
    with capsys.disabled():
        print(
            f"\nweb {resident(largest):.0f} MB resident (goal {WEB}), {own(largest):.0f} MB of it its own; "
            f"{len(web)} processes and a parent of {resident(master):.0f} MB"
            f"\ninference worker's child {resident(child):.0f} MB resident (goal {INFERENCE}), {own(child):.0f} MB "
            f"of it its own, parent {resident(parent):.0f} MB"
            f"\nall processes of the platform together {together(platform):.0f} MB"
        )
    assert resident(largest) <= WEB
    assert resident(child) <= INFERENCE
    for process in (*web, *children):
        assert not [part.path for part in process.memory_maps() if "tensorflow" in part.path.lower()]


def resident(process):
    return process.memory_info().rss / MEGABYTE


def own(process):
    return process.memory_full_info().uss / MEGABYTE


def together(platform):
    """Return the memory of all processes in MB; pages that several share are counted once."""
    family = psutil.Process(platform._process.pid).children(recursive=True)
    return sum(process.memory_full_info().pss for process in family) / MEGABYTE


def send(uploader, reader, site, seeds):
    """Upload pictures as a study each; return their studies when a reader sees all predicted, and the seconds taken."""
    files = {f"{seed}.png": picture(seed) for seed in seeds}
    began = time.perf_counter()
    sent = uploader.upload(
        files, site=site, body_part="hand", grouping="study_per_file", expected_files=str(len(files))
    )
    studies = []
    for row in sent["files"]:
        judged = uploader.until(f"/uploads/{row['id']}/", lambda found: found["study"])
        assert judged["status"] == "ACCEPTED", judged
        studies.append(judged["study"])
    for study in studies:
        seen = reader.until(f"/studies/{study}/", lambda found: "waiting" not in found["ai"]["sentence"])
        assert seen["ai"]["state"] in {"positive", "doubt", "negative"}, seen["ai"]
    return studies, time.perf_counter() - began


WORK = """
    SELECT extract(epoch FROM file.judged_at - file.received_at),
           extract(epoch FROM max(job.finished_at) - min(job.requested_at)),
           extract(epoch FROM max(job.finished_at)), extract(epoch FROM file.received_at)
    FROM studies_incomingfile file
    JOIN studies_studyimage image ON image.study_id = file.study_id
    JOIN inference_predictionjob job ON job.radiograph_id = image.radiograph_id
    WHERE file.study_id = ANY(%s)
    GROUP BY file.id
    HAVING bool_and(job.finished_at IS NOT NULL)
"""


def work(platform, studies):
    """Return a row a study once every model has answered: seconds to judge, to predict, the last end, the arrival."""
    with psycopg.connect(embedded.locations(platform.data).database_url, autocommit=True) as connection:
        for _ in range(200):
            found = connection.execute(WORK, [studies]).fetchall()
            if len(found) == len(studies):
                break
            time.sleep(0.05)
    assert len(found) == len(studies)
    return [tuple(map(float, row)) for row in found]


def test_a_prediction_is_visible_soon_and_eight_wait_no_longer_than_their_number(started, capsys):
    platform = started.platform
    uploader, reader = platform.api("demo-uploader"), platform.api("demo-radiologist")
    sites = [row["site"] for row in uploader.get("/sites/")["results"]]
    (site,) = {one["id"] for one in sites if one["reading_mode"] == "assisted"}
    send(uploader, reader, site, [7000])
    visible, singles = [], []
    for seed in range(7001, 7008):
        studies, taken = send(uploader, reader, site, [seed])
        visible.append(taken)
        ((judging, predicting, *_),) = work(platform, studies)
        singles.append(judging + predicting)
    one, single = statistics.median(singles), statistics.median(visible)
    studies, eight = send(uploader, reader, site, range(7100, 7100 + AT_ONCE))
    done = work(platform, studies)
    last = max(row[2] for row in done) - min(row[3] for row in done)
    with capsys.disabled():
        print(
            f"\nfrom an upload to its prediction over the API {single:.2f} s, median of {len(visible)} (goal "
            f"{VISIBLE}), of which judging and predicting {one:.2f} s"
            f"\n{AT_ONCE} uploads at once: the last visible after {eight:.2f} s; judged and predicted after {last:.2f} "
            f"s, {last / (AT_ONCE * one):.2f} of {AT_ONCE} times one (goal 1.2)"
        )
    assert single <= 3 * VISIBLE
    assert last <= 1.2 * AT_ONCE * one
