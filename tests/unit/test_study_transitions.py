"""The study's state machine, cell by cell: what is allowed, and that everything else is refused."""

from __future__ import annotations

import itertools

import pytest

from bonefrac.errors import Conflict
from studies.states import STUDY_TRANSITIONS, StudyEvent, StudyStatus

A, D, R, V = StudyStatus.AWAITING, StudyStatus.DISPUTED, StudyStatus.REVIEWED, StudyStatus.VOID
SETTLED = {A, D, R}
ALLOWED = {
    (A, "sign"): SETTLED, (A, "amend"): SETTLED, (A, "add_image"): {A}, (A, "report_problem"): {A}, (A, "void"): {V},
    (D, "adjudicate"): {R}, (D, "amend"): SETTLED, (D, "add_image"): {A}, (D, "report_problem"): {D}, (D, "void"): {V},
    (R, "amend"): SETTLED, (R, "reopen"): {A}, (R, "add_image"): {A}, (R, "report_problem"): {R}, (R, "void"): {V},
    (A, "undo"): SETTLED, (D, "undo"): SETTLED, (R, "undo"): SETTLED,
    (V, "restore"): SETTLED, (V, "move_image"): {V},
    (A, "move_image"): {A, V}, (D, "move_image"): {A, V}, (R, "move_image"): {A, V},
    (A, "split"): {A}, (D, "split"): {A}, (R, "split"): {A}, (A, "merge"): {V}, (D, "merge"): {V}, (R, "merge"): {V},
}  # fmt: skip
CELLS = list(itertools.product(StudyStatus, StudyEvent))


@pytest.mark.parametrize(("state", "event"), CELLS)
def test_every_cell_leads_where_the_table_says_or_is_refused(state, event):
    allowed = ALLOWED.get((state, str(event)), set())
    for target in StudyStatus:
        if target in allowed:
            assert STUDY_TRANSITIONS.move(state, event, target) == target
        else:
            with pytest.raises(Conflict) as refused:
                STUDY_TRANSITIONS.move(state, event, target)
            assert refused.value.code == "wrong_state"
    assert (event in STUDY_TRANSITIONS.available(state)) == bool(allowed)
