"""A lead puts images where they belong: moved, split off, merged; what was signed stops counting and stays history."""

from __future__ import annotations

import pytest

from bonefrac.accounts import people
from bonefrac.accounts.models import Role
from bonefrac.accounts.pseudonyms import patient_key
from bonefrac.audit.events import history_of
from bonefrac.audit.models import Verb
from bonefrac.db import new_id
from bonefrac.errors import Conflict, Forbidden, Invalid, NotFound
from studies import datasets, rearranging, reviews, worklist
from studies.datasets import Criteria
from studies.datasets.rows import rows_of
from studies.models import DatasetItem, Decision, Notice, Review, Study, StudyImage
from studies.rearranging import Patient
from studies.selectors.datasets import fallen
from studies.selectors.readings import label
from tests import factories_studies as make

pytestmark = pytest.mark.django_db
WHY = "Wrong patient on the cassette."


@pytest.fixture
def site():
    return make.site()


@pytest.fixture
def lead(site):
    return make.lead(site)


def keys(study, *positions):
    images = list(study.images.all())
    return [images[position].pk for position in positions]


def test_a_moved_image_leaves_one_study_and_is_in_the_other(site, lead):
    source, target = make.study(site, images=2), make.study(site)
    (moved,) = keys(source, 1)
    pixels = StudyImage.objects.get(pk=moved).radiograph
    rearranging.move_images(lead, source.pk, images=[moved], to=target.pk, reason=WHY)
    source.refresh_from_db(), target.refresh_from_db()
    assert [image.position for image in source.images.all()] == [0]
    here = target.images.get(radiograph=pixels)
    assert (here.position, here.moved_from_id) == (1, moved)
    assert StudyImage.everything.get(pk=moved).withdrawn_at is not None
    assert (source.status, source.revision, source.round) == ("AWAITING", 2, 1)
    assert (target.status, target.revision, target.round) == ("AWAITING", 2, 1)
    assert Decision.objects.get(study=source).reason == WHY
    for study in (source, target):
        assert history_of("study", study.pk).filter(verb=Verb.IMAGE_MOVED, actor=lead).count() == 1


def test_readings_of_both_studies_stop_being_labels_and_stay_as_history(site, lead):
    source, target = make.study(site, images=2), make.study(site)
    first, second = make.reader(site), make.reader(site)
    made = make.signed(first, source, "fracture"), make.signed(second, target, "no_fracture")
    assert label(source)
    assert label(target)
    rearranging.move_images(lead, source.pk, images=keys(source, 0), to=target.pk, reason=WHY)
    for study in (source, target):
        study.refresh_from_db()
        assert (study.status, study.round, label(study)) == ("AWAITING", 2, None)
    assert set(Review.objects.all()) == set(made)
    with pytest.raises(Conflict) as refused:
        reviews.amend(first, made[0].pk, judgement=make.judgement(), revision=source.revision)
    assert refused.value.code == "earlier_round"


@pytest.mark.usefixtures("undo_is_over")
def test_a_frozen_dataset_says_what_it_said_and_the_next_one_does_not(site, lead):
    admin = make.person(site, Role.ADMIN)
    source, target = make.study(site, images=2, patient="A"), make.study(site, patient="B", side="left")
    make.signed(make.reader(site), source, "fracture")
    frozen = datasets.freeze(admin, site=site, name="Before", criteria=Criteria())
    before = list(rows_of(frozen))
    rearranging.move_images(lead, source.pk, images=keys(source, 0), to=target.pk, reason=WHY, other_patient=True)
    assert list(rows_of(frozen)) == before
    assert DatasetItem.objects.count() == 2
    with pytest.raises(Invalid) as refused:
        datasets.freeze(admin, site=site, name="After", criteria=Criteria())
    assert refused.value.code == "nothing_to_freeze"


@pytest.mark.parametrize("deed", ["move", "void", "reopen"])
@pytest.mark.usefixtures("undo_is_over")
def test_who_froze_or_downloaded_a_label_is_told_and_the_dataset_says_how_many_fell(site, lead, deed, client):
    admin, other = make.person(site, Role.ADMIN), make.person(site, Role.ADMIN)
    source, target = make.study(site, images=2), make.study(site)
    make.signed(make.reader(site), source, "fracture")
    frozen = datasets.freeze(admin, site=site, name="Before", criteria=Criteria())
    datasets.export(other, frozen, file_format="csv", corrected_only=False)
    assert fallen(frozen) == 0
    {
        "move": lambda: rearranging.move_images(lead, source.pk, images=keys(source, 0), to=target.pk, reason=WHY),
        "void": lambda: reviews.void(lead, source.pk, reason=WHY),
        "reopen": lambda: reviews.reopen(lead, source.pk, reason=WHY),
    }[deed]()
    assert fallen(frozen) == DatasetItem.objects.count() == 2
    assert {admin.pk, other.pk} <= set(Notice.objects.filter(study=source).values_list("person", flat=True))
    client.force_login(admin, backend="bonefrac.accounts.backends.PlatformBackend")
    assert "stand no longer" in client.get(f"/datasets/{frozen.pk}/").content.decode()


