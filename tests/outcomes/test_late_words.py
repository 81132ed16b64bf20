"""A model's word that comes after the signature is compared with it then, and tells nobody who may not know."""

from __future__ import annotations

import pytest
from django.urls import reverse

from bonefrac.accounts import people
from bonefrac.accounts.models import ReadingMode, Role
from inference.states import Task
from studies import divergences, notices, reviews, tasks
from studies.models import Disclosure, Divergence, Notice
from studies.terms import DivergenceKind
from tests import factories_studies as make
from tests.faces.clients import page_client
from tests.outcomes.passing import let_pass

pytestmark = pytest.mark.django_db


def read(mode=ReadingMode.ASSISTED, verdict="no_fracture", images=1):
    """A study that was settled while the model was silent, and its reader."""
    site = make.site(mode=mode)
    study, reader = make.study(site, images=images), make.reader(site)
    for _look in range(2 if mode == ReadingMode.BLIND_FIRST else 1):
        make.signed(reader, study, verdict)
    return study, reader


def speak(study, model, *states):
    made = make.predicted(study, model, *states)
    for prediction in made:
        tasks.rank_radiograph(str(prediction.radiograph_id))
    return made


def found(study):
    return list(Divergence.objects.filter(study=study))


@pytest.mark.parametrize(
    ("verdict", "state", "differs"),
    [
        ("no_fracture", "positive", True),
        ("fracture", "negative", True),
        ("fracture", "positive", False),
        ("no_fracture", "doubt", False),
        ("no_fracture", "not_assessed", False),
        ("not_assessable", "positive", False),
    ],
)
def test_a_word_that_comes_after_the_signature_is_compared(verdict, state, differs):
    study, reader = read(verdict=verdict)
    (prediction,) = speak(study, make.model(), state)
    assert [(row.kind, row.prediction) for row in found(study)] == (
        [(DivergenceKind.MODEL_AGAINST_FINAL, prediction)] if differs else []
    )
    assert not Notice.objects.filter(person=reader).exists()
    assert not Disclosure.objects.exists()
    assert notices.unseen_count(reader) == ""


def test_a_study_of_two_images_is_compared_once_the_model_spoke_of_both():
    study, _reader = read(verdict="fracture", images=2)
    one, two = study.images.order_by("position").select_related("radiograph")
    model = make.model()
    make.predict(one.radiograph, model, "negative")
    tasks.rank_radiograph(str(one.radiograph_id))
    assert found(study) == []
    make.predict(two.radiograph, model, "negative")
    for image in (two, one, two):
        tasks.rank_radiograph(str(image.radiograph_id))
    assert len(found(study)) == 1


def test_what_is_on_the_list_or_open_again_is_not_found_twice():
    study, reader = read()
    speak(study, make.model(), "positive")
    (row,) = found(study)
    lead = make.lead(study.site)
    divergences.look_at(lead, row.pk)
    tasks.rank_radiograph(str(row.prediction.radiograph_id))
    assert found(study) == [row]
    study.refresh_from_db()
    reviews.reopen(lead, study.pk, reason="Looked again.")
    tasks.rank_radiograph(str(row.prediction.radiograph_id))
    assert found(study) == [row]
    make.signed(reader, study, "no_fracture")
    assert len(found(study)) == 2


def test_a_lost_ring_is_made_good_by_the_sweep_and_only_then_looked_at():
    study, _reader = read()
    later, _other = read()
    make.predicted(study, make.model(), "positive")
    assert divergences.find_missed() == 0  # within a test all rows are of one moment
    let_pass(study, minutes=1)
    assert divergences.find_missed() == 1
    assert divergences.find_missed() == 0
    assert (len(found(study)), found(later)) == (1, [])


def test_a_word_of_another_task_is_none_of_a_fracture():
    study, _reader = read()
    make.classified(study, make.model(Task.BODY_PART), ("leg", 0.9), ("hand", 0.1))
    assert divergences.find_missed() == 0
    tasks.rank_radiograph(str(study.images.get().radiograph_id))
    assert found(study) == []


def test_where_readers_read_first_only_who_has_read_learns_of_it():
    study, reader = read(mode=ReadingMode.BLIND_FIRST)
    lead_who_read, lead, admin = reader, make.lead(study.site), make.person(study.site, Role.ADMIN)
    before = {person: told(person) for person in (lead, admin)}
    speak(study, make.model(), "positive")
    assert len(found(study)) == 1
    assert {person: told(person) for person in (lead, admin)} == before
    people.grant(None, person=lead_who_read, site=study.site, role=Role.LEAD)
    assert str(found(study)[0].pk) in told(lead_who_read)[1]


def told(person):
    """What the list and the header of every page say of differences to a person."""
    browser = page_client(person)
    shown = browser.get(reverse("studies:divergences"))
    return shown.status_code, shown.content.decode().partition("<main")[2]
