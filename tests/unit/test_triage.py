"""The simulated waits against queueing theory, the orders against their definitions, logs, promises and the drawing."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from studies.triage import drawing
from studies.triage.comparison import compare, keeping, ratio, usual_wait
from studies.triage.orders import FIFO, PLAIN, under
from studies.triage.simulation import waits
from studies.triage.streams import Arrival, LogError, Model, Stream, at_load, drawn_again, load_of, read_log

HEADER = "arrived_at,priority,truth,ai_state,reading_minutes\n"


def arrival(minute, ai_state="", reading=10.0, *, urgent=False, fracture=False):
    return Arrival(minute, urgent, fracture, ai_state, reading)


def test_the_mean_wait_by_age_is_that_of_pollaczek_and_khinchine():
    stream = Stream(load=0.7, studies=20_000, reading_minutes=5, variation=0.7)
    waited = [statistics.fmean(waits(stream.draw(seed), FIFO, readers=1)) for seed in range(8)]
    expected = 0.7 * 5 * (1 + 0.7**2) / (2 * (1 - 0.7))
    assert statistics.fmean(waited) == pytest.approx(expected, rel=0.05)


def test_no_order_makes_or_loses_time():
    """The sum of waits weighted by readings is the same under every order that lets nobody idle (one reader)."""
    arrivals = Stream(load=0.9, studies=3000, variation=1e-6).draw(3)
    sums = [sum(waits(arrivals, order, readers=1)) for order in (FIFO, PLAIN, under(60))]
    assert sums == pytest.approx([sums[0]] * 3, rel=1e-3)


def test_each_order_takes_whom_it_says():
    waiting = [
        arrival(0, reading=100), arrival(1, "negative"), arrival(2, "doubt"), arrival(3, "positive"),
        arrival(4, ""), arrival(5, urgent=True), arrival(98, "negative"), arrival(99, "positive"),
    ]  # fmt: skip

    def taken(order):
        waited = waits(waiting, order, readers=1)
        return sorted(range(len(waiting)), key=lambda number: waiting[number].minute + waited[number])

    assert taken(FIFO) == list(range(8))
    assert taken(PLAIN) == [0, 5, 3, 7, 2, 4, 1, 6]
    assert taken(under(1000)) == [0, 5, 3, 7, 2, 4, 1, 6]  # nobody waits a quarter of it before the others are read
    assert taken(under(200)) == [0, 5, 3, 7, 1, 2, 4, 6]  # the first negative one is lifted, the last is not yet
    assert taken(under(97)) == [0, 1, 2, 3, 4, 5, 7, 6]  # over the ceiling: oldest first


def test_several_readers_take_from_one_queue_and_nobody_idles():
    waited = waits([arrival(0), arrival(0), arrival(0), arrival(5)], FIFO, readers=2)
    assert waited == [0, 0, 10, 5]
    assert waits([arrival(10), arrival(10), arrival(30)], FIFO, readers=3) == [0, 0, 0]
    many = Stream(load=0.8, readers=4).draw(1)
    assert all(min(waits(many, order, readers=4)) == 0 for order in (FIFO, PLAIN, under(30)))


def test_the_same_seed_draws_the_same_and_the_model_says_what_it_says_as_often():
    stream = Stream(studies=40_000, prevalence=0.3, urgent=0.1)
    drawn = stream.draw(5)
    assert drawn == stream.draw(5) != stream.draw(6)
    fractures = [one for one in drawn if one.has_fracture]
    assert len(fractures) / len(drawn) == pytest.approx(0.3, abs=0.01)
    shares = [sum(one.ai_state == state for one in fractures) / len(fractures) for state in ("positive", "doubt")]
    assert shares == pytest.approx([0.648, 0.303], abs=0.015)
    assert sum(one.is_urgent for one in drawn) / len(drawn) == pytest.approx(0.1, abs=0.01)
    assert load_of(drawn, 1) == pytest.approx(0.9, rel=0.05)


def test_a_model_keeps_its_doubt_among_what_it_does_not_suspect():
    model = Model.of_counts({"fractured": {"positive": 60, "doubt": 30, "negative": 10},
                             "not_fractured": {"positive": 5, "doubt": 35, "negative": 60}})  # fmt: skip
    assert (model.positive_of_fractures, model.doubt_of_others) == (0.6, 0.35)
    sharper = model.with_sensitivity(0.8)
    assert (sharper.positive_of_fractures, sharper.doubt_of_fractures) == pytest.approx((0.8, 0.15))
    with pytest.raises(ValueError, match="expected counts"):
        Model.of_counts({"fractured": {"positive": 0, "doubt": 0}, "not_fractured": {"positive": 1, "doubt": 1}})


def test_a_log_is_replayed_in_the_order_of_its_times():
    log = read_log([
        HEADER, "2026-01-01T10:30:00+01:00,,fracture,negative,6\n",
        "2026-01-01T09:00:00+00:00,urgent,none,positive,\n", "2026-01-01T11:00:00+00:00,routine,,,8\n",
    ])  # fmt: skip
    assert log == [
        Arrival(0, True, False, "positive", 8), Arrival(30, False, True, "negative", 6),
        Arrival(120, False, False, "", 8),
    ]  # fmt: skip
    assert [one.minute for one in at_load(log, load_of(log, 1) * 2, 1)] == [0, 15, 60]


def test_a_log_of_one_moment_has_no_load():
    with pytest.raises(LogError, match="at different times"):
        at_load([arrival(0), arrival(0)], 0.9, 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("arrived_at,truth\n", "Missing: priority, ai_state, reading_minutes"),
        (HEADER, "at least one study"),
        (HEADER + "yesterday,,,,\n", "Line 2"),
        (HEADER + "2026-01-01T10:30:00,,,,\n", "with its zone"),
        (HEADER + "2026-01-01T10:30:00Z,,,,-1\n", "at least 0"),
        (HEADER + "2026-01-01T10:30:00Z,,,,inf\n", "at least 0"),
    ],
)
def test_a_log_that_cannot_be_read_says_where(text, says):
    with pytest.raises(LogError, match=says):
        read_log(text.splitlines(keepends=True))


def test_days_drawn_again_hold_what_came_on_days_of_the_log():
    log = [arrival(day * 1440 + 60 * hour, reading=day + 1) for day in range(4) for hour in range(3)]
    again = drawn_again(log, 1)
    assert [one.minute for one in again] == [one.minute for one in log]
    assert {one.reading for one in again} <= {1, 2, 3, 4}
    assert again != log


def test_an_interval_is_that_of_the_ratio_of_means_and_too_few_say_nothing():
    found = ratio([1.0, 2.0] * 10, [2.0, 4.0] * 10)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    mean = ratio([1.0, 3.0] * 10)
    assert mean.value == 2
    assert mean.high - mean.value == pytest.approx(1.96 * math.sqrt(1 / 19), rel=1e-6)
    assert math.isnan(ratio([1.0] * 9).value)
    assert math.isnan(ratio([1.0] * 20, [0.0] * 20).value)


@pytest.fixture(scope="module")
def drawn():
    return [Stream().draw(seed) for seed in range(1, 41)]


def test_under_a_ceiling_every_promise_is_kept_and_plain_priority_breaks_two(drawn):
    ceiling = 2.5 * usual_wait(drawn, readers=1)
    found = compare(drawn, readers=1, ceiling=ceiling)
    assert found.broken == ()
    assert [kept.is_kept for kept in found.promises(PLAIN)] == [True, False, False]
    assert all(kept.ratio.value == pytest.approx(1) for kept in found.promises(FIFO))
    assert keeping(drawn, [ceiling, 20 * ceiling], readers=1) == [ceiling]


def test_without_lifting_no_ceiling_keeps_every_promise(drawn):
    """Why the order lifts: what lets positive studies wait 40 % less lets missed fractures wait too long."""
    mean = usual_wait(drawn, readers=1)
    for multiple in (1.5, 2, 3):
        order = under(multiple * mean, lifted_after=1)
        found = compare(drawn[:10], readers=1, ceiling=multiple * mean, order=order)
        assert not all(kept.is_kept for kept in found.promises(order))


def test_a_model_that_misses_nothing_leaves_a_promise_that_cannot_be_judged():
    stream = Stream(studies=300, model=replace(Model(), positive_of_fractures=0.9, doubt_of_fractures=0.1))
    found = compare([stream.draw(seed) for seed in range(12)], readers=1, ceiling=80)
    assert "cannot be judged: not enough of them" in found.broken[-1]


def test_the_drawing_is_a_picture_with_every_study(drawn):
    arrivals = drawn[0][:50]
    waited = {order.name: waits(arrivals, order, readers=1) for order in (FIFO, under(60))}
    root = ElementTree.fromstring(drawing.waits_over_time(arrivals, waited, ceiling=60, title="A <test> & more"))
    signs = [node for node in root.iter() if node.get("class") in ("other", "positive", "missed")]
    assert len(signs) == 2 * 50 + 3
    assert "A <test> & more" in {node.text for node in root.iter()}
