"""What models that name classes say, on every face: bars with figures, notes, cautions, and silence where it is due."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from inference import jobs
from inference.states import Task
from studies.models import Disclosure
from tests import factories_studies as make

pytestmark = pytest.mark.django_db
PARTS = (("leg", 0.91), ("hip", 0.05), ("hand", 0.03), ("shoulder", 0.01))
TYPES = (("spiral", 0.62), ("oblique", 0.21), ("transverse", 0.17))


@pytest.fixture
def site():
    return make.site()


@pytest.fixture
def reader(site):
    return make.reader(site)


def page(user, name, study):
    client = Client()
    client.force_login(user, backend="bonefrac.accounts.backends.PlatformBackend")
    return client.get(reverse(name, args=[study.pk])).content.decode()


def image_of(user, study):
    client = APIClient()
    client.force_authenticate(user)
    (image,) = client.get(reverse("api_study", args=[study.pk])).json()["ai"]["images"]
    return image


@pytest.mark.parametrize("name", ["studies:study", "studies:read", "studies:machine"])
def test_each_class_is_a_bar_with_its_figure_and_a_word(site, reader, name):
    study = make.study(site, body_part="leg")
    make.predicted(study, make.model(), "positive")
    make.classified(study, make.model(Task.BODY_PART), *PARTS)
    make.classified(study, make.model(Task.FRACTURE_TYPE), *TYPES)
    shown = page(reader, name, study)
    for word in ("bone part:", "leg, knee, ankle, foot", "fracture type:", "spiral", "oblique", "tiny-body_part"):
        assert word in shown
    assert shown.count("<progress") == len(PARTS) + len(TYPES)
    assert 'value="0.9100" max="1"' in shown
    assert ">0.91</span>" in shown
    assert "AI reads" not in shown


def test_the_api_says_the_same(site, reader):
    study = make.study(site, body_part="hand")
    make.predicted(study, make.model(), "positive")
    make.classified(study, make.model(Task.BODY_PART), *PARTS, caution="More than one picture in one image.")
    (said,) = image_of(reader, study)["classes"]
    assert (said["task"], said["class_name"], said["score"], said["state"]) == ("body_part", "leg", 0.91, "classified")
    assert [(share["class_name"], share["probability"]) for share in said["shares"]] == list(PARTS)
    assert said["note"] == "AI reads: leg; stated: hand"
    assert said["caution"] == "More than one picture in one image."


@pytest.mark.parametrize(("stated", "differs"), [("hand", True), ("elbow", True), ("leg", False), ("unknown", False)])
def test_a_note_tells_a_difference_and_changes_nothing(site, reader, stated, differs):
    study = make.study(site, body_part=stated)
    make.classified(study, make.model(Task.BODY_PART), *PARTS)
    assert ("AI reads: leg; stated: " in page(reader, "studies:study", study)) is differs
    study.refresh_from_db()
    assert study.body_part == stated


@pytest.mark.parametrize(("state", "told"), [("positive", True), ("doubt", True), ("negative", False)])
def test_a_type_is_told_only_where_a_fracture_is_suspected(site, reader, state, told):
    study = make.study(site)
    make.predicted(study, make.model(), state)
    (kind,) = make.classified(study, make.model(Task.FRACTURE_TYPE), *TYPES)
    page(reader, "studies:read", study)
    shown = page(reader, "studies:machine", study)  # the form beside it names every type there is
    assert ("spiral" in shown) is told
    assert ("not shown: it is told only where a fracture is suspected" in shown) is not told
    assert Disclosure.objects.filter(reader=reader, prediction=kind).exists() is told


def test_every_class_that_is_handed_out_is_on_record(site, reader):
    study = make.study(site)
    (part,) = make.classified(study, make.model(Task.BODY_PART), *PARTS)
    assert not Disclosure.objects.exists()
    page(reader, "studies:study", study)
    assert Disclosure.objects.get().prediction == part


def test_what_is_still_on_its_way_is_polled_for(site, reader):
    study = make.study(site)
    make.predicted(study, make.model(), "positive")
    model = make.model(Task.BODY_PART)
    job = jobs.request(study.images.get().radiograph, model)
    assert "hx-get" in page(reader, "studies:machine", study)
    jobs.fail(jobs.start(job.pk), code="damaged", detail="The frame cannot be decoded.")
    shown = page(reader, "studies:machine", study)
    assert "hx-get" not in shown
    assert "not assessed: the prediction failed" in shown


def test_a_caution_stands_beside_the_score_once(site, reader):
    study = make.study(site, images=2)
    model = make.model()
    make.predicted(study, model, "positive", "doubt", caution="There is metal in the picture.")
    shown = page(reader, "studies:read", study)
    assert shown.count("There is metal in the picture.") == 1


@pytest.mark.parametrize(
    ("kind", "words"), [("head", "where the model suspects a fracture"), ("activation", "where the model looked")]
)
def test_a_map_is_named_by_what_draws_it(site, reader, kind, words):
    study = make.study(site)
    make.predicted(study, make.model(map_kind=kind), "positive")
    assert f'"name": "{words}"' in page(reader, "studies:read", study)
    assert image_of(reader, study)["map_name"] == words


def test_lists_say_nothing_of_classes(site, reader):
    study = make.study(site)
    make.classified(study, make.model(Task.BODY_PART), *PARTS)
    client = Client()
    client.force_login(reader, backend="bonefrac.accounts.backends.PlatformBackend")
    assert "AI reads" not in client.get(reverse("studies:worklist")).content.decode()
    assert not Disclosure.objects.exists()


def test_a_shadow_is_held_against_signed_labels_in_counts_alone(site, reader):
    serving = make.model()
    shadow = make.candidate()
    type(shadow).objects.filter(pk=shadow.pk).update(status="SHADOW")
    study = make.study(site)
    make.predicted(study, serving, "negative")
    make.predicted(study, shadow, "positive")
    make.signed(reader, study, "fracture")
    client = Client()
    client.force_login(make.person(engineer=True), backend="bonefrac.accounts.backends.PlatformBackend")
    answer = client.get(reverse("studies:shadow_labels", args=[shadow.pk]))
    shown = answer.content.decode()
    assert [row[1:] for row in answer.context["rows"]] == [([0, 1], [0, 1], 1), ([0, 0], [0, 0], 0)]
    assert "1 study with a fracture is too few to tell" in shown
    assert str(study.pk) not in shown
    assert reader.display_name not in shown
