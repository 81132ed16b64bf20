"""Mutated files of every accepted kind: each ends in a frame or a code, and the decoding child survives them all."""

from __future__ import annotations

import random

import pytest

from studies.decoding.parent import Decoder
from studies.intake.sentences import ADVICE
from tests.intake.table import ACCEPTED
from training.frames import FrameError


def mutated(content, chance):
    changed = bytearray(content)
    reach = chance.choice([200, 700, len(changed)])
    for _change in range(chance.choice([1, 2, 5, 20])):
        changed[chance.randrange(min(len(changed), reach))] = chance.randrange(256)
    return bytes(changed[: chance.randrange(1, len(changed))]) if chance.random() < 0.2 else bytes(changed)


def verdict(child, path):
    try:
        child.decode(path, max_pixels=10**7, preprocessings=[])
    except FrameError as error:
        return error.code
    return "accepted"


@pytest.mark.parametrize("kind", ACCEPTED)
def test_nothing_crashes_the_child(kind, tmp_path):
    chance, child, path = random.Random(kind), Decoder(seconds=20), tmp_path / "file"
    child.warm_up()
    first, seen = child.pid, set()
    for _round in range(100):
        path.write_bytes(mutated(ACCEPTED[kind](), chance))
        seen.add(verdict(child, path))
    assert child.pid == first
    assert seen - {"accepted"} <= set(ADVICE)
    assert len(seen) > 1
    child.stop()
