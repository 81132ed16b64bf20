"""A database that does not answer is said in a sentence, on pages and to programs; a bug stays a bug."""

import pytest
from django.db import OperationalError

from bonefrac.api import answer_error
from bonefrac.pages import server_error

SILENCE = OperationalError("the connection is closed")


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [(SILENCE, 503, "The database does not answer"), (ZeroDivisionError(), 500, "This is a fault of the platform")],
)
def test_a_page_says_which_it_is(rf, error, status, words):
    try:
        raise error
    except type(error):
        answer = server_error(rf.get("/"))
    assert answer.status_code == status
    assert words in answer.content.decode()


def test_a_program_gets_the_one_shape():
    answer = answer_error(SILENCE, {})
    assert answer.status_code == 503
    assert answer.data["code"] == "database_silent"
    assert answer_error(ZeroDivisionError(), {}) is None
