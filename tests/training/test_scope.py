"""What a model may speak about."""

import pytest

from training.scope import Scope, part_of

SCOPE = Scope(("CR", "DX"), ("hand", "leg", "hip"), not_evaluated=("hip",), min_age=1, max_age=90, limits="Few.")


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"modality": "dx", "body_part": "HAND", "age_band": "35-39"},
        {"body_part": "WRIST"},
        {"body_part": "PELVIS"},
        {"body_part": "unknown", "age_band": "unknown"},
        {"body_part": "", "age_band": ""},
        {"age_band": "90+"},
        {"age_band": "0–4"},
        {"age_band": "1"},
    ],
)
def test_inside_or_unstated_is_assessed(facts):
    assert SCOPE.assess(**facts) is None


@pytest.mark.parametrize(
    ("facts", "code", "words"),
    [
        ({"modality": "CT"}, "modality", "modality CT"),
        ({"body_part": "CHEST"}, "body_part", "chest radiograph"),
        ({"body_part": "shoulder"}, "body_part", "shoulder radiograph"),
        ({"body_part": "other"}, "body_part", "other part of the body"),
        ({"is_colour_photo": True, "body_part": "hand"}, "colour_photo", "colour photograph"),
        ({"age_band": "0"}, "age", "younger than 1 years"),
        ({"age_band": "91-95"}, "age", "older than 90 years"),
    ],
)
def test_outside_gets_its_own_sentence(facts, code, words):
    reason = SCOPE.assess(**facts)
    assert reason.code == code
    assert reason.sentence.startswith("not assessed: ")
    assert words in reason.sentence


def test_trained_but_not_evaluated_carries_a_caveat():
    assert "hip or pelvis" in SCOPE.caveat("pelvis")
    assert SCOPE.caveat("hand") == ""
    assert SCOPE.caveat(None) == ""


def test_round_trip_and_unknown_fields():
    assert Scope.from_dict(SCOPE.to_dict()) == SCOPE
    with pytest.raises(ValueError, match="fields"):
        Scope.from_dict({**SCOPE.to_dict(), "views": []})


def test_parts_without_a_word_of_ours_stay_themselves():
    assert part_of("LSPINE") == "lspine"
    assert part_of(" Knee ") == "leg"
    assert part_of("unknown") is None
