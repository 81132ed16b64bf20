"""The table of keys: no key does two things, people choose their own, and refusals say which key is whose."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from django.test import Client
from django.urls import reverse

from bonefrac.errors import Conflict, Invalid
from studies import keys
from studies.models import KeyBindings
from tests import factories_studies as make

pytestmark = pytest.mark.django_db

# What readers know from OHIF, as FIELD's table of conventions has it.
OHIF = {
    "zoomTool": "z", "zoomIn": "+", "zoomOut": "-", "fit": "=", "rotateRight": "r", "rotateLeft": "l",
    "flipHorizontal": "h", "flipVertical": "v", "invert": "i", "nextViewport": "ArrowRight",
    "previousViewport": "ArrowLeft", "nextImage": "ArrowDown", "previousImage": "ArrowUp", "firstImage": "Home",
    "lastImage": "End", "nextSeries": "PageDown", "previousSeries": "PageUp", "nextStage": ".", "previousStage": ",",
    "reset": "Space", "cancel": "Escape", "deleteChosen": "Backspace", "undo": "Ctrl+z", "redo": "Ctrl+y",
    **{f"preset{number}": str(number) for number in range(1, 6)},
}  # fmt: skip
OURS = {
    "fracture": "f", "noFracture": "n", "notAssessable": "u", "possible": "d", "boxTool": "b", "problem": "p",
    "sign": "Enter", "legend": "?",
}  # fmt: skip


def key_of(person, name: str) -> str:
    return next(one.key for one in keys.of(person).bindings if one.action.name == name)


def test_every_action_has_a_usual_key_and_no_key_does_two_things():
    assert [key for key, count in Counter(action.key for action in keys.ACTIONS).items() if count > 1] == []
    assert [name for name, count in Counter(action.name for action in keys.ACTIONS).items() if count > 1] == []
    assert all(action.key and str(action.words) for action in keys.ACTIONS)


def test_the_usual_keys_are_those_of_ohif_and_of_the_verdicts():
    usual = {action.name: action.key for action in keys.ACTIONS}
    assert {name: usual[name] for name in OHIF | OURS} == OHIF | OURS


def test_every_usual_key_could_be_chosen_by_a_person():
    person = make.person()
    for action in keys.ACTIONS:
        assert keys.bind(person, action=action.name, key=action.key).key == action.key
    assert KeyBindings.objects.get(person=person).keys == {}


def test_a_person_chooses_a_key_and_takes_it_back():
    person, other = make.person(), make.person()
    keys.bind(person, action="fracture", key="Ctrl+Shift+f")
    assert (key_of(person, "fracture"), key_of(other, "fracture")) == ("Ctrl+Shift+f", "f")
    keys.bind(person, action="noFracture", key="f")
    with pytest.raises(Conflict) as refused:
        keys.restore(person, action="fracture")
    assert refused.value.sentence.startswith("f is the key of “no acute fracture” already.")
    keys.restore(person, action="noFracture")
    keys.restore(person, action="fracture")
    assert (key_of(person, "fracture"), key_of(person, "noFracture")) == ("f", "n")


def test_a_key_that_is_taken_is_refused_and_nothing_changes():
    person = make.person()
    with pytest.raises(Conflict) as refused:
        keys.bind(person, action="fracture", key="r")
    assert refused.value.code == "key_taken"
    assert "“turn to the right”" in refused.value.sentence
    assert key_of(person, "fracture") == "f"


@pytest.mark.parametrize(
    "key", ["", "F", "Shift+?", "Tab", "Shift+Tab", "Ctrl+w", "F5", "F13", "fn", "Ctrl+", "Shift+Ctrl+f", "\n", "<b>"]
)
def test_what_is_no_key_is_refused(key):
    person = make.person()
    with pytest.raises(Invalid):
        keys.bind(person, action="fracture", key=key)
    assert key_of(person, "fracture") == "f"


def test_what_was_kept_for_an_older_table_harms_nothing():
    person = make.person()
    keys.restore_all(person)
    KeyBindings.objects.filter(person=person).update(keys={"gone": "q", "fracture": "n", "invert": "n"})
    shown = {one.action.name: one.key for one in keys.of(person).bindings}
    assert (shown["fracture"], shown["noFracture"], shown["invert"]) == ("n", "", "i")


def test_the_page_changes_one_key_and_gives_back_all():
    person = make.person(make.site())
    page = Client()
    page.force_login(person, backend="bonefrac.accounts.backends.PlatformBackend")
    address = reverse("studies:keys")
    assert page.post(address, {"action": "fracture", "key": "Shift+x"}).status_code == 302
    shown = page.get(address).text
    assert re.search(r'data-action="fracture">.*?<kbd>Shift</kbd> <kbd>x</kbd>', shown, re.S)
    assert "Kept: Shift x is “fracture”." in shown
    taken = page.post(address, {"action": "invert", "key": "b"}, headers={"HX-Request": "true"})
    assert (taken.status_code, taken.headers["HX-Retarget"]) == (409, "#notices")
    fragment = page.post(address, {"action": "invert", "key": "Alt+i"}, headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    assert 'id="keys"' in fragment
    page.post(address, {"all": "1"})
    assert not keys.of(person).has_own


def test_scripts_are_given_the_keys_and_the_words():
    given = json.loads(json.dumps(keys.bound({"nextImage": "PageDown"}).for_scripts))
    assert given["keys"]["nextImage"] == "PageDown"
    assert given["keys"]["nextSeries"] == "", "a key does one thing: the choice of the person wins"
    assert given["caps"]["undo"] == "Ctrl z"
    assert given["words"]["fracture"] == "fracture"
