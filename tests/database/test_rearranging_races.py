"""A lead moves images while others sign, move or merge: one wins, the other is told, nothing is half."""

from __future__ import annotations

import pytest

from studies import rearranging, reviews, worklist
from studies.models import Review, Study, StudyImage
from studies.selectors.readings import label
from tests import factories_studies as make
from tests.database.test_studies_races import together

pytestmark = pytest.mark.django_db(transaction=True)
WHY = "Wrong patient."


@pytest.mark.parametrize("_turn", range(3))
def test_a_signer_and_a_mover_never_leave_a_label_of_images_that_are_gone(_turn):
    site = make.site()
    source, target = make.study(site, images=2), make.study(site)
    reader, lead = make.reader(site), make.lead(site)
    worklist.claim(reader, source.pk)
    chosen = [source.images.first().pk]
    marks = {chosen[0]: "no_fracture"}
    came = together(
        [
            lambda: reviews.sign(
                reader, source.pk, judgement=make.judgement("no_fracture", image_readings=marks), revision=1
            ).verdict,
            lambda: rearranging.move_images(
                lead, source.pk, images=chosen, to=target.pk, reason=WHY, revision=1
            ).revision,
        ]
    )  # fmt: skip
    source.refresh_from_db(), target.refresh_from_db()
    assert came in (["no_fracture", "stale"], ["stale", 2])
    if came[0] == "stale":
        assert (source.images.count(), target.images.count(), Review.objects.count()) == (1, 2, 0)
    else:
        assert (source.images.count(), target.images.count(), label(source).verdict) == (2, 1, "no_fracture")


def test_a_mover_who_looked_at_no_revision_comes_after_the_signer_and_the_reading_is_history():
    site = make.site()
    source, target = make.study(site, images=2), make.study(site)
    reader, lead = make.reader(site), make.lead(site)
    worklist.claim(reader, source.pk)
    chosen = [source.images.first().pk]
    came = together(
        [
            lambda: reviews.sign(reader, source.pk, judgement=make.judgement("no_fracture"), revision=1).verdict,
            lambda: rearranging.move_images(lead, source.pk, images=chosen, to=target.pk, reason=WHY).revision,
        ]
    )
    source.refresh_from_db()
    assert (came[1], source.images.count(), label(source)) == (2, 1, None)
    assert came[0] in ("no_fracture", "stale")
    assert source.round == (2 if came[0] == "no_fracture" else 1)


def test_two_leads_who_merge_two_studies_into_each_other_do_not_wait_for_ever():
    site = make.site()
    one, other = make.study(site), make.study(site)
    leads = [make.lead(site), make.lead(site)]
    came = together(
        [
            lambda: rearranging.merge(leads[0], one.pk, into=other.pk, reason=WHY).status,
            lambda: rearranging.merge(leads[1], other.pk, into=one.pk, reason=WHY).status,
        ]
    )
    assert sorted(came) == ["AWAITING", "wrong_state"]
    assert sorted(Study.objects.values_list("status", flat=True)) == ["AWAITING", "VOID"]
    assert StudyImage.objects.count() == 2


def test_five_leads_move_one_image_and_one_does():
    site = make.site()
    source = make.study(site, images=2)
    targets, leads = [make.study(site) for _ in range(5)], [make.lead(site) for _ in range(5)]
    chosen = [source.images.first().pk]
    came = together(
        [
            lambda lead=lead, target=target: (
                rearranging.move_images(lead, source.pk, images=chosen, to=target.pk, reason=WHY, revision=1).revision
            )
            for lead, target in zip(leads, targets, strict=True)
        ]
    )
    assert sorted(came, key=str) == [2, "stale", "stale", "stale", "stale"]
    assert StudyImage.objects.count() == 7