def test_who_read_holds_opened_or_sent_a_study_is_told_and_who_did_it_is_not(site, lead):
    source, target = make.study(site, images=2), make.study(site)
    reader, holder, stranger = make.reader(site), make.reader(site), make.reader(site)
    make.signed(reader, source, "fracture")
    worklist.claim(holder, target.pk)
    gone = make.reader(site)
    make.signed(gone, target2 := make.study(site), "fracture")
    rearranging.move_images(lead, source.pk, images=keys(source, 0), to=target.pk, reason=WHY)
    told = set(Notice.objects.exclude(kind="verdict_signed").values_list("person", "study"))
    assert told == {
        (reader.pk, source.pk), (source.uploader_id, source.pk), (holder.pk, target.pk), (target.uploader_id, target.pk)
    }  # fmt: skip
    assert not Notice.objects.filter(person=stranger).exists()
    people.revoke(None, person=gone, site=site, role=Role.RADIOLOGIST)
    reviews.void(lead, target2.pk, reason=WHY)
    assert not Notice.objects.filter(person=gone).exists()


def test_the_last_image_that_leaves_makes_its_study_void_and_nothing_restores_it(site, lead):
    source, target, holder = make.study(site), make.study(site), make.reader(site)
    worklist.claim(holder, source.pk)
    rearranging.move_images(lead, source.pk, images=keys(source, 0), to=target.pk, reason=WHY)
    source.refresh_from_db()
    assert (source.status, source.claimed_by) == ("VOID", None)
    with pytest.raises(Conflict) as refused:
        reviews.restore(lead, source.pk)
    assert refused.value.code == "no_image"


def test_images_come_out_of_a_void_study_and_go_into_none(site, lead):
    source, target = make.study(site, images=2), make.study(site)
    make.signed(make.reader(site), source, "fracture")
    reviews.void(lead, source.pk, reason=WHY)
    with pytest.raises(Conflict) as refused:
        rearranging.move_images(lead, target.pk, images=keys(target, 0), to=source.pk, reason=WHY)
    assert refused.value.code == "wrong_state"
    rearranging.move_images(lead, source.pk, images=keys(source, 0), to=target.pk, reason=WHY)
    source.refresh_from_db()
    assert source.status == "VOID"
    reviews.restore(lead, source.pk)
    source.refresh_from_db()
    assert (source.status, source.round) == ("AWAITING", 2)


def test_another_patient_has_to_be_meant(site, lead):
    source, target = make.study(site, images=2, patient="A"), make.study(site, patient="B")
    ask = {"images": keys(source, 0), "to": target.pk, "reason": WHY}
    with pytest.raises(Conflict) as refused:
        rearranging.move_images(lead, source.pk, **ask)
    assert refused.value.code == "other_patient"
    assert target.images.count() == 1
    rearranging.move_images(lead, source.pk, **ask, other_patient=True)
    assert target.images.count() == 2


def test_an_image_may_come_back(site, lead):
    source, target = make.study(site, images=2), make.study(site)
    pixels = source.images.first().radiograph_id
    rearranging.move_images(lead, source.pk, images=keys(source, 0), to=target.pk, reason=WHY)
    back = target.images.get(radiograph=pixels)
    rearranging.move_images(lead, target.pk, images=[back.pk], to=source.pk, reason="It was right before.")
    assert source.images.filter(radiograph=pixels).count() == 1
    assert StudyImage.everything.filter(radiograph=pixels).count() == 3


@pytest.mark.parametrize("who", ["radiologist", "uploader", "lead elsewhere"])
def test_only_a_lead_of_the_site_moves_anything(site, who):
    source, target = make.study(site, images=2), make.study(site)
    actor = {
        "radiologist": lambda: make.reader(site), "uploader": lambda: source.uploader,
        "lead elsewhere": lambda: make.lead(make.site()),
    }[who]()  # fmt: skip
    expected = Forbidden if who == "radiologist" else (NotFound, Forbidden)
    for deed in (
        lambda: rearranging.move_images(actor, source.pk, images=keys(source, 0), to=target.pk, reason=WHY),
        lambda: rearranging.split(actor, source.pk, images=keys(source, 0), reason=WHY),
        lambda: rearranging.merge(actor, source.pk, into=target.pk, reason=WHY),
    ):
        with pytest.raises(expected):
            deed()
    assert (source.images.count(), target.images.count()) == (2, 1)


