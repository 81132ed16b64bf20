"""A photograph of a film: taken in, marked, said to its sender, and never assessed by a model."""

from __future__ import annotations

from studies.intake import Details
from tests import factories_intake as files
from training.scope import Scope


def test_it_is_taken_in_marked_and_out_of_every_models_scope(uploader, site):
    (file,) = files.hand_in(uploader, site, files.film_photo(7))
    assert file.status == "ACCEPTED"
    assert file.sentence == "It is a photograph of a film: people read it, the model does not assess it."
    facts = file.study_image.radiograph.facts
    assert facts["is_film_photo"] is True
    reason = Scope(("CR", "DX"), ("hand",)).assess(is_film_photo=facts["is_film_photo"])
    assert (reason.code, reason.sentence) == (
        "film_photo", "not assessed: a photograph of a film, not the radiograph itself",
    )  # fmt: skip


def test_a_person_may_say_so_where_the_picture_leaves_it_open(uploader, site):
    unsure = files.film_photo(8, far=0.04)
    (refused,) = files.hand_in(uploader, site, unsure)
    assert (refused.status, refused.code) == ("REFUSED", "not_a_radiograph")
    (file,) = files.hand_in(uploader, site, unsure, details=Details(is_film_photo=True))
    assert (file.status, file.study_image.radiograph.facts["is_film_photo"]) == ("ACCEPTED", True)


def test_a_declared_grey_picture_is_marked_too_and_another_colour_picture_is_not_taken(uploader, site):
    declared = Details(is_film_photo=True)
    grey, colour = files.hand_in(uploader, site, files.jpeg(), files.colour_photo(), details=declared)
    assert grey.study_image.radiograph.facts["is_film_photo"] is True
    assert (colour.status, colour.code) == ("REFUSED", "not_a_radiograph")


def test_a_radiograph_is_not_marked(uploader, site):
    (file,) = files.hand_in(uploader, site, files.png())
    assert "is_film_photo" not in file.study_image.radiograph.facts
