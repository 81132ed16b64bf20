import pytest

from bonefrac.errors import Conflict
from bonefrac.transitions import TransitionTable

TABLE = TransitionTable("door", {("OPEN", "close"): ("CLOSED",), ("CLOSED", "open"): ("OPEN", "AJAR")})


def test_known_pairs_move():
    assert TABLE.move("OPEN", "close") == "CLOSED"
    assert TABLE.move("CLOSED", "open") == "OPEN"
    assert TABLE.move("CLOSED", "open", "AJAR") == "AJAR"
    assert TABLE.available("CLOSED") == ("open",)
    assert TABLE.available("AJAR") == ()


@pytest.mark.parametrize(
    ("state", "event", "to"), [("OPEN", "open", None), ("AJAR", "close", None), ("OPEN", "close", "AJAR")]
)
def test_unknown_pairs_and_targets_conflict(state, event, to):
    with pytest.raises(Conflict) as refused:
        TABLE.move(state, event, to)
    assert refused.value.code == "wrong_state"