def test_two_sites_never_share_an_image(site, lead):
    source, elsewhere = make.study(site, images=2), make.study(make.site())
    with pytest.raises(NotFound):
        rearranging.move_images(lead, source.pk, images=keys(source, 0), to=elsewhere.pk, reason=WHY)
    people.grant(None, person=lead, site=elsewhere.site, role=Role.LEAD)
    with pytest.raises(Invalid):
        rearranging.move_images(lead, source.pk, images=keys(source, 0), to=elsewhere.pk, reason=WHY)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"images": []}, Invalid), ({"images": [new_id()]}, Invalid), ({"reason": " "}, Invalid),
        ({"revision": 7}, Conflict), ({"to": None}, Invalid),
    ],
)  # fmt: skip
def test_what_cannot_stand_moves_nothing(site, lead, change, error):
    source, target = make.study(site, images=2), make.study(site)
    asked = {"images": keys(source, 0), "to": target.pk, "reason": WHY, "revision": 1} | change
    asked["to"] = asked["to"] or source.pk
    with pytest.raises(error):
        rearranging.move_images(lead, source.pk, **asked)
    assert (source.images.count(), target.images.count(), Notice.objects.count()) == (2, 1, 0)
    rearranging.move_images(lead, source.pk, images=keys(source, 0), to=target.pk, reason=WHY, revision=1)


def test_a_study_is_split_and_each_part_is_read_anew(site, lead):
    source = make.study(site, images=3, patient="A", side="left", sex="F", age_months=400)
    make.signed(make.reader(site), source, "fracture")
    made = rearranging.split(lead, source.pk, images=keys(source, 0, 2), reason=WHY)
    source.refresh_from_db()
    assert (source.images.count(), source.status, source.round) == (1, "AWAITING", 2)
    assert (made.images.count(), made.status, made.round) == (2, "AWAITING", 1)
    assert (made.patient_key, made.side, made.sex, made.age_months) == (source.patient_key, "left", "F", 400)
    assert made.study_uid != source.study_uid
    assert worklist.next_for(make.reader(site), site) is not None


@pytest.mark.parametrize(("patient", "code"), [(Patient.UNKNOWN, ""), (Patient.OTHER, "4712")])
def test_what_is_split_off_for_another_patient_knows_nothing_of_the_first(site, lead, patient, code):
    source = make.study(site, images=2, patient="A", sex="F", age_months=400, question="Fell from a ladder")
    made = rearranging.split(lead, source.pk, images=keys(source, 0), reason=WHY, patient=patient, patient_code=code)
    assert (made.sex, made.age_months, made.question) == ("unknown", None, "")
    assert made.patient_key == (patient_key(site, issuer="", patient_id=code) if code else None)


def test_a_split_leaves_something_and_names_the_other_patient(site, lead):
    source = make.study(site, images=2)
    for asked in ({"images": keys(source, 0, 1)}, {"images": keys(source, 0), "patient": Patient.OTHER}):
        with pytest.raises(Invalid):
            rearranging.split(lead, source.pk, reason=WHY, **asked)
    assert Study.objects.count() == 1


def test_a_merged_study_is_void_and_fills_what_the_other_did_not_know(site, lead):
    source, target = make.study(site, images=2, patient="A", side="left", urgent=True), make.study(site)
    make.signed(make.reader(site), target, "fracture")
    rearranging.merge(lead, source.pk, into=target.pk, reason=WHY)
    source.refresh_from_db(), target.refresh_from_db()
    assert (source.status, source.merged_into, source.images.count()) == ("VOID", target, 0)
    assert (target.status, target.round, target.images.count()) == ("AWAITING", 2, 3)
    assert (target.side, target.urgent, target.patient_key) == ("left", True, source.patient_key)


def test_merging_a_study_that_shows_the_same_picture_shows_it_once(site, lead):
    source, target = make.study(site, images=2), make.study(site)
    make.image(target, 1, shows=source.images.first().radiograph)
    rearranging.merge(lead, source.pk, into=target.pk, reason=WHY)
    assert target.images.count() == 3


def test_another_picture_under_the_same_identity_moves_nothing(site, lead):
    source, target = make.study(site, images=2), make.study(site)
    StudyImage.objects.filter(study=target).update(sop_instance_uid=source.images.first().sop_instance_uid)
    with pytest.raises(Conflict) as refused:
        rearranging.merge(lead, source.pk, into=target.pk, reason=WHY)
    assert refused.value.code == "same_instance"
    assert (source.images.count(), target.images.count()) == (2, 1)
