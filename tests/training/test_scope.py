"""What a model may speak about, as far as a header can tell."""

import itertools

import pytest

from training.scope import Reason, Scope, part_of, part_words

#: Hip was learnt and evaluated too little; shoulder was learnt and not evaluated, so it may not be spoken about.
SCOPE = Scope(("CR", "DX"), ("hand", "leg", "hip"), ("hip", "shoulder"), min_age=1, max_age=90, limits="Few.")
INSIDE = {
    "modality": [None, "", "CR", "dx"],
    "body_part": [None, "", "unknown", "HAND", "wrist", "FOREARM", " Knee ", "FOOT", "PELVIS", "hip", "TIBIAFIBULA"],
    "age_band": [None, "", "unknown", "35-39", "0–4", "1", "90+", "090", "old"],
}
OUTSIDE = [
    ({"modality": "CT"}, "modality", "modality CT, computed tomography, not a plain radiograph"),
    ({"modality": "mr"}, "modality", "modality MR, magnetic resonance, not a plain radiograph"),
    ({"modality": "XC"}, "modality", "modality XC, a photograph, not a plain radiograph"),
    ({"modality": "ZZ"}, "modality", "modality ZZ, not a plain radiograph"),
    ({"body_part": "CHEST"}, "body_part", "chest radiograph"),
    ({"body_part": "THORAX"}, "body_part", "chest radiograph"),
    ({"body_part": "LSPINE"}, "body_part", "spine radiograph"),
    ({"body_part": "MANDIBLE"}, "body_part", "skull radiograph"),
    ({"body_part": "ABDOMEN"}, "body_part", "abdomen radiograph"),
    ({"body_part": "ELBOW"}, "body_part", "elbow or upper arm radiograph"),
    ({"body_part": "other"}, "body_part", "other part of the body radiograph"),
    ({"body_part": "HINDLEG"}, "body_part", "hindleg radiograph"),
    ({"body_part": "clavicle"}, "not_evaluated", "shoulder radiograph; this model was not evaluated on it"),
    ({"is_colour_photo": True, "body_part": "hand"}, "colour_photo", "a colour photograph, not a radiograph"),
    ({"age_band": "0"}, "age", "younger than 1 year"),
    ({"age_band": "91-95"}, "age", "older than 90 years"),
]


def test_inside_or_unstated_is_assessed():
    matrix = [dict(zip(INSIDE, values, strict=True)) for values in itertools.product(*INSIDE.values())]
    assert [facts for facts in matrix if SCOPE.assess(**facts) is not None] == []


@pytest.mark.parametrize(("facts", "code", "words"), OUTSIDE)
def test_outside_gets_its_own_sentence(facts, code, words):
    assert SCOPE.assess(**facts) == Reason(code, f"not assessed: {words}")


@pytest.mark.parametrize(("facts", "code", "words"), OUTSIDE)
def test_one_fact_outside_is_enough(facts, code, words):
    others = {"modality": "DX", "body_part": "hand", "age_band": "40"}
    assert SCOPE.assess(**{**others, **facts}).code == code


def test_a_scope_without_bounds_of_age_takes_any():
    unbounded = Scope(("DX",), ("hand",))
    assert unbounded.assess(age_band="0") is None
    assert unbounded.assess(age_band="120+") is None


def test_trained_but_hardly_evaluated_carries_a_caveat():
    assert SCOPE.caveat("pelvis") == "accuracy on hip or pelvis radiographs is not known: too few were at hand"
    assert SCOPE.caveat("hand") == ""
    assert SCOPE.caveat(None) == ""


def test_round_trip_and_unknown_fields():
    assert Scope.from_dict(SCOPE.to_dict()) == SCOPE
    with pytest.raises(ValueError, match="fields"):
        Scope.from_dict({**SCOPE.to_dict(), "views": []})


def test_parts_have_our_words_and_unknown_ones_stay_themselves():
    assert part_of("LSPINE") == "spine"
    assert part_of(" Knee ") == "leg"
    assert part_of("HINDLEG") == "hindleg"
    assert part_of("unknown") is None
    assert part_words("leg") == "leg, knee, ankle or foot"
    assert part_words("hindleg") == "hindleg"
