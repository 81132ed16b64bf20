"""What images are called: no two of a study alike, on every face that names them."""

from __future__ import annotations

import pytest
from django.urls import reverse

from studies import worklist
from studies.states import Side
from studies.wording import names_of
from tests import factories_studies as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    made = make.study(make.site(), images=0)
    for position, (view, side) in enumerate([("PA", ""), ("LL", ""), ("PA", ""), ("", ""), ("PA", "left"), ("", "")]):
        image = make.image(made, position)
        type(image).everything.filter(pk=image.pk).update(view=view, side=Side(side) if side else Side.UNKNOWN)
    return made


NAMES = ["PA, 1 of 2", "LL", "PA, 2 of 2", "image 4", "PA left", "image 6"]


def test_images_of_one_view_and_side_are_told_apart_by_numbers(study):
    images = list(study.images.order_by("position"))
    names = names_of(reversed(images))
    assert [names[image.pk] for image in images] == NAMES
    assert list(names_of(images[:2]).values()) == ["PA", "LL"], "what is alone needs no number"


def test_viewer_form_history_and_api_call_an_image_the_same(study, client):
    reader = make.reader(study.site)
    worklist.claim(reader, study.pk)
    client.force_login(reader, backend="bonefrac.accounts.backends.PlatformBackend")
    page = client.get(reverse("studies:read", args=[study.pk]))
    assert [image["label"] for image in page.context["reading_data"]["images"]] == NAMES
    assert [image.label for image in page.context["images"]] == NAMES
    history = client.get(reverse("studies:study", args=[study.pk]))
    assert [name for _image, name in history.context["images"]] == NAMES
    told = client.get(f"/api/v1/studies/{study.pk}/").json()
    assert [image["name"] for image in told["images"]] == NAMES
